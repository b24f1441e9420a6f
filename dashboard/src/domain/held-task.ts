import type { Pool, Task } from '../api/wire.ts';
import { formatDuration, formatElapsed } from './age.ts';

/** How a pool calls all types of tasks that it does not name. */
const ANY_TYPE = '*';

export interface HeldTask {
  readonly name: string;
  readonly text: string;
  /** Whether it has run for longer than it may: the claim is about to be taken away. */
  readonly isOver: boolean;
}

/** For how long an agent has held a task, and for how long it may. */
export function describeHeldTask(
  task: Pick<Task, 'task_id' | 'task_type' | 'claimed_at' | 'time_limit_ms'>,
  nowMs: number,
): HeldTask {
  const { task_id: id, task_type: type, claimed_at: claimedAt, time_limit_ms: limitMs } = task;
  const sinceMs = claimedAt === null ? nowMs : Date.parse(claimedAt);
  const isOver = limitMs !== null && nowMs - sinceMs > limitMs;
  const limit = limitMs === null ? 'no time limit' : `limit ${formatDuration(limitMs)}`;
  return {
    name: `${type} ${id.slice(-6)}`,
    text: `for ${formatElapsed(sinceMs, nowMs)}, ${isOver ? `beyond its ${limit}` : limit}`,
    isOver,
  };
}

/** For how long a pool's agents may hold tasks of each type, those without a name last; null: for any time. */
export function describeTimeLimits({ time_limits_ms: limits }: Pick<Pool, 'time_limits_ms'>): string | null {
  const named = Object.entries(limits).toSorted(
    ([left], [right]) => Number(left === ANY_TYPE) - Number(right === ANY_TYPE) || left.localeCompare(right),
  );
  if (named.length === 0) return null;
  return named
    .map(([type, ms]) => `${type === ANY_TYPE ? 'any other' : type} ${formatDuration(ms)}`)
    .join(', ');
}
