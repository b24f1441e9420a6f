import type { Task } from '../api/wire.ts';

/** A task as far as it matters what may be done with it. */
export type OrderedTask = Pick<Task, 'task_id' | 'state' | 'agent_id' | 'max_attempts'>;

/** What a person may order of a task. */
export interface TaskOrder {
  readonly label: string;
  /** What will happen, in sentences. */
  readonly effect: string;
  readonly path: string;
  readonly isGrave: boolean;
}

/** The orders that a task's state allows. */
export function ordersForTask(task: OrderedTask): readonly TaskOrder[] {
  const { state, agent_id: agentId, max_attempts: attempts } = task;
  const holder = agentId ?? 'Its holder';
  const retry: TaskOrder = {
    label: 'Retry',
    effect: `It is queued again with all its ${attempts} attempts, and goes to the next agent that may take it.`,
    path: pathOf(task, 'retry'),
    isGrave: false,
  };
  const cancel: TaskOrder = {
    label: 'Cancel',
    effect:
      state === 'claimed'
        ? `It ends for good. ${holder} is told so at its next word about it, and what it brings is refused.`
        : 'It ends for good: nobody works on it any more.',
    path: pathOf(task, 'cancel'),
    isGrave: true,
  };
  const reassign: TaskOrder = {
    label: 'Take it back',
    effect: `It goes back into the queue, for any agent that may take it. What ${holder} brings of it is refused.`,
    path: pathOf(task, 'reassign'),
    isGrave: true,
  };
  switch (state) {
    case 'queued':
      return [cancel];
    case 'claimed':
      return [reassign, cancel];
    case 'parked':
      return [retry, cancel];
    case 'failed':
      return [retry];
    case 'completed':
    case 'cancelled':
      return [];
  }
}

function pathOf({ task_id: id }: OrderedTask, operation: string): string {
  return `/api/v1/fleet/tasks/${encodeURIComponent(id)}/${operation}`;
}
