import { afterEach, expect, it } from 'vitest';
import { claimOf, registration, task, createTestFleet, type TestFleet } from './fleet.test-support.ts';
import { DEFAULT_FLEET_LIMITS, type FleetLimits } from './limits.ts';

/** `npm run test:long` takes all limits as they are; a million tasks take minutes. */
const areDefaults = process.env['OMOI_LIMITS'] === 'default';
const maxAgents = areDefaults ? DEFAULT_FLEET_LIMITS.maxAgents : 2;
const maxQueuedTasks = areDefaults ? DEFAULT_FLEET_LIMITS.maxQueuedTasks : 3;

let stage: TestFleet;
afterEach(() => stage.close());

async function open(limits: Partial<FleetLimits>): Promise<void> {
  stage = createTestFleet({ limits });
  await stage.open();
}

const enqueue = (count: number) =>
  stage.fleet.tasks.enqueue(
    Array.from({ length: count }, () => task()),
    null,
  );

/** As many at once as a request may bring. */
async function inBatches(
  total: number,
  each: (from: number, count: number) => Promise<unknown>,
): Promise<void> {
  const perBatch = DEFAULT_FLEET_LIMITS.maxBatchTasks;
  for (let from = 0; from < total; from += perBatch) await each(from, Math.min(perBatch, total - from));
}

it('takes maxAgents agents, and one of them again', async () => {
  await open({ maxAgents });
  const { agents } = stage.fleet;
  await inBatches(maxAgents, (from, count) =>
    Promise.all(
      Array.from({ length: count }, (_, at) => agents.register(registration(`agent-${from + at}`))),
    ),
  );
  await expect(agents.register(registration('more'))).rejects.toMatchObject({
    code: 'agent_limit_reached',
    details: { max_agents: maxAgents },
  });
  expect((await agents.register(registration(`agent-${maxAgents - 1}`))).fresh).toBe(false);
});

it('takes maxQueuedTasks tasks, and more once one is claimed', async () => {
  await open({ maxQueuedTasks });
  await inBatches(maxQueuedTasks, (_, count) => enqueue(count));
  await expect(enqueue(1)).rejects.toMatchObject({
    code: 'queue_full',
    details: { max_queued_tasks: maxQueuedTasks },
  });
  await stage.fleet.agents.register(registration('a'));
  await stage.fleet.tasks.claim(claimOf('a'));
  await enqueue(1);
  await expect(enqueue(1)).rejects.toMatchObject({ code: 'queue_full' });
});

/** How many claims or locks could not wait. */
function waitsRefused(what: 'claim' | 'lock'): number {
  const refused = stage.metrics.collect().find(({ name }) => name === 'omoi_fleet_waits_refused_total');
  return refused?.points.find(({ labels }) => labels['what'] === what)?.value ?? 0;
}

it('lets maxWaitingClaims claims wait, and answers the next at once with nothing', async () => {
  await open({});
  await stage.fleet.agents.register(registration('a'));
  const gone = new AbortController();
  const claim = () => stage.fleet.tasks.claim(claimOf('a', { waitMs: 30_000, signal: gone.signal }));
  const waiting = Array.from({ length: DEFAULT_FLEET_LIMITS.maxWaitingClaims }, claim);
  // What it would wait with is the virtual clock, and that stands still.
  expect(await claim()).toEqual([]);
  expect(waitsRefused('claim')).toBe(1);
  await enqueue(1);
  expect(await Promise.race(waiting)).toHaveLength(1);
  const again = claim();
  gone.abort();
  expect(await again).toEqual([]);
  expect((await Promise.all(waiting)).flat()).toHaveLength(1);
  expect(waitsRefused('claim')).toBe(1);
});

it('lets maxWaitingLocks requests wait for locks, and answers the next at once', async () => {
  await open({});
  const { agents, locks } = stage.fleet;
  for (const agentId of ['a', 'b']) await agents.register(registration(agentId));
  const lock = (resourceName: string, agentId: string) =>
    locks.acquire({
      agentId,
      generation: 1,
      resourceType: 'file',
      resourceName,
      mode: 'exclusive',
      ttlMs: 3_600_000,
      waitMs: 30_000,
      traceparent: null,
      signal: null,
    });
  const held = [await lock('x', 'a'), await lock('y', 'a')];
  const waiting = Array.from({ length: DEFAULT_FLEET_LIMITS.maxWaitingLocks }, (_, at) =>
    lock(at % 2 === 0 ? 'x' : 'y', 'b'),
  );
  const settled = Promise.allSettled(waiting);
  // What it would wait with is the virtual clock, and that stands still.
  await expect(lock('x', 'b')).rejects.toMatchObject({ code: 'lock_held' });
  expect(waitsRefused('lock')).toBe(1);
  // A lock that nobody holds is had all the same.
  expect(await lock('z', 'b')).toMatchObject({ agent_id: 'b' });
  await locks.release(held[0]?.lock_id ?? '', { agentId: 'a', generation: 1, traceparent: null });
  expect(await waiting[0]).toMatchObject({ agent_id: 'b', resource_name: 'x' });
  await stage.clock.advance(30_000);
  // Those who wanted what their agent has by now have it.
  const outcomes = (await settled).map(({ status }, at) => `${at % 2 === 0 ? 'x' : 'y'} ${status}`);
  expect(new Set(outcomes)).toEqual(new Set(['x fulfilled', 'y rejected']));
  expect(waitsRefused('lock')).toBe(2);
});

it('lets one agent hold maxLocksPerAgent locks, all of them maxLocks, and counts those that it finds at the start', async () => {
  await open({ maxLocksPerAgent: 3, maxLocks: 4 });
  const lock = (agentId: string, resourceName: string) =>
    stage.fleet.locks.acquire({
      agentId,
      generation: 1,
      resourceType: 'file',
      resourceName,
      mode: 'exclusive',
      ttlMs: 3_600_000,
      waitMs: 0,
      traceparent: null,
      signal: null,
    });
  for (const agentId of ['a', 'b']) await stage.fleet.agents.register(registration(agentId));
  const held = [await lock('a', '1'), await lock('a', '2'), await lock('a', '3')];
  await stage.stop();
  await stage.clock.advance(1000);
  await stage.start();
  await expect(lock('a', '4')).rejects.toMatchObject({
    code: 'lock_limit_reached',
    details: { agent_id: 'a', max_locks_per_agent: 3 },
  });
  // What it has it may ask for again.
  expect((await lock('a', '3')).lock_id).toBe(held[2]?.lock_id);
  await lock('b', '4');
  await expect(lock('b', '5')).rejects.toMatchObject({
    code: 'lock_limit_reached',
    details: { max_locks: 4 },
  });
  await stage.fleet.locks.release(held[0]?.lock_id ?? '', { agentId: 'a', generation: 1, traceparent: null });
  await lock('b', '5');
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
    maxLocks: 200_000,
    maxLocksPerAgent: 10_000,
  });
});
