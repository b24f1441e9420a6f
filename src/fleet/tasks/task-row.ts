import type { Selectable } from 'kysely';
import type { StateTables } from '#storage';
import {
  elapsedMs,
  type Moment,
  type NewSystemEvent,
  type PersistedDeadline,
  type PersistedMoment,
  type TaskLossCause,
  type TaskReleaseReason,
} from '#telemetry';
import type { Holder } from '../leases/lease-registry.ts';

/** A task as it is kept; `payload` and `result` are JSON text. */
export type TaskRow = Selectable<StateTables['tasks']>;

/** What memory has to know of a task that is held. A payload may have 256 KiB: it stays where it is. */
export const HELD_COLUMNS = [
  'task_id',
  'task_type',
  'phase_id',
  'agent_id',
  'generation',
  'attempt',
  'traceparent',
  'claimed_at_ms',
  'since_ms',
  'since_boot_ms',
  'since_boot_id',
  'lease_ms',
  'time_limit_ms',
  'counted_losses',
  'lost_by',
] as const satisfies readonly (keyof TaskRow)[];
export type HeldTask = Pick<TaskRow, (typeof HELD_COLUMNS)[number]>;

/** Since when a task is held, or waits for its time. */
export type SinceColumns = Pick<TaskRow, 'since_ms' | 'since_boot_ms' | 'since_boot_id'>;

/** The columns of a task that is claimed now, or begins to wait for its time. */
export function sinceNow({ wallMs, bootMs, bootId }: Moment): SinceColumns {
  return { since_ms: Math.floor(wallMs), since_boot_ms: Math.floor(bootMs), since_boot_id: bootId };
}

/** Null where it was not kept. */
function sinceOf({
  since_ms: wallMs,
  since_boot_ms: bootMs,
  since_boot_id: bootId,
}: SinceColumns): PersistedMoment | null {
  return wallMs === null ? null : { wallMs, bootMs, bootId };
}

/** For how long a task has been held, ms. */
export function heldForMs(task: HeldTask, now: Moment): number {
  const since = sinceOf(task);
  return since ? elapsedMs(since, now) : Math.max(0, now.wallMs - (task.claimed_at_ms ?? now.wallMs));
}

/** Until when a task waits, and since when it does. @param untilMs its `deferred_until_ms` */
export function waitOf(untilMs: number, task: SinceColumns): PersistedDeadline {
  return { atMs: untilMs, set: sinceOf(task) };
}

/** What memory has to know of a task that waits for its time, or for a claim. */
export const ANNOUNCED_COLUMNS = [
  'task_id',
  'task_type',
  'phase_id',
  'pool_id',
  'counted_losses',
  'available_at_ms',
  'kept_for_agent_id',
  'kept_until_ms',
] as const satisfies readonly (keyof TaskRow)[];
export type AnnouncedTask = Pick<TaskRow, (typeof ANNOUNCED_COLUMNS)[number]>;

/** What every event about a task names, and the trace in which it was enqueued. */
export type NamedTask = Pick<TaskRow, 'task_id' | 'task_type' | 'phase_id' | 'traceparent'>;

function taskRef(task: NamedTask): { task_id: string; task_type: string; phase_id: string } {
  return { task_id: task.task_id, task_type: task.task_type, phase_id: task.phase_id };
}

function aboutTask(task: NamedTask, traceparent: string | null) {
  return {
    entity_type: 'task',
    entity_id: task.task_id,
    // A change that nobody traces belongs to the trace in which the task was enqueued.
    traceparent: traceparent ?? task.traceparent,
  } as const;
}

export function enqueuedEvent(task: TaskRow): NewSystemEvent {
  return {
    ...aboutTask(task, null),
    event_type: 'fleet.task.enqueued',
    payload: { ...taskRef(task), priority: task.priority },
  };
}

export function claimedEvent(task: NamedTask, holder: Holder, traceparent: string | null): NewSystemEvent {
  return {
    ...aboutTask(task, traceparent),
    event_type: 'fleet.task.claimed',
    payload: { ...taskRef(task), agent_id: holder.agentId, generation: holder.generation },
  };
}

export function completedEvent(
  task: NamedTask & Pick<TaskRow, 'claimed_at_ms' | 'finished_at_ms'>,
  holder: Holder,
  traceparent: string | null,
): NewSystemEvent {
  return {
    ...aboutTask(task, traceparent),
    event_type: 'fleet.task.completed',
    payload: {
      ...taskRef(task),
      agent_id: holder.agentId,
      generation: holder.generation,
      duration_ms: heldMs(task),
    },
  };
}

/** @param failed the row after the failure; @param holder null where no claim was running */
export function failedEvent(
  failed: TaskRow,
  holder: Holder | null,
  traceparent: string | null,
): NewSystemEvent {
  return {
    ...aboutTask(failed, traceparent),
    event_type: 'fleet.task.failed',
    payload: {
      ...taskRef(failed),
      agent_id: holder?.agentId ?? null,
      generation: holder?.generation ?? null,
      error: failed.error ?? '',
      will_retry: failed.state === 'queued',
    },
  };
}

export function cancelledEvent(task: TaskRow, by: string, traceparent: string | null): NewSystemEvent {
  return {
    ...aboutTask(task, traceparent),
    event_type: 'fleet.task.cancelled',
    payload: { ...taskRef(task), cancelled_by: by },
  };
}

export function releasedEvent(
  task: TaskRow,
  release: {
    readonly holder: Holder;
    readonly reason: TaskReleaseReason;
    readonly counted: boolean;
    readonly excusedBy?: 'outage' | 'many_at_once' | null;
    readonly traceparent: string | null;
  },
): NewSystemEvent {
  return {
    ...aboutTask(task, release.traceparent),
    event_type: 'fleet.task.released',
    payload: {
      ...taskRef(task),
      agent_id: release.holder.agentId,
      generation: release.holder.generation,
      reason: release.reason,
      counted: release.counted,
      ...(release.excusedBy && { excused_by: release.excusedBy }),
    },
  };
}

export function parkedEvent(
  task: TaskRow,
  parking: { readonly holder: Holder; readonly cause: TaskLossCause; readonly traceparent: string | null },
): NewSystemEvent {
  return {
    ...aboutTask(task, parking.traceparent),
    event_type: 'fleet.task.parked',
    payload: {
      ...taskRef(task),
      agent_id: parking.holder.agentId,
      generation: parking.holder.generation,
      reason: parking.cause,
      attempts: attemptsUsed(task),
      max_attempts: task.max_attempts,
      error: task.error ?? '',
    },
  };
}

/** @param blame.holder whose end the task explains, as is known only since others were lost with it */
export function blamedEvent(
  task: TaskRow,
  { holder, traceparent }: { readonly holder: Holder; readonly traceparent: string | null },
): NewSystemEvent {
  return {
    ...aboutTask(task, traceparent),
    event_type: 'fleet.task.blamed',
    payload: { ...taskRef(task), agent_id: holder.agentId, generation: holder.generation },
  };
}

/** @param retry.by a person or token, or why Omoi itself queues it again */
export function retriedEvent(
  task: TaskRow,
  retry: { readonly from: 'parked' | 'failed'; readonly by: string; readonly traceparent: string | null },
): NewSystemEvent {
  return {
    ...aboutTask(task, retry.traceparent),
    event_type: 'fleet.task.retried',
    payload: { ...taskRef(task), from: retry.from, retried_by: retry.by },
  };
}

export function refusedEvent(
  task: TaskRow,
  refusal: {
    readonly holder: Holder;
    readonly operation: string;
    readonly reason: string;
    readonly traceparent: string | null;
  },
): NewSystemEvent {
  return {
    ...aboutTask(task, refusal.traceparent),
    event_type: 'fleet.task.refused',
    payload: {
      ...taskRef(task),
      agent_id: refusal.holder.agentId,
      generation: refusal.holder.generation,
      operation: refusal.operation,
      reason: refusal.reason,
    },
  };
}

/** What its handlers failed and what its holders lost by themselves; `max_attempts` are given. */
export function attemptsUsed(task: Pick<TaskRow, 'failures' | 'counted_losses'>): number {
  return task.failures + task.counted_losses;
}

/** It may be what ended its holder: the next shall hold nothing else that would go with it. */
export function runsAlone(task: Pick<TaskRow, 'counted_losses'>): boolean {
  return task.counted_losses > 0;
}

/** Who loses the task now, as `lost_by` has it. */
export function loserOf({ agent_id: agentId, generation }: Pick<TaskRow, 'agent_id' | 'generation'>): string {
  return `${agentId}/${generation}`;
}

/** Who that is; null where it says nobody. */
export function loserFrom(lostBy: string | null): Holder | null {
  const at = lostBy?.lastIndexOf('/') ?? -1;
  if (lostBy === null || at < 0) return null;
  return { agentId: lostBy.slice(0, at), generation: Number(lostBy.slice(at + 1)) };
}

/** Whether another process than this one was lost with the task before: then the task explains that this one is ill. */
export function endedOthers({ lost_by: lostBy }: Pick<TaskRow, 'lost_by'>, holder: Holder): boolean {
  return lostBy !== null && lostBy !== loserOf({ agent_id: holder.agentId, generation: holder.generation });
}

/** How long the last claim lasted, ms; 0 where it never was claimed or did not end. */
export function heldMs(task: Pick<TaskRow, 'claimed_at_ms' | 'finished_at_ms'>): number {
  if (task.claimed_at_ms === null || task.finished_at_ms === null) return 0;
  return Math.max(0, task.finished_at_ms - task.claimed_at_ms);
}

/** Who has the task claimed, or had it last when it finished. */
export function holderOf(task: Pick<TaskRow, 'agent_id' | 'generation'>): Holder | null {
  if (task.agent_id === null || task.generation === null) return null;
  return { agentId: task.agent_id, generation: task.generation };
}
