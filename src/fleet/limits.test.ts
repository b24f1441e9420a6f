import { afterEach, expect, it } from 'vitest';
import { claimOf, registration, task, createTestFleet, type TestFleet } from './fleet.test-support.ts';
import { DEFAULT_FLEET_LIMITS, type FleetLimits } from './limits.ts';
import type { LockRequest } from './locks/lock-request.ts';

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

/** An exclusive lock of a file. */
function lockOf(agentId: string, resourceName: string, more: Partial<LockRequest> = {}): LockRequest {
  return {
    agentId,
    generation: 1,
    resourceType: 'file',
    resourceName,
    mode: 'exclusive',
    ttlMs: 3_600_000,
    waitMs: 0,
    traceparent: null,
    signal: null,
    ...more,
  };
}

/** How many claims or locks could not wait. */
function waitsRefused(what: 'claim' | 'lock'): number {
  const refused = stage.metrics.collect().find(({ name }) => name === 'omoi_fleet_waits_refused_total');
  return refused?.points.find(({ labels }) => labels['what'] === what)?.value ?? 0;
}

it('lets maxWaitingClaims claims wait, and refuses the next', async () => {
  await open({});
  const { maxWaitingClaims, maxWaitingClaimsPerAgent } = DEFAULT_FLEET_LIMITS;
  const agentIds = Array.from({ length: maxWaitingClaims / maxWaitingClaimsPerAgent }, (_, at) => `a${at}`);
  await Promise.all(['a', ...agentIds].map((agentId) => stage.fleet.agents.register(registration(agentId))));
  const gone = new AbortController();
  const claim = (agentId = 'a') =>
    stage.fleet.tasks.claim(claimOf(agentId, { waitMs: 30_000, signal: gone.signal }));
  const waiting = Array.from({ length: maxWaitingClaims }, (_, at) => claim(agentIds[at % agentIds.length]));
  // What it would wait with is the virtual clock, and that stands still.
  await expect(claim()).rejects.toMatchObject({
    code: 'claim_limit_reached',
    details: { agent_id: 'a', owner: 'agents without a token', max_waiting_claims: maxWaitingClaims },
  });
  expect(waitsRefused('claim')).toBe(1);
  await enqueue(1);
  expect(await Promise.race(waiting)).toHaveLength(1);
  const again = claim();
  gone.abort();
  expect(await again).toEqual([]);
  expect((await Promise.all(waiting)).flat()).toHaveLength(1);
  expect(waitsRefused('claim')).toBe(1);
});

it('shares maxWaitingClaims among tokens, pools and all others: the newest of who has most make room', async () => {
  await open({ maxWaitingClaims: 12 });
  const { agents, tasks } = stage.fleet;
  const registeredBy = (tokenId: string) => ({ registeredBy: { tokenId, maxAgents: null } });
  for (const at of [0, 1, 2, 3]) await agents.register({ ...registration(`a${at}`), ...registeredBy('A') });
  await agents.register({ ...registration('b'), ...registeredBy('B') });
  await agents.register(registration('c'));
  const ended: string[] = [];
  const claim = async (agentId: string) => {
    try {
      const given = await tasks.claim(claimOf(agentId, { waitMs: 30_000 }));
      ended.push(`${agentId} ${given.length}`);
    } catch (refused) {
      expect(refused).toMatchObject({ code: 'claim_limit_reached', details: { agent_id: agentId } });
      ended.push(`${agentId} refused`);
    }
  };
  const ofA = Array.from({ length: 12 }, (_, at) => claim(`a${at % 4}`));
  // Of two each has six, and the oldest of A stay.
  const ofB = Array.from({ length: 6 }, () => claim('b'));
  await Promise.all(ofA.slice(6));
  expect([ended.length, tasks.waitingClaims]).toEqual([6, 12]);
  await claim('b');
  // Of three each has four.
  const ofC = Array.from({ length: 4 }, () => claim('c'));
  await Promise.all([...ofA.slice(4), ...ofB.slice(4)]);
  await claim('c');
  expect(tasks.waitingClaims).toBe(12);
  expect(ended.filter((one) => one === 'b refused')).toHaveLength(3);
  expect(waitsRefused('claim')).toBe(12);
  // Who has waited longest is first to be given something, whoever came.
  ended.length = 0;
  await enqueue(4);
  await Promise.all(ofA);
  expect(ended.sort()).toEqual(['a0 1', 'a1 1', 'a2 1', 'a3 1']);
  await stage.clock.advance(30_000);
  await Promise.all([...ofB, ...ofC]);
  expect(ended).not.toContain('b refused');
  expect(tasks.waitingClaims).toBe(0);
});

it('lets maxWaitingClaimsPerAgent claims of one agent wait, and others of others', async () => {
  await open({});
  for (const agentId of ['a', 'b']) await stage.fleet.agents.register(registration(agentId));
  const most = DEFAULT_FLEET_LIMITS.maxWaitingClaimsPerAgent;
  const gone = new AbortController();
  const claim = (agentId: string) =>
    stage.fleet.tasks.claim(claimOf(agentId, { waitMs: 30_000, signal: gone.signal }));
  const waiting = Array.from({ length: most }, () => claim('a'));
  const refusal = {
    code: 'claim_limit_reached',
    details: { agent_id: 'a', max_waiting_claims_per_agent: most },
  };
  await expect(claim('a')).rejects.toMatchObject(refusal);
  expect(waitsRefused('claim')).toBe(1);
  const other = claim('b');
  // Who need not wait is given what is there; a claim that is answered leaves its place.
  await enqueue(1);
  expect(await Promise.race(waiting)).toHaveLength(1);
  waiting.push(claim('a'));
  await expect(claim('a')).rejects.toMatchObject(refusal);
  await enqueue(most + 2);
  expect((await Promise.all([...waiting, other])).flat()).toHaveLength(most + 2);
  expect(await stage.fleet.tasks.claim(claimOf('a'))).toHaveLength(1);
});

it('lets maxWaitingLocksPerAgent requests of one agent wait for locks, and has it lock what is free all the same', async () => {
  await open({});
  for (const agentId of ['a', 'b', 'c']) await stage.fleet.agents.register(registration(agentId));
  const most = DEFAULT_FLEET_LIMITS.maxWaitingLocksPerAgent;
  const lock = (resourceName: string, agentId: string) =>
    stage.fleet.locks.acquire(lockOf(agentId, resourceName, { waitMs: 30_000 }));
  const held = await lock('x', 'a');
  const waiting = Array.from({ length: most }, () => lock('x', 'b'));
  const refusal = {
    code: 'lock_limit_reached',
    details: { agent_id: 'b', max_waiting_locks_per_agent: most },
  };
  await expect(lock('x', 'b')).rejects.toMatchObject(refusal);
  expect(waitsRefused('lock')).toBe(1);
  expect(await lock('y', 'b')).toMatchObject({ agent_id: 'b' });
  const other = lock('x', 'c');
  await stage.fleet.locks.release(held.lock_id, { agentId: 'a', generation: 1, traceparent: null });
  const [given] = await Promise.all(waiting);
  const settled = Promise.allSettled(Array.from({ length: most }, () => lock('y', 'c')));
  await stage.fleet.locks.release(given?.lock_id ?? '', { agentId: 'b', generation: 1, traceparent: null });
  // What `c` waits for counts as that of `b` did.
  expect(await other).toMatchObject({ agent_id: 'c' });
  await stage.clock.advance(30_000);
  expect(new Set((await settled).map(({ status }) => status))).toEqual(new Set(['rejected']));
});

it('lets maxWaitingLocks requests wait for locks, and answers the next at once', async () => {
  await open({ maxWaitingLocksPerAgent: DEFAULT_FLEET_LIMITS.maxWaitingLocks });
  const { agents, locks } = stage.fleet;
  for (const agentId of ['a', 'b']) await agents.register(registration(agentId));
  const lock = (resourceName: string, agentId: string) =>
    locks.acquire(lockOf(agentId, resourceName, { waitMs: 30_000 }));
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

it('lets one agent hold maxLocksPerAgent locks, and counts those that it finds at the start', async () => {
  await open({});
  const { maxLocksPerAgent } = DEFAULT_FLEET_LIMITS;
  const lock = (agentId: string, resourceName: string) =>
    stage.fleet.locks.acquire(lockOf(agentId, resourceName));
  for (const agentId of ['a', 'b']) await stage.fleet.agents.register(registration(agentId));
  const held = await lock('a', '0');
  await inBatches(maxLocksPerAgent - 1, (from, count) =>
    Promise.all(Array.from({ length: count }, (_, at) => lock('a', `${from + at + 1}`))),
  );
  await stage.stop();
  await stage.clock.advance(1000);
  await stage.start();
  const refusal = {
    code: 'lock_limit_reached',
    details: { agent_id: 'a', max_locks_per_agent: maxLocksPerAgent },
  };
  await expect(lock('a', 'more')).rejects.toMatchObject(refusal);
  // What it has it may ask for again.
  expect((await lock('a', '0')).lock_id).toBe(held.lock_id);
  await lock('b', 'more');
  await stage.fleet.locks.release(held.lock_id, { agentId: 'a', generation: 1, traceparent: null });
  await lock('a', '0');
  await expect(lock('a', 'one more')).rejects.toMatchObject(refusal);
});

it('lets all agents hold maxLocks locks, and counts those that it finds at the start', async () => {
  const maxLocks = areDefaults ? DEFAULT_FLEET_LIMITS.maxLocks : 40;
  const agents = 20;
  await open({ maxLocks });
  const lock = (agentId: string, resourceName: string) =>
    stage.fleet.locks.acquire(lockOf(agentId, resourceName));
  for (let at = 0; at <= agents; at++) await stage.fleet.agents.register(registration(`a${at}`));
  const held = await lock('a0', '0');
  await inBatches(maxLocks - 1, (from, count) =>
    Promise.all(
      Array.from({ length: count }, (_, at) => lock(`a${(from + at + 1) % agents}`, `${from + at + 1}`)),
    ),
  );
  await stage.stop();
  await stage.clock.advance(1000);
  await stage.start();
  const refusal = { code: 'lock_limit_reached', details: { max_locks: maxLocks } };
  await expect(lock(`a${agents}`, 'more')).rejects.toMatchObject(refusal);
  await stage.fleet.locks.release(held.lock_id, { agentId: 'a0', generation: 1, traceparent: null });
  await lock(`a${agents}`, 'more');
  await expect(lock(`a${agents}`, 'one more')).rejects.toMatchObject(refusal);
});

it('has the limits by default that the design names', async () => {
  await open({});
  expect(DEFAULT_FLEET_LIMITS).toMatchObject({
    maxAgents: 20_000,
    maxQueuedTasks: 1_000_000,
    maxBatchTasks: 500,
    maxPayloadBytes: 262_144,
    maxWaitingClaims: 10_000,
    maxWaitingClaimsPerAgent: 100,
    maxWaitingLocks: 10_000,
    maxWaitingLocksPerAgent: 1000,
    maxLocks: 200_000,
    maxLocksPerAgent: 10_000,
  });
});
