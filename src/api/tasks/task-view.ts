import type { Reach, TaskRow } from '#fleet';
import { toRfc3339, toRfc3339OrNull } from '#telemetry';
import type { z } from 'zod';
import { sentKeyOf } from './idempotency-key.ts';
import type { taskView } from './task-schemas.ts';

/**
 * What a token's agents see of a task: its content where they enqueued, hold or held it, or it is kept for them; else
 * only how it stands.
 * @param caller.speaksFor whether the token speaks for an agent
 */
export function viewTaskWithin(
  task: TaskRow,
  { reach, speaksFor }: { readonly reach: Reach | null; readonly speaksFor: (agentId: string) => boolean },
  warnings: string[],
): z.output<typeof taskView> {
  const isOwn = (agentId: string | null): boolean => agentId !== null && speaksFor(agentId);
  if (reach === null || task.enqueued_by === reach.enqueuedBy) return viewTask(task, warnings);
  if (isOwn(task.agent_id) || isOwn(task.kept_for_agent_id)) return viewTask(task, warnings);
  const content = { payload: null, progress: null, result: null, error: null, last_output: null };
  const origin = { idempotency_key: null, traceparent: null };
  return { ...viewTask(task, warnings), ...content, ...origin, content_hidden: true };
}

/** A task as the API shows it. @param warnings what a person should know of it */
export function viewTask(task: TaskRow, warnings: string[] = []): z.output<typeof taskView> {
  return {
    task_id: task.task_id,
    task_type: task.task_type,
    phase_id: task.phase_id,
    priority: task.priority,
    payload: JSON.parse(task.payload),
    state: task.state,
    pool_id: task.pool_id,
    idempotency_key: sentKeyOf(task),
    attempt: task.attempt,
    max_attempts: task.max_attempts,
    failures: task.failures,
    leases_lost: task.leases_lost,
    counted_losses: task.counted_losses,
    handoffs: task.handoffs,
    alone: task.counted_losses > 0,
    time_limit_ms: task.time_limit_ms,
    available_at: toRfc3339(task.available_at_ms),
    kept_for_agent_id: task.kept_for_agent_id,
    agent_id: task.agent_id,
    generation: task.generation,
    lease_ms: task.lease_ms,
    lease_expires_at: toRfc3339OrNull(task.lease_until_ms),
    enqueued_at: toRfc3339(task.enqueued_at_ms),
    claimed_at: toRfc3339OrNull(task.claimed_at_ms),
    finished_at: toRfc3339OrNull(task.finished_at_ms),
    parked_at: toRfc3339OrNull(task.parked_at_ms),
    progress: task.progress === null ? null : JSON.parse(task.progress),
    result: task.result === null ? null : JSON.parse(task.result),
    error: task.error,
    last_output: task.last_output || null,
    traceparent: task.traceparent,
    warnings,
  };
}
