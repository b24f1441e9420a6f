import type { TaskRow } from '#fleet';
import { OmoiError } from '#telemetry';
import type { z } from 'zod';
import { AGENTS } from '../access/roles.ts';
import { assertMaySpeak } from '../agents/may-speak.ts';
import type { ApiApp } from '../http/app.ts';
import type { TaskRouteParts } from './task-route-parts.ts';
import { noteSeen } from './note-seen.ts';
import {
  completeBody,
  completionsAnswer,
  completionsBody,
  heldTaskAnswer,
  taskParams,
} from './task-schemas.ts';
import { viewTask } from './task-view.ts';

/** How agents deliver results: one, or all that they have. */
export function registerCompletionRoutes(app: ApiApp, parts: TaskRouteParts): void {
  const { fleet } = parts;
  app.route({
    method: 'POST',
    url: '/api/v1/fleet/tasks/:task_id/complete',
    config: { access: AGENTS },
    schema: {
      tags: ['fleet'],
      summary: 'The task is done; the same holder may repeat it',
      params: taskParams,
      body: completeBody,
      response: { 200: heldTaskAnswer },
    },
    handler: async ({ params, body, principal, traceparent }) => {
      assertMaySpeak(fleet, principal, body.agent_id, null);
      const seen = noteSeen(fleet, body);
      return { ...viewTask(await complete(parts, body, { ...body, ...params, traceparent })), ...seen() };
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/fleet/tasks/complete',
    config: { access: AGENTS },
    schema: {
      tags: ['fleet'],
      summary:
        'Several tasks of one agent are done; each is accepted or refused by itself, and may be repeated',
      body: completionsBody,
      response: { 200: completionsAnswer },
    },
    handler: async ({ body, principal, traceparent }) => {
      assertMaySpeak(fleet, principal, body.agent_id, null);
      const seen = noteSeen(fleet, body);
      const completions = await Promise.all(
        body.completions.map((completion) => completeOrRefuse(parts, body, { ...completion, traceparent })),
      );
      return { completions, ...seen() };
    },
  });
}

interface Completion {
  readonly task_id: string;
  readonly attempt?: number | null | undefined;
  readonly result?: unknown;
  readonly traceparent: string | null;
}

type Completer = Pick<z.output<typeof completionsBody>, 'agent_id' | 'generation'>;

function complete(
  { fleet }: TaskRouteParts,
  { agent_id: agentId, generation }: Completer,
  { task_id: taskId, attempt = null, result, traceparent }: Completion,
): Promise<TaskRow> {
  const resultJson = result === undefined ? null : JSON.stringify(result);
  return fleet.tasks.complete({ taskId, agentId, generation, attempt, traceparent }, resultJson);
}

/**
 * What one completion of many is refused with is its own answer: the others count.
 * @throws OmoiError where nobody has decided, as when the database is away: then all may be sent again
 */
async function completeOrRefuse(
  parts: TaskRouteParts,
  completer: Completer,
  completion: Completion,
): Promise<z.output<typeof completionsAnswer>['completions'][number]> {
  const { task_id } = completion;
  try {
    await complete(parts, completer, completion);
    return { task_id, state: 'completed' };
  } catch (thrown) {
    if (!(thrown instanceof OmoiError) || thrown.retryable) throw thrown;
    return { task_id, error: thrown.code, status: thrown.status, message: thrown.message };
  }
}
