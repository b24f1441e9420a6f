import { sql, type KyselyPlugin } from 'kysely';
import { beforeEach, describe, expect, it } from 'vitest';
import { registration, useTestFleet } from '../fleet.test-support.ts';
import { decidingQueries } from './lock-rows.ts';

describe('a lock that many share', () => {
  const holders = 150;
  let rows = 0;
  const counting: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      rows += result.rows.length;
      return result;
    },
  };
  const test = useTestFleet({
    around: (database) => ({
      ...database,
      transaction: (work, options) =>
        database.transaction((tx) => work({ ...tx, db: tx.db.withPlugin(counting) }), options),
    }),
  });
  const request = (agentId: string, mode: 'shared' | 'exclusive') => ({
    agentId,
    generation: 1,
    resourceType: 'file',
    resourceName: 'a',
    mode,
    ttlMs: 3_600_000,
    waitMs: 0,
    traceparent: null,
    signal: null,
  });
  const lock = (agentId: string, mode: 'shared' | 'exclusive') =>
    test.fleet.locks.acquire(request(agentId, mode));
  const name = (at: number): string => `agent-${at}`;

  beforeEach(async () => {
    const agentIds = Array.from({ length: holders + 1 }, (_, at) => name(at));
    await Promise.all(agentIds.map((agentId) => test.fleet.agents.register(registration(agentId))));
    await Promise.all(agentIds.slice(1).map((agentId) => lock(agentId, 'shared')));
    rows = 0;
  });

  it('is read in part to be shared by one more, to be renewed and to be refused', async () => {
    await lock(name(0), 'shared');
    const own = await lock(name(holders), 'shared');
    expect(own.agent_id).toBe(name(holders));
    await expect(lock(name(1), 'exclusive')).rejects.toMatchObject({ code: 'lock_held' });
    // Each of the three: the agent, the resource, its own and another one.
    expect(rows).toBeLessThanOrEqual(3 * 4);
    const held = await test.fleet.locks.list({
      resourceType: 'file',
      agentId: null,
      afterLockId: null,
      limit: 1000,
    });
    expect(held).toHaveLength(holders + 1);
  });

  it('is found without a walk, however many share it and however many locks its holder has', async (context) => {
    // Of a table this small PostgreSQL reads all.
    context.skip(test.database.dialect === 'postgres');
    const plans = decidingQueries(test.database.reader, request('a', 'shared')).map(async (query) => {
      const steps = await query.explain<{ detail: string }>(undefined, sql`query plan`);
      return steps.map(({ detail }) => detail);
    });
    expect(await Promise.all(plans)).toEqual([
      [
        'SEARCH locks USING INDEX locks_by_holder (agent_id=? AND generation=? AND resource_type=? AND resource_name=?)',
      ],
      ['SEARCH locks USING INDEX locks_by_resource (resource_type=? AND resource_name=?)'],
    ]);
  });

  it('is refused to who would share it while one has it alone, also to that one', async () => {
    for (const { lock_id: lockId, agent_id: agentId } of await test.fleet.locks.list({
      resourceType: 'file',
      agentId: null,
      afterLockId: null,
      limit: 1000,
    })) {
      await test.fleet.locks.release(lockId, { agentId, generation: 1, traceparent: null });
    }
    const alone = await lock(name(0), 'exclusive');
    expect(await lock(name(0), 'exclusive')).toMatchObject({ lock_id: alone.lock_id });
    for (const agentId of [name(0), name(1)]) {
      await expect(lock(agentId, 'shared')).rejects.toMatchObject({ code: 'lock_held' });
    }
  });
});
