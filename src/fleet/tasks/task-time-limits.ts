import type { TaskRow } from './task-row.ts';

/** The type that stands for all that a pool does not name. */
const ANY_TYPE = '*';

/** For how long agents of each pool may hold tasks of each type. */
export class TaskTimeLimits {
  readonly #ofPools = new Map<string, ReadonlyMap<string, number>>();

  /** @param limitsMs by type of tasks; null where the pool is gone */
  know(poolId: string, limitsMs: Readonly<Record<string, number>> | null): void {
    const limits = Object.entries(limitsMs ?? {});
    if (limits.length > 0) this.#ofPools.set(poolId, new Map(limits));
    else this.#ofPools.delete(poolId);
  }

  /**
   * For how long an agent of the pool may hold the task: the task's own limit before the pool's for its type, and that
   * one before the pool's for any type.
   * @returns ms; null: as long as it renews its lease
   */
  of(task: Pick<TaskRow, 'task_type' | 'time_limit_ms'>, poolId: string | null): number | null {
    if (task.time_limit_ms !== null || poolId === null) return task.time_limit_ms;
    const ofPool = this.#ofPools.get(poolId);
    return ofPool?.get(task.task_type) ?? ofPool?.get(ANY_TYPE) ?? null;
  }
}
