import type { SystemEvent } from '#api';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { LISTED_STATE, type TaskFilter } from '../domain/task-filter.ts';
import type { ApiClient } from './client.ts';
import type { Task, TasksAnswer } from './wire.ts';

const listMs = 5_000;
const finishedRows = 100;
/** What the server gives at once. */
const maxPageRows = 1_000;

export interface TaskRows {
  readonly tasks: readonly Task[];
  readonly isWhole: boolean;
}

/** Tasks that are not finished, the longest enqueued first. */
export const tasksQuery = (client: ApiClient, { state, phase }: TaskFilter, rows: number) =>
  queryOptions({
    queryKey: ['tasks', 'list', state, phase ?? null, rows],
    queryFn: async (): Promise<TaskRows> => {
      if (state === 'finished') return { tasks: [], isWhole: true };
      const limit = Math.min(rows + 1, maxPageRows);
      const asked = new URLSearchParams({ state: LISTED_STATE[state], limit: String(limit) });
      if (phase !== undefined) asked.set('phase_id', phase);
      const { tasks } = await client.get<TasksAnswer>(`/api/v1/fleet/tasks?${asked}`);
      return { tasks: tasks.slice(0, rows), isWhole: tasks.length <= rows };
    },
    refetchInterval: listMs,
    placeholderData: keepPreviousData,
  });

const FINISHED = 'fleet.task.completed,fleet.task.failed,fleet.task.cancelled';

/** How tasks ended lately, the newest first. */
export const finishedTasksQuery = (client: ApiClient) =>
  queryOptions({
    queryKey: ['tasks', 'finished'],
    queryFn: async () => {
      const path = `/api/v1/events?types=${FINISHED}&limit=${finishedRows}`;
      return (await client.get<{ events: SystemEvent[] }>(path)).events;
    },
    refetchInterval: listMs,
    placeholderData: keepPreviousData,
  });
