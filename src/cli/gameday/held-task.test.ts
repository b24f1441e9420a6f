import { afterAll, beforeAll, expect, it } from 'vitest';
import { claimOf, registration, task } from '../../fleet/fleet.test-support.ts';
import { openFleetApi, type FleetApi } from '../../api/fleet-api.test-support.ts';
import type { LocalClient } from '../local-client.ts';
import { taskHeldBy } from './held-task.ts';

let fleetApi: FleetApi;
let bytesRead = 0;
const client: Pick<LocalClient, 'call'> = {
  async call(method, url) {
    const headers = { ...fleetApi.api.as('admin'), host: 'localhost' };
    const answer = await fleetApi.api.app.inject({ method, url, headers });
    bytesRead += answer.rawPayload.length;
    return answer.json<unknown>();
  },
};

beforeAll(async () => {
  fleetApi = await openFleetApi();
  const { agents, tasks } = fleetApi.fleet;
  const payload = JSON.stringify('x'.repeat(1000));
  for (const agentId of ['crowd', 'a', 'idle']) await agents.register(registration(agentId));
  for (let held = 0; held <= 1000; held += 20) {
    await tasks.enqueue(
      Array.from({ length: 20 }, () => task({ payload })),
      null,
    );
    await tasks.claim(claimOf('crowd', { maxTasks: 20 }));
  }
  await tasks.enqueue([task({ payload }), task({ payload })], null);
  await tasks.claim(claimOf('a', { maxTasks: 2 }));
});
afterAll(() => fleetApi.close());

it('is found behind a thousand that others hold, and read alone', async () => {
  const taskId = (await taskHeldBy('a', client)) ?? '';
  expect(await fleetApi.fleet.tasks.get(taskId)).toMatchObject({ agent_id: 'a', state: 'claimed' });
  expect(await taskHeldBy('idle', client)).toBeNull();
  expect(bytesRead).toBeLessThan(5000);
});
