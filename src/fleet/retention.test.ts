import { expect, test, vi } from 'vitest';
import { generationOrder, registration, useTestFleet } from './fleet.test-support.ts';

/** More than go in one transaction, twice. */
const MANY = 600;
const HOUR_MS = 3_600_000;
const SHOWN_MS = 600_000;

const running = useTestFleet({
  limits: {
    endedAgentRetentionMs: HOUR_MS,
    endedAgentShownMs: SHOWN_MS,
    lockResourceRetentionMs: HOUR_MS,
    retentionSweepMs: 2 * HOUR_MS,
  },
});

const numbers = Array.from({ length: MANY }, (_, number) => number);

async function keysOf(table: 'agents' | 'agent_generations'): Promise<readonly string[]> {
  const rows = await running.database.reader
    .selectFrom(table)
    .select('agent_id')
    .orderBy('agent_id')
    .execute();
  return rows.map((row) => row.agent_id);
}

test('agents that ended long ago go with all that is on record of them; those that live stay', async () => {
  const { agents } = running.fleet;
  await Promise.all(
    numbers.map(async (number) => {
      const agentId = `gone-${number}`;
      await agents.register(registration(agentId));
      await agents.deregister({ agentId, generation: 1, reason: 'done', exit: null, traceparent: null });
    }),
  );
  await agents.register(registration('alive', { heartbeatIntervalMs: 60_000, heartbeatTtlMs: 86_400_000 }));
  expect(await keysOf('agents')).toHaveLength(MANY + 1);
  await running.clock.advance(2 * HOUR_MS);
  await vi.waitFor(async () => expect(await keysOf('agents')).toEqual(['alive']), { timeout: 60_000 });
  expect(await keysOf('agent_generations')).toEqual(['alive']);
});

test('a pool’s agent that has FAILED is there until it is repaired, however long nobody does', async () => {
  const key = { agentId: 'coders-1', generation: 1 };
  await running.database.transaction(async (tx) => {
    await running.fleet.generations.openGeneration(
      tx,
      generationOrder(key.agentId, { nonce: 'a', poolId: 'coders' }),
    );
    const exit = { exitCode: 1, signal: null, asked: null, once: false, traceparent: null };
    await running.fleet.generations.recordExit(tx, { ...key, ...exit });
  });
  await running.fleet.agents.register(registration('gone'));
  const left = { agentId: 'gone', generation: 1, reason: 'done', exit: null, traceparent: null };
  await running.fleet.agents.deregister(left);
  await running.clock.advance(2 * HOUR_MS);
  await vi.waitFor(async () => expect(await keysOf('agents')).toEqual(['coders-1']), { timeout: 60_000 });
  expect(running.fleet.agents.get('gone')).toBeUndefined();
  expect(running.fleet.agents.get('coders-1')?.status).toBe('FAILED');
  await running.stop();
  await running.start();
  expect(running.fleet.agents.get('coders-1')?.status).toBe('FAILED');
});

test('an external agent that failed is counted no more after a while, of which the collectors hear', async () => {
  const { agents, feed } = running.fleet;
  await agents.register(registration('job'));
  const left = { agentId: 'job', generation: 1, reason: 'exit 1', traceparent: null };
  const exit = { exitCode: 1, signal: null, asked: null, expect: 'once' as const };
  await agents.deregister({ ...left, exit });
  const removed: string[] = [];
  feed.onActivity((activity) => {
    if (activity.kind === 'agent_removed') removed.push(activity.agentId);
  });
  await running.clock.advance(SHOWN_MS - 60_000);
  expect([agents.get('job')?.status, removed]).toEqual(['FAILED', []]);
  await running.clock.advance(2 * 60_000);
  expect([agents.get('job'), removed]).toEqual([undefined, ['job']]);
  expect(await keysOf('agents')).toEqual(['job']);
});

test('an external agent that failed is forgotten also when memory has forgotten it', async () => {
  await running.fleet.agents.register(registration('job'));
  const left = { agentId: 'job', generation: 1, reason: 'exit 1', traceparent: null };
  const exit = { exitCode: 1, signal: null, asked: null, expect: 'once' as const };
  await running.fleet.agents.deregister({ ...left, exit });
  await running.stop();
  await running.clock.advance(HOUR_MS + 60_000);
  await running.start();
  expect(running.fleet.agents.get('job')).toBeUndefined();
  await running.fleet.agents.deregisterExternal({ ...left, reason: 'done with', exit: null });
  const row = await running.database.reader
    .selectFrom('agents')
    .select(['status', 'status_reason'])
    .executeTakeFirst();
  expect(row).toEqual({ status: 'TERMINATED', status_reason: 'done with' });
  const nobody = { ...left, agentId: 'nobody', exit: null };
  await expect(running.fleet.agents.deregisterExternal(nobody)).rejects.toMatchObject({
    code: 'unknown_agent',
  });
});

test('resources that nobody has locked for long are forgotten; one that is held stays', async () => {
  const { agents, locks } = running.fleet;
  await agents.register(registration('a', { heartbeatIntervalMs: 60_000, heartbeatTtlMs: 86_400_000 }));
  const holder = { agentId: 'a', generation: 1 };
  const lock = (resourceName: string) =>
    locks.acquire({
      ...holder,
      resourceType: 'file',
      resourceName,
      mode: 'exclusive',
      ttlMs: 6 * HOUR_MS,
      waitMs: 0,
      traceparent: null,
      signal: null,
    });
  for (const { lock_id: lockId } of await Promise.all(numbers.map((number) => lock(`free ${number}`)))) {
    await locks.break(lockId, null);
  }
  await lock('held');
  const names = async () => {
    const rows = await running.database.reader.selectFrom('lock_resources').select('resource_name').execute();
    return rows.map((row) => row.resource_name);
  };
  expect(await names()).toHaveLength(MANY + 1);
  await running.clock.advance(2 * HOUR_MS);
  await vi.waitFor(async () => expect(await names()).toEqual(['held']), { timeout: 60_000 });
});
