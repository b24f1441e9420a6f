import type { NewTask, Reach, TaskRow } from '#fleet';
import { toRfc3339 } from '#telemetry';
import type { z } from 'zod';
import { scopeName } from '../access/agent-scope.ts';
import type { ApiApp, Principal } from '../http/app.ts';
import {
  claimAnswer,
  claimBody,
  enqueuedAnswer,
  enqueuedBatchAnswer,
  failBody,
  handoffBody,
  heldTaskAnswer,
  newTasks,
  newTask,
  renewAnswer,
  renewBody,
  taskParams,
  tasksAnswer,
  tasksQuery,
  taskView,
} from './task-schemas.ts';
import {
  assertMayEnqueue,
  assertMayHandTo,
  assertMaySpeak,
  reachIn,
  speakerOf,
} from '../agents/may-speak.ts';
import { rowsBehind, sendPagedList } from '../http/paged-list.ts';
import { scopedKey } from './idempotency-key.ts';
import { noteSeen } from './note-seen.ts';
import { registerCompletionRoutes } from './completion-routes.ts';
import { registerFinishedTasksRoute } from './finished-task-routes.ts';
import type { TaskRouteParts } from './task-route-parts.ts';
import { viewTask, viewTaskWithin } from './task-view.ts';
import { AGENTS, OPERATORS, READERS_AND_AGENTS } from '../access/roles.ts';

/** `/api/v1/fleet/tasks`: the queue, and what agents do with its tasks. */
export function registerTaskRoutes(app: ApiApp, parts: TaskRouteParts): void {
  registerReading(app, parts);
  registerFinishedTasksRoute(app, parts);
  registerEnqueueing(app, parts);
  registerClaiming(app, parts);
  registerCompletionRoutes(app, parts);
  registerGivingBack(app, parts);
  registerOrders(app, parts);
}

function registerReading(app: ApiApp, { fleet }: TaskRouteParts): void {
  app.route({
    method: 'GET',
    url: '/api/v1/fleet/tasks',
    config: { access: READERS_AND_AGENTS },
    schema: {
      tags: ['fleet'],
      summary: 'Tasks in the order in which they were enqueued',
      querystring: tasksQuery,
      response: { 200: tasksAnswer },
    },
    handler: async ({ query, principal }, reply) => {
      const reach = reachIn(fleet, principal);
      const caller = { reach, speaksFor: speakerOf(fleet, principal) };
      // The list goes on behind a row whatever becomes of it meanwhile: it may be deleted, or be nobody's business any more.
      const start = query.after === undefined ? null : await fleet.tasks.get(query.after, reach);
      const read = async (after: TaskRow | null, limit: number) => {
        const rows = await fleet.tasks.list({
          states: query.state ? [query.state] : null,
          phaseId: query.phase_id ?? null,
          agentId: query.agent_id ?? null,
          within: reach,
          after,
          limit,
        });
        return rowsBehind(rows, limit, (task) => task);
      };
      return sendPagedList(reply, {
        name: 'tasks',
        after: start,
        limit: query.limit,
        read,
        view: (task) => viewTaskWithin(task, caller, warningsOf(fleet, task, reach)),
      });
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/fleet/tasks/:task_id',
    config: { access: READERS_AND_AGENTS },
    schema: { tags: ['fleet'], summary: 'One task', params: taskParams, response: { 200: taskView } },
    handler: async ({ params, principal }) => {
      const reach = reachIn(fleet, principal);
      const task = await fleet.tasks.get(params.task_id, reach);
      const caller = { reach, speaksFor: speakerOf(fleet, principal) };
      return viewTaskWithin(task, caller, warningsOf(fleet, task, reach));
    },
  });
}

function registerEnqueueing(app: ApiApp, { fleet }: TaskRouteParts): void {
  app.route({
    method: 'POST',
    url: '/api/v1/fleet/tasks',
    config: { access: AGENTS },
    schema: {
      tags: ['fleet'],
      summary: 'Enqueue a task',
      body: newTask,
      response: { 200: enqueuedAnswer, 201: enqueuedAnswer },
    },
    handler: async ({ body, principal, traceparent }, reply) => {
      assertMayEnqueue(fleet, principal, body.pool_id ?? null);
      const [enqueued] = await fleet.tasks.enqueue([readTask(body, principal)], traceparent);
      if (!enqueued) throw new Error('one task was enqueued and none came back');
      const { task, created } = enqueued;
      const reach = reachIn(fleet, principal);
      const view = viewTask(task, warningsOf(fleet, task, reach));
      const warnings = fleet.tasks.unservedWarningsOf([task], namingFor(reach));
      return reply.status(created ? 201 : 200).send({ task: view, created, warnings });
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/fleet/tasks/batch',
    config: { access: AGENTS },
    schema: {
      tags: ['fleet'],
      summary: 'Enqueue several tasks, all or none',
      body: newTasks,
      response: { 201: enqueuedBatchAnswer },
    },
    handler: async ({ body, principal, traceparent }, reply) => {
      for (const task of body.tasks) assertMayEnqueue(fleet, principal, task.pool_id ?? null);
      const tasks = body.tasks.map((task) => readTask(task, principal));
      const enqueued = await fleet.tasks.enqueue(tasks, traceparent);
      const answers = enqueued.map(({ task, created }) => ({ task_id: task.task_id, created }));
      const rows = enqueued.map(({ task }) => task);
      const warnings = fleet.tasks.unservedWarningsOf(rows, namingFor(reachIn(fleet, principal)));
      return reply.status(201).send({ tasks: answers, warnings });
    },
  });
}

function registerClaiming(app: ApiApp, { fleet }: TaskRouteParts): void {
  app.route({
    method: 'POST',
    url: '/api/v1/fleet/tasks/claim',
    config: { access: AGENTS },
    schema: {
      tags: ['fleet'],
      summary: 'Claim the next tasks: the highest priority first, then the oldest',
      body: claimBody,
      response: { 200: claimAnswer },
    },
    handler: async (request, reply) => {
      const { body, principal, traceparent } = request;
      assertMaySpeak(fleet, principal, body.agent_id, null);
      const seen = noteSeen(fleet, body);
      const claim = {
        agentId: body.agent_id,
        generation: body.generation,
        phaseIds: body.phase_ids ? [...new Set(body.phase_ids)] : null,
        taskTypes: body.task_types ? [...new Set(body.task_types)] : null,
        ownPoolOnly: body.own_pool_only,
        maxTasks: body.max_tasks,
        leaseMs: body.lease_ms ?? fleet.limits.defaultLeaseMs,
        waitMs: body.wait_ms,
        traceparent,
      };
      const tasks = await app.waitingRequests.during({ request, reply }, (signal) =>
        fleet.tasks.claim({ ...claim, signal }),
      );
      return { tasks: tasks.map((task) => viewTask(task)), ...seen() };
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/fleet/tasks/:task_id/renew',
    config: { access: AGENTS },
    schema: {
      tags: ['fleet'],
      summary: 'Give a claim its whole lease again, and say how far the work is',
      params: taskParams,
      body: renewBody,
      response: { 200: renewAnswer },
    },
    handler: async ({ params, body, principal, traceparent }) => {
      assertMaySpeak(fleet, principal, body.agent_id, null);
      const seen = noteSeen(fleet, body);
      const progress = body.progress === undefined ? null : JSON.stringify(body.progress);
      const lease = await fleet.tasks.renew(holderOf(params.task_id, body, traceparent), progress);
      return { lease_ms: lease.lengthMs, lease_expires_at: toRfc3339(lease.untilMs), ...seen() };
    },
  });
}

function registerGivingBack(app: ApiApp, { fleet }: TaskRouteParts): void {
  app.route({
    method: 'POST',
    url: '/api/v1/fleet/tasks/:task_id/fail',
    config: { access: AGENTS },
    schema: {
      tags: ['fleet'],
      summary: 'The attempt failed; the task is tried again later while attempts are left',
      params: taskParams,
      body: failBody,
      response: { 200: heldTaskAnswer },
    },
    handler: async ({ params, body, principal, traceparent }) => {
      assertMaySpeak(fleet, principal, body.agent_id, null);
      const { error, retry } = body;
      const seen = noteSeen(fleet, body);
      const task = await fleet.tasks.fail(holderOf(params.task_id, body, traceparent), { error, retry });
      return { ...viewTask(task), ...seen() };
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/fleet/tasks/:task_id/handoff',
    config: { access: AGENTS },
    schema: {
      tags: ['fleet'],
      summary: 'Hand a claimed task to another agent, which has to claim it',
      params: taskParams,
      body: handoffBody,
      response: { 200: heldTaskAnswer },
    },
    handler: async ({ params, body, principal, traceparent }) => {
      assertMaySpeak(fleet, principal, body.agent_id, null);
      assertMayHandTo(fleet, principal, body.to_agent_id);
      const to = { agentId: body.to_agent_id, reason: body.reason ?? null };
      const seen = noteSeen(fleet, body);
      const task = await fleet.tasks.handOff(holderOf(params.task_id, body, traceparent), to);
      return { ...viewTask(task), ...seen() };
    },
  });
}

function registerOrders(app: ApiApp, { fleet }: TaskRouteParts): void {
  app.route({
    method: 'POST',
    url: '/api/v1/fleet/tasks/:task_id/reassign',
    config: { access: OPERATORS },
    schema: {
      tags: ['fleet'],
      summary: 'Take a claimed task from its holder, back into the queue',
      params: taskParams,
      response: { 200: taskView },
    },
    handler: async ({ params, traceparent }) => {
      const task = await fleet.tasks.reassignTask(params.task_id, traceparent);
      return viewTask(task, warningsOf(fleet, task, null));
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/fleet/tasks/:task_id/retry',
    config: { access: OPERATORS },
    schema: {
      tags: ['fleet'],
      summary: 'Queue a parked or failed task again, with all its attempts',
      params: taskParams,
      response: { 200: taskView },
    },
    handler: async ({ params, principal, traceparent }) => {
      const task = await fleet.tasks.retry(params.task_id, { by: principal.name, traceparent });
      return viewTask(task, warningsOf(fleet, task, null));
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/fleet/tasks/:task_id/cancel',
    config: { access: OPERATORS },
    schema: {
      tags: ['fleet'],
      summary: 'End a task that is not finished; its holder is refused',
      params: taskParams,
      response: { 200: taskView },
    },
    handler: async ({ params, principal, traceparent }) =>
      viewTask(await fleet.tasks.cancel(params.task_id, { by: principal.name, traceparent })),
  });
}

/** That no living agent claims the task. */
function warningsOf(
  { tasks }: Pick<TaskRouteParts['fleet'], 'tasks'>,
  task: TaskRow,
  reach: Reach | null,
): string[] {
  const reason = tasks.unservedReason(task, namingFor(reach));
  return reason === null ? [] : [reason];
}

/** What agents claim is told to who may see all of them. */
function namingFor(reach: Reach | null): 'names_types' | 'names_none' {
  return reach === null ? 'names_types' : 'names_none';
}

function readTask(body: z.output<typeof newTask>, principal: Principal): NewTask {
  const enqueuedBy = principal.role === 'agent' ? scopeName(principal) : null;
  return {
    taskType: body.task_type,
    phaseId: body.phase_id,
    priority: body.priority,
    payload: JSON.stringify(body.payload ?? null),
    maxAttempts: body.max_attempts ?? null,
    timeLimitMs: body.time_limit_ms ?? null,
    idempotencyKey: scopedKey(body.idempotency_key ?? null, enqueuedBy),
    ...(enqueuedBy !== null && { enqueuedBy }),
    poolId: body.pool_id ?? null,
  };
}

function holderOf(taskId: string, body: z.output<typeof renewBody>, traceparent: string | null) {
  return {
    taskId,
    agentId: body.agent_id,
    generation: body.generation,
    attempt: body.attempt ?? null,
    traceparent,
  };
}
