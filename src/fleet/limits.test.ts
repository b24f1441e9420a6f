import { afterEach, expect, it } from 'vitest';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { VirtualClock } from '#telemetry';
import { claimOf, registration, startTestFleet, task, type TestFleet } from './fleet.test-support.ts';
import { DEFAULT_FLEET_LIMITS, type FleetLimits } from './limits.ts';

let database: StateDatabase;
let stage: TestFleet;
afterEach(async () => {
  await stage.stop();
  await database.close();
});

async function open(limits: Partial<FleetLimits>): Promise<void> {
  const clock = new VirtualClock();
  database = await openTestStateDatabase(clock, 'none');
  stage = await startTestFleet(database, { clock, limits });
}

const enqueue = (count: number) =>
  stage.fleet.tasks.enqueue(
    Array.from({ length: count }, () => task()),
    null,
  );

it('takes maxAgents agents, and one of them again', async () => {
  await open({ maxAgents: 2 });
  const { agents } = stage.fleet;
  await agents.register(registration('a'));
  await agents.register(registration('b'));
  await expect(agents.register(registration('c'))).rejects.toMatchObject({
    code: 'agent_limit_reached',
    details: { max_agents: 2 },
  });
  expect((await agents.register(registration('b'))).fresh).toBe(false);
});

it('takes maxQueuedTasks tasks, and more once one is claimed', async () => {
  await open({ maxQueuedTasks: 3 });
  await enqueue(3);
  await expect(enqueue(1)).rejects.toMatchObject({ code: 'queue_full', details: { max_queued_tasks: 3 } });
  await stage.fleet.agents.register(registration('a'));
  await stage.fleet.tasks.claim(claimOf('a'));
  await enqueue(1);
  await expect(enqueue(1)).rejects.toMatchObject({ code: 'queue_full' });
});

it('lets maxWaitingClaims claims wait, and answers the next at once with nothing', async () => {
  await open({ maxWaitingClaims: 2 });
  for (const agentId of ['a', 'b', 'c']) await stage.fleet.agents.register(registration(agentId));
  const waiting = ['a', 'b'].map((agentId) => stage.fleet.tasks.claim(claimOf(agentId, { waitMs: 30_000 })));
  // What it would wait with is the virtual clock, and that stands still.
  expect(await stage.fleet.tasks.claim(claimOf('c', { waitMs: 30_000 }))).toEqual([]);
  await enqueue(2);
  expect((await Promise.all(waiting)).map((claimed) => claimed.length)).toEqual([1, 1]);
});

it('has the limits by default that the design names', async () => {
  await open({});
  expect(DEFAULT_FLEET_LIMITS).toMatchObject({
    maxAgents: 20_000,
    maxQueuedTasks: 1_000_000,
    maxBatchTasks: 500,
    maxPayloadBytes: 262_144,
    maxWaitingClaims: 10_000,
    maxWaitingLocks: 10_000,
  });
});
