import type { FinishedPlace, TaskRow } from '#fleet';
import { PageCursors } from '#telemetry';
import { reachIn, speakerOf } from '../agents/may-speak.ts';
import { READERS_AND_AGENTS } from '../access/roles.ts';
import type { ApiApp } from '../http/app.ts';
import { sendPagedList } from '../http/paged-list.ts';
import type { TaskRouteParts } from './task-route-parts.ts';
import { finishedTasksAnswer, finishedTasksQuery } from './task-schemas.ts';
import { viewTaskWithin } from './task-view.ts';

/** `/api/v1/fleet/tasks/finished`: how tasks ended, as far back as they are kept. */
export function registerFinishedTasksRoute(app: ApiApp, { fleet }: TaskRouteParts): void {
  app.route({
    method: 'GET',
    url: '/api/v1/fleet/tasks/finished',
    config: { access: READERS_AND_AGENTS },
    schema: {
      tags: ['fleet'],
      summary: 'Tasks that have ended, the newest end first',
      querystring: finishedTasksQuery,
      response: { 200: finishedTasksAnswer },
    },
    handler: async ({ query, principal }, reply) => {
      const reach = reachIn(fleet, principal);
      const speaksFor = speakerOf(fleet, principal);
      const { cursor, limit, ...filters } = query;
      const cursors = new PageCursors('finished tasks', filters);
      let end: FinishedPlace | null = null;
      const read = async (after: FinishedPlace | null, rows: number) => {
        const tasks = await fleet.tasks.listFinished({
          state: query.state ?? null,
          phaseId: query.phase_id ?? null,
          agentId: query.agent_id ?? null,
          within: reach,
          after,
          limit: rows,
        });
        end = tasks.length < rows ? null : placeOf(tasks.at(-1));
        return { rows: tasks, next: end };
      };
      return sendPagedList(reply, {
        name: 'tasks',
        after: cursor === undefined ? null : parsePlace(cursors.placeOf(cursor)),
        limit,
        read,
        view: (task) => viewTaskWithin(task, { reach, speaksFor }, []),
        nextCursor: () => (end === null ? null : cursors.at(formatPlace(end))),
      });
    },
  });
}

function placeOf(task: TaskRow | undefined): FinishedPlace | null {
  if (task === undefined || task.finished_at_ms === null) return null;
  return { finished_at_ms: task.finished_at_ms, task_id: task.task_id };
}

function formatPlace({ finished_at_ms: ms, task_id: id }: FinishedPlace): string {
  return `${ms}.${id}`;
}

function parsePlace(place: string): FinishedPlace {
  const dot = place.indexOf('.');
  return { finished_at_ms: Number(place.slice(0, dot)), task_id: place.slice(dot + 1) };
}
