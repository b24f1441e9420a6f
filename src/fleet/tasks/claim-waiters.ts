import type { Clock } from '#telemetry';

/** Which tasks a claim takes. */
export interface ClaimFilter {
  readonly agentId: string;
  /** The pool that the claiming agent belongs to. */
  readonly poolId: string | null;
  /** null takes any. */
  readonly phaseIds: readonly string[] | null;
  readonly taskTypes: readonly string[] | null;
  /** Leaves the tasks that are for agents of every pool. */
  readonly ownPoolOnly: boolean;
}

/** What a waiting claim has to know of a task to see whether it fits. */
export interface QueuedTask {
  readonly task_type: string;
  readonly phase_id: string;
  readonly pool_id: string | null;
  readonly kept_for_agent_id: string | null;
}

export type WaitOutcome = 'woken' | 'timed_out' | 'aborted';

interface Waiter {
  readonly ticket: number;
  readonly filter: ClaimFilter;
  readonly end: (outcome: WaitOutcome) => void;
}

/** Claims that wait for a task. A task that comes wakes the one that fits and has waited longest, and no other. */
export class ClaimWaiters {
  readonly #clock: Clock;
  readonly #maxWaiting: number;
  #waiting: Waiter[] = [];
  #tickets = 0;
  #version = 0;

  constructor(clock: Clock, maxWaiting: number) {
    this.#clock = clock;
    this.#maxWaiting = maxWaiting;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** Grows with every task that comes: who looked before and finds it grown looks again before he waits. */
  get version(): number {
    return this.#version;
  }

  get full(): boolean {
    return this.#waiting.length >= this.#maxWaiting;
  }

  /** A place in the line; a claim that was woken in vain goes back to its old place. */
  takeTicket(): number {
    return this.#tickets++;
  }

  wait(
    filter: ClaimFilter,
    place: { readonly ticket: number; readonly waitMs: number; readonly signal: AbortSignal | null },
  ): Promise<WaitOutcome> {
    const { ticket, waitMs, signal } = place;
    return new Promise((resolve) => {
      const end = (outcome: WaitOutcome): void => {
        timer.cancel();
        signal?.removeEventListener('abort', abort);
        this.#waiting = this.#waiting.filter((other) => other !== waiter);
        resolve(outcome);
      };
      const abort = (): void => end('aborted');
      const waiter: Waiter = { ticket, filter, end };
      const timer = this.#clock.after(waitMs, () => end('timed_out'));
      signal?.addEventListener('abort', abort, { once: true });
      const behind = this.#waiting.findLastIndex((other) => other.ticket < ticket);
      this.#waiting.splice(behind + 1, 0, waiter);
    });
  }

  /** A task came into the queue. */
  wake(task: QueuedTask): void {
    this.#version++;
    this.#waiting.find((waiter) => fits(waiter.filter, task))?.end('woken');
  }

  /** Everybody stops waiting. */
  stop(): void {
    for (const waiter of this.#waiting) waiter.end('timed_out');
  }
}

function fits(filter: ClaimFilter, task: QueuedTask): boolean {
  if (filter.phaseIds && !filter.phaseIds.includes(task.phase_id)) return false;
  if (filter.taskTypes && !filter.taskTypes.includes(task.task_type)) return false;
  if (task.kept_for_agent_id !== null && task.kept_for_agent_id !== filter.agentId) return false;
  if (task.pool_id === null) return !filter.ownPoolOnly;
  return task.pool_id === filter.poolId;
}
