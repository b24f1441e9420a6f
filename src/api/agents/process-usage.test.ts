import { afterEach, beforeEach, expect, it } from 'vitest';
import { openFleetApi, type FleetApi } from '../fleet-api.test-support.ts';

let served: FleetApi;
beforeEach(async () => {
  served = await openFleetApi();
  const registered = await call('/agents', {
    agent_id: 'worker-1',
    agent_type: 'worker',
    nonce: 'a nonce of mine',
  });
  expect(registered.body).toMatchObject({ agent_id: 'worker-1' });
});
afterEach(() => served.close());

async function call(path: string, body: object) {
  const answer = await served.api.app.inject({
    method: 'POST',
    url: `/api/v1/fleet${path}`,
    headers: served.api.as('agent'),
    payload: body,
  });
  return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
}

const beat = (sequence: number, processActivity: unknown) =>
  call('/agents/worker-1/heartbeat', { generation: 1, sequence, process_activity: processActivity });
const usage = () => served.fleet.agents.get('worker-1')?.usage;

it('takes from a beat what the processes do, and what they use where it says so', async () => {
  expect((await beat(1, 'active')).status).toBe(200);
  expect(usage()).toBeNull();
  const report = { activity: 'stopped', cpu_ms: 1250, memory_bytes: 4096 };
  expect((await beat(2, report)).status).toBe(200);
  expect(usage()).toEqual({ cpuSeconds: 1.25, memoryBytes: 4096 });
  expect(served.fleet.agents.get('worker-1')?.evidenceTold).toBe(true);
});

it.each([
  ['an unknown activity', { activity: 'asleep', cpu_ms: 1, memory_bytes: 1 }],
  ['less than no CPU', { activity: 'idle', cpu_ms: -1, memory_bytes: 1 }],
  ['a part of a byte', { activity: 'idle', cpu_ms: 1, memory_bytes: 0.5 }],
  ['no memory', { activity: 'idle', cpu_ms: 1 }],
  ['an unknown key', { activity: 'idle', cpu_ms: 1, memory_bytes: 1, memory: 1 }],
])('refuses %s, and changes nothing', async (_, report) => {
  expect((await beat(1, report)).status).toBe(400);
  expect(usage()).toBeNull();
});
