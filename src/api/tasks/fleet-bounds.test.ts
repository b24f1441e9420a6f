import { afterAll, beforeAll, expect, it } from 'vitest';
import { openFleetApi, type FleetApi } from '../fleet-api.test-support.ts';

// The bounds of requests as the documentation tells them: the last number that is taken, and the first that is not.

let fleetApi: FleetApi;

beforeAll(async () => {
  fleetApi = await openFleetApi({ parts: { limits: { maxBodyBytes: 1_048_576 } } });
  await ask('agents', { agent_id: 'worker-1', agent_type: 'worker', nonce: 'a nonce of mine' });
});
afterAll(() => fleetApi.close());

async function ask(path: string, body?: object) {
  const answer = await fleetApi.api.app.inject({
    method: body === undefined ? 'GET' : 'POST',
    url: `/api/v1/fleet/${path}`,
    headers: { ...fleetApi.api.as('agent'), host: 'localhost' },
    ...(body !== undefined && { payload: body }),
  });
  return { status: answer.statusCode, ...answer.json<{ error?: string }>() };
}

const many = <Element>(count: number, element: (at: number) => Element): Element[] =>
  Array.from({ length: count }, (_, at) => element(at));
const holder = { agent_id: 'worker-1', generation: 1 };
const task = { task_type: 'build', phase_id: 'PHASE_TESTING' };
const claim = (more: object) => ask('tasks/claim', { ...holder, ...more });
const lock = (more: object) =>
  ask('locks', { ...holder, resource_type: 'file', resource_name: 'a', ...more });

it.each<[what: string, most: number, (value: number) => Promise<{ status: number; error?: string }>]>([
  [
    'heartbeats in one request',
    500,
    (count) =>
      ask('agents/heartbeats', { heartbeats: many(count, (at) => ({ ...holder, sequence: at + 1 })) }),
  ],
  ['tasks claimed at once', 20, (count) => claim({ max_tasks: count })],
  ['task types of a claim', 50, (count) => claim({ task_types: many(count, (at) => `t${at}`) })],
  ['phases of a claim', 20, (count) => claim({ phase_ids: many(count, (at) => `PHASE_${at}`) })],
  ['ms of a lease', 3_600_000, (ms) => claim({ lease_ms: ms })],
  ['tasks enqueued at once', 500, (count) => ask('tasks/batch', { tasks: many(count, () => task) })],
  ['attempts of a task', 100, (count) => ask('tasks', { ...task, max_attempts: count })],
  [
    'ms that a claim waits',
    30_000,
    async (ms) => {
      // There is something to claim: nobody waits.
      await ask('tasks', task);
      return claim({ wait_ms: ms });
    },
  ],
  [
    'results in one request',
    100,
    (count) =>
      ask('tasks/complete', { ...holder, completions: many(count, (at) => ({ task_id: `t${at}` })) }),
  ],
  ['ms that a lock is held', 3_600_000, (ms) => lock({ ttl_ms: ms })],
  ['ms that a lock is waited for', 30_000, (ms) => lock({ wait_ms: ms })],
  [
    'the number of a claim',
    2_147_483_647,
    (attempt) => ask('tasks/complete', { ...holder, completions: [{ task_id: 't', attempt }] }),
  ],
  ['tasks of a page', 1000, (count) => ask(`tasks?limit=${count}`)],
  ['agents of a page', 1000, (count) => ask(`agents?limit=${count}`)],
  ['locks of a page', 1000, (count) => ask(`locks?limit=${count}`)],
])('%s: %i and no more', async (_what, most, request) => {
  const { status, error } = await request(most);
  expect([error, status < 300]).toEqual([undefined, true]);
  expect(await request(most + 1)).toMatchObject({ status: 400, error: 'invalid_request' });
});

it('bytes of a payload: 262144 and no more', async () => {
  const payload = (bytes: number) => ask('tasks', { ...task, payload: 'x'.repeat(bytes - '""'.length) });
  expect((await payload(262_144)).status).toBe(201);
  expect(await payload(262_145)).toMatchObject({ status: 413, error: 'body_too_large' });
});

it('a claim of 40,000 phases fails alone, among claims that come with it', async () => {
  const phases = (length: number) => ({ phase_ids: many(length, (at) => `PHASE_NOBODYS_${at}`) });
  const claims = await Promise.all([phases(1), phases(40_000), phases(20)].map(claim));
  expect(claims).toMatchObject([
    { status: 200, tasks: [] },
    { status: 400, error: 'invalid_request', message: expect.stringContaining('body.phase_ids') },
    { status: 200, tasks: [] },
  ]);
});
