import { afterEach, beforeEach, expect, test } from 'vitest';
import { openFleetApi, type FleetApi } from '../fleet-api.test-support.ts';
import { failBody } from '../tasks/task-schemas.ts';
import { build, fleetCaller, registration, TRACEPARENT } from './fleet-routes.test-support.ts';
import { heartbeatsBody } from './heartbeat-schemas.ts';

let served: FleetApi;

beforeEach(async () => {
  served = await openFleetApi({ limits: { maxPayloadBytes: 200, maxBatchTasks: 3 } });
});
afterEach(() => served.close());

const call = fleetCaller(() => served);

/** A registered worker-1 that has claimed a task. */
async function claimTask(): Promise<string> {
  await call('agent', '/agents', registration);
  await call('operator', '/tasks', build);
  const { body } = await call('agent', '/tasks/claim', { agent_id: 'worker-1', generation: 1 });
  const [claimed] = body['tasks'] as { task_id: string }[];
  if (!claimed) throw new Error('no task was claimed');
  return claimed.task_id;
}

test('an agent registers, beats, claims, renews, completes and leaves', async () => {
  const registered = await call('agent', '/agents', registration);
  expect(registered).toMatchObject({
    status: 200,
    body: { generation: 1, status: 'IDLE', heartbeat_interval_ms: 1000, heartbeat_ttl_ms: 3500 },
  });
  const beat = await call('agent', '/agents/worker-1/heartbeat', {
    generation: 1,
    sequence: 7,
    in_flight: 0,
  });
  expect(beat.body).toEqual({ acknowledged: 7, generation: 1, desired: 'run', heartbeat_interval_ms: 1000 });

  const enqueued = await call('agent', '/tasks', {
    ...build,
    payload: { n: [1, null] },
    idempotency_key: 'k',
  });
  expect(enqueued).toMatchObject({
    status: 201,
    body: { created: true, task: { payload: { n: [1, null] } } },
  });
  const repeated = await call('agent', '/tasks', { ...build, idempotency_key: 'k' });
  expect(repeated).toMatchObject({ status: 200, body: { created: false } });

  const ref = { agent_id: 'worker-1', generation: 1 };
  const claimed = await call('agent', '/tasks/claim', { ...ref, lease_ms: 5000 });
  const [task] = claimed.body['tasks'] as Record<string, unknown>[];
  expect(task).toMatchObject({
    attempt: 1,
    lease_ms: 5000,
    traceparent: TRACEPARENT,
    payload: { n: [1, null] },
  });
  expect((await call('viewer', '/agents/worker-1')).body).toMatchObject({
    status: 'RUNNING',
    tasks_held: 1,
    working_on: build.task_type,
    generations: [{ generation: 1, state: 'registered' }],
  });
  const path = `/tasks/${String(task?.['task_id'])}`;
  expect((await call('agent', `${path}/renew`, ref)).body).toMatchObject({ lease_ms: 5000, desired: 'run' });
  const progress = { pages: [1, 2] };
  expect((await call('agent', `${path}/renew`, { ...ref, progress })).body).toMatchObject({ lease_ms: 5000 });
  expect((await call('viewer', path)).body).toMatchObject({ state: 'claimed', progress });
  const completed = await call('agent', `${path}/complete`, { ...ref, attempt: 1, result: 'ok' });
  expect(completed).toMatchObject({
    status: 200,
    body: { state: 'completed', result: 'ok', desired: 'run' },
  });
  served.fleet.heartbeats.drain({ agentId: 'worker-1', generation: 1 }, { leaves: true });
  expect((await call('agent', '/tasks/claim', ref)).body).toEqual({ tasks: [], desired: 'drain' });
  await call('agent', '/agents/worker-1/deregister', { generation: 1 });
  expect((await call('viewer', '/agents?status=TERMINATED')).body['agents']).toHaveLength(1);
});

test('what has ended is listed by its end, the newest first, filtered and in pages', async () => {
  await call('agent', '/agents', registration);
  const ended: string[] = [];
  for (const phase of ['PHASE_TESTING', 'PHASE_DESIGN', 'PHASE_TESTING']) {
    const { body } = await call('operator', '/tasks', { task_type: 'build', phase_id: phase });
    const { task_id: id } = (body['task'] ?? body) as { task_id: string };
    await call('operator', `/tasks/${id}/cancel`, {});
    ended.unshift(id);
    await served.clock.advance(1000);
  }
  const done = await claimTask();
  await call('agent', `/tasks/${done}/complete`, { agent_id: 'worker-1', generation: 1 });
  ended.unshift(done);
  await call('operator', '/tasks', build);

  const list = async (query: string) => {
    const { status, body } = await call('viewer', `/tasks/finished?${query}`);
    const ids = ((body['tasks'] ?? []) as { task_id: string }[]).map(({ task_id: id }) => id);
    return { status, ids, next: body['next_cursor'] as string | null, error: body['error'] };
  };
  expect(await list('')).toMatchObject({ ids: ended, next: null });
  expect((await list('state=completed')).ids).toEqual([done]);
  expect((await list('phase_id=PHASE_DESIGN')).ids).toEqual(ended.slice(2, 3));
  expect((await list('agent_id=worker-1')).ids).toEqual([done]);
  const first = await list('limit=3');
  expect(first.ids).toEqual(ended.slice(0, 3));
  const cursor = encodeURIComponent(first.next ?? '');
  expect(await list(`limit=3&cursor=${cursor}`)).toMatchObject({ ids: ended.slice(3), next: null });
  expect(await list(`state=failed&cursor=${cursor}`)).toMatchObject({ status: 400, error: 'invalid_cursor' });
});

test('an agent completes several tasks at once, each by its own right', async () => {
  const ref = { agent_id: 'worker-1', generation: 1 };
  await call('agent', '/agents', registration);
  for (let count = 0; count < 3; count++) await call('operator', '/tasks', build);
  const { body } = await call('agent', '/tasks/claim', { ...ref, max_tasks: 3 });
  const [first, second, third] = (body['tasks'] as { task_id: string }[]).map(({ task_id: id }) => id);
  const completions = [
    { task_id: first, attempt: 1, result: { n: 1 } },
    { task_id: second, attempt: 7, result: 'of another attempt' },
    { task_id: 'none' },
    { task_id: third, attempt: 1 },
  ];
  const answered = await call('agent', '/tasks/complete', { ...ref, completions });
  expect(answered).toMatchObject({
    status: 200,
    body: {
      completions: [
        { task_id: first, state: 'completed' },
        { task_id: second, error: 'lease_lost', status: 409 },
        { task_id: 'none', error: 'unknown_task', status: 404 },
        { task_id: third, state: 'completed' },
      ],
    },
  });
  expect((await call('viewer', `/tasks/${first}`)).body).toMatchObject({
    state: 'completed',
    result: { n: 1 },
  });
  expect((await call('viewer', `/tasks/${second}`)).body).toMatchObject({ state: 'claimed' });
  // Repeated as a whole, it is answered the same.
  expect((await call('agent', '/tasks/complete', { ...ref, completions })).body).toEqual(answered.body);
  const others = { ...ref, agent_id: 'worker-2', completions };
  expect(await call('agent', '/tasks/complete', others)).toMatchObject({ body: { error: 'token_scope' } });
  const many = Array.from({ length: 101 }, () => ({ task_id: third }));
  expect((await call('agent', '/tasks/complete', { ...ref, completions: many })).status).toBe(400);
});

test('an agent locks, renews and releases; an operator breaks', async () => {
  await call('agent', '/agents', registration);
  const ref = { agent_id: 'worker-1', generation: 1 };
  const resource = { ...ref, resource_type: 'file', resource_name: 'a/b c' };
  const locked = await call('agent', '/locks', resource);
  expect(locked).toMatchObject({ status: 200, body: { lock_mode: 'exclusive', ttl_ms: 30_000 } });
  const path = `/locks/${String(locked.body['lock_id'])}`;
  expect((await call('viewer', '/locks')).body['locks']).toHaveLength(1);
  expect((await call('agent', '/locks', { ...resource, lock_mode: 'shared' })).body).toMatchObject({
    error: 'lock_held',
  });
  expect((await call('agent', `${path}/renew`, ref)).status).toBe(200);
  expect((await call('agent', `${path}/release`, ref)).status).toBe(200);
  expect(await call('agent', `${path}/release`, ref)).toMatchObject({
    status: 409,
    body: { error: 'lock_lost' },
  });
  const again = await call('agent', '/locks', resource);
  expect(
    (await call('operator', `/locks/${String(again.body['lock_id'])}`, undefined, 'DELETE')).status,
  ).toBe(200);
  expect((await call('viewer', '/locks')).body['locks']).toEqual([]);
});

test('what a process said last is kept whatever bytes it had', async () => {
  const taskId = await claimTask();
  const failed = await call('agent', `/tasks/${taskId}/fail`, {
    agent_id: 'worker-1',
    generation: 1,
    error: 'core\0dump \ud83d',
    retry: false,
  });
  expect(failed).toMatchObject({ status: 200, body: { error: 'core\uFFFDdump \uFFFD' } });
});

test('the former generation is refused, and told who has the task now', async () => {
  const taskId = await claimTask();
  await call('agent', '/agents', { ...registration, nonce: 'a later process', new_generation: true });
  const late = await call('agent', `/tasks/${taskId}/complete`, { agent_id: 'worker-1', generation: 1 });
  expect(late).toMatchObject({ status: 409, body: { error: 'generation_superseded' } });
  expect(late.body['message']).toContain('generation 2');
  expect(
    (await call('agent', '/agents/worker-1/heartbeat', { generation: 1, sequence: 9 })).body,
  ).toMatchObject({
    error: 'generation_superseded',
  });
});

test('what an external process put out last is kept with its newest generations', async () => {
  const generations = 7;
  for (let generation = 1; generation <= generations; generation++) {
    await call('agent', '/agents', { ...registration, nonce: `the nonce ${generation}` });
    await call('agent', '/agents/worker-1/deregister', {
      generation,
      exit_code: 1,
      last_output: `end of ${generation}`,
    });
  }
  const { body } = await call('viewer', '/agents/worker-1');
  const shown = body['generations'] as { generation: number; last_output: string | null }[];
  expect(shown.map(({ last_output: text }) => text)).toEqual([
    'end of 7',
    'end of 6',
    'end of 5',
    'end of 4',
    'end of 3',
    null,
    null,
  ]);
});

test('operators quarantine, release, reassign, cancel, drain and deregister others', async () => {
  const taskId = await claimTask();
  expect((await call('operator', `/tasks/${taskId}/reassign`, {})).body).toMatchObject({ state: 'queued' });
  expect((await call('operator', '/agents/worker-1/quarantine', { reason: 'odd' })).body).toMatchObject({
    status: 'QUARANTINED',
    status_reason: 'odd',
  });
  expect((await call('agent', '/tasks/claim', { agent_id: 'worker-1', generation: 1 })).body).toMatchObject({
    error: 'agent_not_claiming',
  });
  expect((await call('operator', '/agents/worker-1/release', { reason: 'fine' })).body).toMatchObject({
    status: 'IDLE',
  });
  expect((await call('operator', `/tasks/${taskId}/cancel`, {})).body).toMatchObject({ state: 'cancelled' });
  expect((await call('operator', '/agents/worker-1/drain', {})).body).toMatchObject({ desired: 'drain' });
  expect((await call('operator', '/agents/worker-1', undefined, 'DELETE')).body).toMatchObject({
    status: 'TERMINATED',
  });
});

test('lists are paged', async () => {
  for (let at = 0; at < 3; at++) await call('operator', '/tasks', { ...build, task_type: `type-${at}` });
  const first = await call('viewer', '/tasks?limit=2');
  const tasks = first.body['tasks'] as { task_id: string; task_type: string }[];
  const rest = await call('viewer', `/tasks?limit=2&after=${tasks[1]?.task_id ?? ''}`);
  const types = [...tasks, ...(rest.body['tasks'] as typeof tasks)].map(({ task_type: type }) => type);
  expect(types).toEqual(['type-0', 'type-1', 'type-2']);
});

test('a list goes on behind a task that leaves the caller’s hands while it is read', async () => {
  await call('agent', '/agents', registration);
  for (let at = 0; at < 10; at++) await call('operator', '/tasks/batch', { tasks: [build, build, build] });
  const held: string[] = [];
  for (const max_tasks of [20, 10]) {
    const { body } = await call('agent', '/tasks/claim', { agent_id: 'worker-1', generation: 1, max_tasks });
    held.push(...(body['tasks'] as { task_id: string }[]).map(({ task_id: id }) => id));
  }
  const { tasks } = served.fleet;
  const list = tasks.list.bind(tasks);
  tasks.list = async (query) => {
    const rows = await list(query);
    const last = rows.at(-1);
    if (last && query.after === null) await tasks.reassignTask(last.task_id, null);
    return rows;
  };
  const { body } = await call('agent', '/tasks?limit=1000');
  expect((body['tasks'] as { task_id: string }[]).map(({ task_id: id }) => id)).toEqual(held);
});

test('many agents beat in one request, and each is answered by itself', async () => {
  for (const agent_id of ['worker-1', 'worker-2'])
    await call('operator', '/agents', { ...registration, agent_id });
  const { status, body } = await call('operator', '/agents/heartbeats', {
    heartbeats: [
      { agent_id: 'worker-1', generation: 1, sequence: 5 },
      { agent_id: 'nobody', generation: 1, sequence: 1 },
      { agent_id: 'worker-2', generation: 2, sequence: 1 },
      { agent_id: 'worker-2', generation: 1, sequence: 3, health: 'degraded', reason: 'short of memory' },
    ],
  });
  expect(status).toBe(200);
  expect(body['heartbeats']).toMatchObject([
    { agent_id: 'worker-1', acknowledged: 5, desired: 'run', heartbeat_interval_ms: 1000 },
    { agent_id: 'nobody', error: 'unknown_agent' },
    { agent_id: 'worker-2', error: 'unknown_generation' },
    { agent_id: 'worker-2', acknowledged: 3 },
  ]);
  const beat = { agent_id: 'worker-1', generation: 1, sequence: 6 };
  const others = { heartbeats: [beat, { ...beat, agent_id: 'worker-2' }] };
  expect((await call('agent', '/agents/heartbeats', others)).body['heartbeats']).toMatchObject([
    { agent_id: 'worker-1', acknowledged: 6 },
    { agent_id: 'worker-2', error: 'token_scope' },
  ]);
  const tooMany = {
    heartbeats: Array.from({ length: 501 }, () => ({ agent_id: 'w', generation: 1, sequence: 1 })),
  };
  expect(heartbeatsBody.safeParse(tooMany).success).toBe(false);
  const nobodys = await call('agent', '/agents/heartbeats', { heartbeats: [beat, {}] });
  expect(nobodys).toMatchObject({
    status: 400,
    body: {
      message: 'body.heartbeats.1.agent_id: Invalid input: expected string, received undefined',
    },
  });
  const wrong = { ...beat, sequence: 7 };
  const inForm = await call('agent', '/agents/heartbeats', {
    heartbeats: [{ ...wrong, in_flight: -1 }, { ...wrong, progress: 0.5 }, wrong],
  });
  expect(inForm.body['heartbeats']).toMatchObject([
    {
      agent_id: 'worker-1',
      error: 'invalid_request',
      message: 'heartbeat.in_flight: Too small: expected number to be >=0',
    },
    { agent_id: 'worker-1', error: 'unknown_key' },
    { agent_id: 'worker-1', acknowledged: 7 },
  ]);
});

test('nothing that an agent says of itself costs it its heartbeat, its result or its leave', async () => {
  await call('agent', '/agents', registration);
  await call('operator', '/tasks', build);
  const ref = { agent_id: 'worker-1', generation: 1 };
  const said = `${'x'.repeat(499)}💩\0\ud83d`;
  const kept = 'x'.repeat(499);
  const beat = { generation: 1, sequence: 1, health: 'degraded', reason: said };
  expect((await call('agent', '/agents/worker-1/heartbeat', beat)).status).toBe(200);
  expect((await call('viewer', '/agents/worker-1')).body).toMatchObject({
    status: 'DEGRADED',
    status_reason: kept,
  });
  const { body } = await call('agent', '/tasks/claim', ref);
  const [task] = body['tasks'] as { task_id: string }[];
  const failure = { ...ref, error: `\ud83d${'e'.repeat(5_000)}` };
  expect(failBody.parse({ ...ref, error: 'e'.repeat(200_000) }).error).toHaveLength(100_000);
  const failed = await call('agent', `/tasks/${task?.task_id ?? ''}/fail`, failure);
  expect(failed.body).toMatchObject({ failures: 1, error: `\uFFFD${'e'.repeat(4095)}` });
  await call('agent', '/agents/worker-1/deregister', { generation: 1, reason: said });
  expect((await call('viewer', '/agents/worker-1')).body).toMatchObject({
    status: 'TERMINATED',
    status_reason: kept,
  });
});

test('a claim that names very many phases is refused, and one takes several tasks', async () => {
  await call('agent', '/agents', registration);
  for (let number = 0; number < 3; number++) await call('operator', '/tasks', build);
  const ref = { agent_id: 'worker-1', generation: 1 };
  const phase_ids = Array.from({ length: 30 }, () => 'PHASE_TESTING');
  expect(await call('agent', '/tasks/claim', { ...ref, phase_ids })).toMatchObject({
    status: 400,
    body: { error: 'invalid_request' },
  });
  const twice = ['PHASE_TESTING', 'PHASE_TESTING'];
  const { body } = await call('agent', '/tasks/claim', { ...ref, phase_ids: twice, max_tasks: 2 });
  expect(body['tasks']).toHaveLength(2);
  expect((await call('agent', '/tasks/claim', { ...ref, max_tasks: 5 })).body['tasks']).toHaveLength(1);
});
