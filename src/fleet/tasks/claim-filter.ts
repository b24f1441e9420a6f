/** Which tasks a claim takes. */
export interface ClaimFilter {
  readonly agentId: string;
  /** The pool that the claiming agent belongs to. */
  readonly poolId: string | null;
  /** null takes any; none is named twice. */
  readonly phaseIds: readonly string[] | null;
  readonly taskTypes: readonly string[] | null;
  /** Leaves the tasks that are for agents of every pool. */
  readonly ownPoolOnly: boolean;
}

/** What a claim has to know of a task to see whether it fits. */
export interface QueuedTask {
  readonly task_type: string;
  readonly phase_id: string;
  readonly pool_id: string | null;
  readonly kept_for_agent_id: string | null;
  /** More than none: it goes to an agent that holds nothing. */
  readonly counted_losses: number;
}

/** Whether the filter takes the task, whoever it is kept for. */
export function takes(
  filter: ClaimFilter,
  task: Omit<QueuedTask, 'kept_for_agent_id' | 'counted_losses'>,
): boolean {
  if (filter.phaseIds && !filter.phaseIds.includes(task.phase_id)) return false;
  if (filter.taskTypes && !filter.taskTypes.includes(task.task_type)) return false;
  if (task.pool_id === null) return !filter.ownPoolOnly;
  return task.pool_id === filter.poolId;
}
