import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { gatherRows, type Reading } from '../domain/gather-rows.ts';
import { LISTED_STATE, type TaskFilter } from '../domain/task-filter.ts';
import type { ApiClient } from './client.ts';
import type { FinishedTasksAnswer, Task, TasksAnswer } from './wire.ts';

const listMs = 5_000;
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

/** Tasks that have ended, the newest end first, page by page as far back as they are kept. */
export const finishedTasksQuery = (client: ApiClient, phase: string | undefined, rows: number) =>
  queryOptions({
    queryKey: ['tasks', 'finished', phase ?? null, rows],
    queryFn: async (): Promise<TaskRows> => {
      const read: Reading<Task> = async ({ limit, cursor }) => {
        const asked = new URLSearchParams({ limit: String(limit) });
        if (phase !== undefined) asked.set('phase_id', phase);
        if (cursor !== null) asked.set('cursor', cursor);
        const answer = await client.get<FinishedTasksAnswer>(`/api/v1/fleet/tasks/finished?${asked}`);
        return { rows: answer.tasks, nextCursor: answer.next_cursor };
      };
      const limits = { limit: rows + 1, maxPageRows, idOf: ({ task_id: id }: Task) => id };
      const found = await gatherRows([read], limits);
      return { tasks: found.slice(0, rows), isWhole: found.length <= rows };
    },
    // Where more pages are read, less often.
    refetchInterval: listMs * Math.ceil(rows / maxPageRows),
    placeholderData: keepPreviousData,
  });

const foundRows = 50;

/** A few of each that is not finished, for who looks for one by its type or id: those that want somebody first. */
export const tasksToFindQuery = (client: ApiClient) =>
  queryOptions({
    queryKey: ['tasks', 'to-find'],
    queryFn: async (): Promise<readonly Task[]> => {
      const pages = await Promise.all(
        (['parked', 'claimed', 'queued'] as const).map((state) =>
          client.get<TasksAnswer>(`/api/v1/fleet/tasks?state=${state}&limit=${foundRows}`),
        ),
      );
      return pages.flatMap(({ tasks }) => tasks);
    },
    refetchInterval: listMs,
  });
