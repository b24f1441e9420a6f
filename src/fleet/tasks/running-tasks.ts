import type { Clock } from '#telemetry';
import type { NamedTask, TaskRow } from './task-row.ts';

type RunningTask = NamedTask & Pick<TaskRow, 'claimed_at_ms'>;

/** Tasks of one phase and type that are claimed, by id: since when (monotonic ms), the longest first. */
interface RunningKind {
  readonly phaseId: string;
  readonly taskType: string;
  readonly since: Map<string, number>;
}

/**
 * Since when claims run, so that the oldest of each kind is known without a look at the others. Memory only; changed
 * after commits.
 */
export class RunningTasks {
  readonly #clock: Clock;
  readonly #kinds = new Map<string, RunningKind>();
  readonly #claims = new Map<string, { readonly kind: RunningKind; readonly task: RunningTask }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A claim runs, and has run for so long; those found at the start come in the order of their claims. */
  begin(task: RunningTask, heldMs: number): void {
    const key = keyOf({ phaseId: task.phase_id, taskType: task.task_type });
    let kind = this.#kinds.get(key);
    if (!kind) {
      kind = { phaseId: task.phase_id, taskType: task.task_type, since: new Map() };
      this.#kinds.set(key, kind);
    }
    // Claimed again, it is the youngest.
    kind.since.delete(task.task_id);
    const { task_id, phase_id, task_type, traceparent, claimed_at_ms } = task;
    this.#claims.set(task_id, { kind, task: { task_id, phase_id, task_type, traceparent, claimed_at_ms } });
    kind.since.set(task.task_id, this.#clock.monotonicMs() - heldMs);
  }

  /** A claim that runs; null where none of the task does. */
  get(taskId: string): RunningTask | null {
    return this.#claims.get(taskId)?.task ?? null;
  }

  end(taskId: string): void {
    const kind = this.#claims.get(taskId)?.kind;
    if (!kind) return;
    this.#claims.delete(taskId);
    kind.since.delete(taskId);
    if (kind.since.size === 0) this.#kinds.delete(keyOf(kind));
  }

  /** Of each kind that runs: how long its oldest claim has run, in seconds. */
  *ages(): Generator<{ readonly phaseId: string; readonly taskType: string; readonly ageSeconds: number }> {
    const nowMs = this.#clock.monotonicMs();
    for (const { phaseId, taskType, since } of this.#kinds.values()) {
      const [oldestMs = nowMs] = since.values();
      yield { phaseId, taskType, ageSeconds: Math.max(0, nowMs - oldestMs) / 1000 };
    }
  }
}

function keyOf({ phaseId, taskType }: Pick<RunningKind, 'phaseId' | 'taskType'>): string {
  return `${phaseId} ${taskType}`;
}
