import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { nextTurn } from '#telemetry';
import { openFleetApi, type FleetApi } from '../fleet-api.test-support.ts';
import type { Role } from './roles.ts';

let fleetApi: FleetApi;

beforeEach(async () => {
  fleetApi = await openFleetApi();
  for (const id of ['worker-1', 'worker-2']) {
    await ask('operator', 'agents', { agent_id: id, agent_type: 'worker', nonce: `the nonce of ${id}` });
  }
});
afterEach(() => fleetApi.close());

async function ask(role: Role, path: string, body?: object) {
  const answer = await fleetApi.api.app.inject({
    method: body === undefined ? 'GET' : 'POST',
    url: `/api/v1/fleet/${path}`,
    headers: { ...fleetApi.api.as(role), host: 'localhost' },
    ...(body !== undefined && { payload: body }),
  });
  return { status: answer.statusCode, ...answer.json<{ error?: string; task?: { task_id: string } }>() };
}

async function revoke(role: Role): Promise<void> {
  const token = (await fleetApi.api.access.listTokens({ limit: 10, afterId: null })).find(
    (one) => one.role === role,
  );
  await fleetApi.api.access.revokeToken(token?.id ?? '', 'test');
}

const worker = (number: number) => ({ agent_id: `worker-${number}`, generation: 1 });

it('a claim that waits is refused the moment its token is revoked, and the next task is for others', async () => {
  const claim = ask('agent', 'tasks/claim', { ...worker(1), wait_ms: 30_000 });
  while (fleetApi.fleet.tasks.waitingClaims === 0) await nextTurn();
  await revoke('agent');
  expect(await claim).toMatchObject({ status: 401, error: 'unauthenticated' });
  expect(fleetApi.fleet.tasks.waitingClaims).toBe(0);
  const enqueued = await ask('operator', 'tasks', { task_type: 'build', phase_id: 'PHASE_TESTING' });
  const seen = await ask('operator', `tasks/${enqueued.task?.task_id ?? ''}`);
  expect(seen).toMatchObject({ state: 'queued' });
});

it('a claim of another token waits on, and gets the task', async () => {
  const claim = ask('agent', 'tasks/claim', { ...worker(1), wait_ms: 30_000 });
  while (fleetApi.fleet.tasks.waitingClaims === 0) await nextTurn();
  await revoke('viewer');
  const enqueued = await ask('operator', 'tasks', { task_type: 'build', phase_id: 'PHASE_TESTING' });
  expect(await claim).toMatchObject({ status: 200, tasks: [{ task_id: enqueued.task?.task_id }] });
});

it('a lock that is waited for is refused too, and its place in the line is free', async () => {
  const wanted = { resource_type: 'file', resource_name: 'a', lock_mode: 'exclusive' };
  const { lock_id: heldId } = (await ask('operator', 'locks', { ...worker(2), ...wanted })) as {
    lock_id?: string;
  };
  const waiting = ask('agent', 'locks', { ...worker(1), ...wanted, wait_ms: 30_000 });
  let isAnswered = false;
  void waiting.finally(() => {
    isAnswered = true;
  });
  for (let turn = 0; turn < 50; turn++) await nextTurn();
  expect(isAnswered).toBe(false);
  await revoke('agent');
  expect(await waiting).toMatchObject({ status: 401, error: 'unauthenticated' });
  expect(await ask('operator', `locks/${heldId ?? ''}/release`, worker(2))).toMatchObject({ status: 200 });
  const { locks } = (await ask('operator', 'locks')) as { locks?: readonly object[] };
  expect(locks).toEqual([]);
});

it('a claim whose client has gone waits no longer, and the next task is for others', async () => {
  const url = await fleetApi.api.api.listen({ host: '127.0.0.1', port: 0 });
  const headers = { ...fleetApi.api.as('agent'), 'content-type': 'application/json' };
  const client = httpRequest(`${url}/api/v1/fleet/tasks/claim`, { method: 'POST', headers });
  client.on('error', () => {});
  client.end(JSON.stringify({ ...worker(1), wait_ms: 30_000 }));
  while (fleetApi.fleet.tasks.waitingClaims === 0) await nextTurn();
  client.destroy();
  while (fleetApi.fleet.tasks.waitingClaims > 0) await nextTurn();
  const enqueued = await ask('operator', 'tasks', { task_type: 'build', phase_id: 'PHASE_TESTING' });
  const seen = await ask('operator', `tasks/${enqueued.task?.task_id ?? ''}`);
  expect(seen).toMatchObject({ state: 'queued' });
});

it('a claim behind another one of the same connection ends with it too', async () => {
  const url = new URL(await fleetApi.api.api.listen({ host: '127.0.0.1', port: 0 }));
  const body = JSON.stringify({ ...worker(1), wait_ms: 30_000 });
  const request =
    `POST /api/v1/fleet/tasks/claim HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
    `Authorization: ${fleetApi.api.as('agent').authorization}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const socket = connect(Number(url.port), url.hostname);
  socket.write(request.repeat(3));
  while (fleetApi.fleet.tasks.waitingClaims < 3) await nextTurn();
  socket.destroy();
  while (fleetApi.fleet.tasks.waitingClaims > 0) await nextTurn();
  const enqueued = await ask('operator', 'tasks', { task_type: 'build', phase_id: 'PHASE_TESTING' });
  const seen = await ask('operator', `tasks/${enqueued.task?.task_id ?? ''}`);
  expect(seen).toMatchObject({ state: 'queued' });
});

it('a heartbeat is no change: it is not audited, whoever sends it', async () => {
  const beat = await ask('operator', 'agents/worker-1/heartbeat', { generation: 1, sequence: 1 });
  expect(beat).toMatchObject({ status: 200 });
  const all = await ask('operator', 'agents/heartbeats', { heartbeats: [{ ...worker(2), sequence: 1 }] });
  expect(all).toMatchObject({ status: 200 });
  const actions = await fleetApi.api.access.audit.list({ limit: 100, beforeId: null });
  expect(actions.map(({ action }) => action).filter((action) => action.includes('heartbeat'))).toEqual([]);
  expect(actions.map(({ action }) => action)).toContain('POST /api/v1/fleet/agents');
});
