import type { TaskRow } from '#fleet';

/**
 * An idempotency key as it is kept: keys of one scope are unknown to all others. The length before the scope's name lets
 * no two scopes and keys make the same text.
 * @param enqueuedBy the scope's name; null for callers who may enqueue everything, whose keys are kept as they are
 */
export function scopedKey(key: string | null, enqueuedBy: string | null): string | null {
  return key === null || enqueuedBy === null ? key : `${prefixOf(enqueuedBy)}${key}`;
}

/** The idempotency key as it was sent. */
export function sentKeyOf(task: Pick<TaskRow, 'idempotency_key' | 'enqueued_by'>): string | null {
  const { idempotency_key: kept, enqueued_by: enqueuedBy } = task;
  return kept === null || enqueuedBy === null ? kept : kept.slice(prefixOf(enqueuedBy).length);
}

function prefixOf(enqueuedBy: string): string {
  return `${enqueuedBy.length}:${enqueuedBy}:`;
}
