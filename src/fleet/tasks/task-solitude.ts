import type { Clock } from '#telemetry';

/** An agent is kept free for one task no longer than this: it may never be done with what it holds. */
const keptFreeMs = 60_000;

/**
 * Who has a task alone, or is kept from further tasks until it can: one that has ended a holder shall take nothing else
 * with it when it does so again. Memory only; changed after commits, but for who is kept free, which nobody has to know.
 */
export class TaskSolitude {
  readonly #clock: Clock;
  /** By agent. */
  readonly #holders = new Map<string, { readonly taskId: string; readonly endedOthers: boolean }>();
  /** By task: the busy agent that gets it as soon as it holds nothing. */
  readonly #keptFree = new Map<string, { readonly agentId: string; readonly untilMs: number }>();
  #waiting = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many queued tasks are to be claimed alone. */
  get waiting(): number {
    return this.#waiting;
  }

  countWaiting(change: number): void {
    this.#waiting += change;
  }

  /** An agent has the task alone from now on. @param endedOthers whether another process was lost with it before */
  begin(taskId: string, agentId: string, endedOthers: boolean): void {
    this.#keptFree.delete(taskId);
    this.#holders.set(agentId, { taskId, endedOthers });
  }

  end(taskId: string, agentId: string): void {
    if (this.#holders.get(agentId)?.taskId === taskId) this.#holders.delete(agentId);
  }

  holdsAlone(agentId: string): boolean {
    return this.#holders.has(agentId);
  }

  /** The task that explains why an agent that has it alone is ill; null where there is none. */
  suspectOf(agentId: string): string | null {
    const held = this.#holders.get(agentId);
    return held?.endedOthers ? held.taskId : null;
  }

  /**
   * Whether a busy agent is given nothing more for the sake of one of these tasks, which wait for a free one: it is kept
   * for one already, or for one of these from now on. Each task keeps one agent free, so that the others work on.
   */
  keepFree(agentId: string, tasks: readonly { readonly task_id: string }[]): boolean {
    const nowMs = this.#clock.monotonicMs();
    for (const { task_id: taskId } of tasks) {
      const kept = this.#keptFree.get(taskId);
      if (kept && kept.untilMs > nowMs) {
        if (kept.agentId === agentId) return true;
        continue;
      }
      for (const [other, { untilMs }] of this.#keptFree) if (untilMs <= nowMs) this.#keptFree.delete(other);
      this.#keptFree.set(taskId, { agentId, untilMs: nowMs + keptFreeMs });
      return true;
    }
    return false;
  }
}
