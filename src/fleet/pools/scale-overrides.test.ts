import { describe, expect, it } from 'vitest';
import { ASKED, GRACE_MS, POOL, TRACE, useTestPools } from './pools.test-support.ts';

const stage = useTestPools();
const { test, until, runningAgents, processes, runs, events, status } = stage;

describe('a pool', () => {
  it('grows by a override once, and shrinks from the top when it expires', async () => {
    await stage.pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    const override = {
      ...ASKED,
      traceparent: TRACE,
      poolId: 'coders',
      overrideId: 'c1',
      add: 2,
      ttlMs: 60_000,
    };
    expect((await stage.pools.setScaleOverride(override)).effective).toBe(4);
    expect((await stage.pools.setScaleOverride(override)).effective).toBe(4);
    await runs('coders-1/1', 'coders-2/1', 'coders-3/1', 'coders-4/1');
    expect(stage.machine.starts[2]?.env['TRACEPARENT']).toContain('0af7651916cd43dd8448eb211c80319c');
    expect(await stage.pools.extendScaleOverride('c1', 120_000)).toBe(true);
    await test.clock.advance(100_000);
    expect(runningAgents().length).toBe(4);
    await test.clock.advance(21_000);
    await runs('coders-1/1', 'coders-2/1');
    await until(() => status('coders-4') === 'TERMINATED' && status('coders-3') === 'TERMINATED');
    expect(await stage.pools.extendScaleOverride('c1', 1000)).toBe(false);
    expect((await events('fleet.pool.changed')).map((event) => event.payload)).toMatchObject([
      { effective: 2 },
      { effective: 4 },
      { effective: 2, reason: 'scale_override_expired' },
    ]);
  });

  it('has overrides of its own: another pool neither extends nor takes back one of them', async () => {
    for (const id of ['coders', 'testers']) await stage.pools.create({ ...POOL, id }, ASKED);
    const override = { ...ASKED, overrideId: 'c1', add: 2 };
    const { expiresAtMs } = await stage.pools.setScaleOverride({
      ...override,
      poolId: 'coders',
      ttlMs: 60_000,
    });
    await expect(
      stage.pools.setScaleOverride({ ...override, poolId: 'testers', ttlMs: 600_000 }),
    ).rejects.toMatchObject({ code: 'invalid_request' });
    await stage.pools.removeScaleOverride({ overrideId: 'c1', ofPool: 'testers' }, ASKED);
    const overrides = async (poolId: string) =>
      (await stage.pools.get(poolId)).overrides.map((row) => [row.overrideId, row.expiresAtMs]);
    expect(await overrides('testers')).toEqual([]);
    expect(await overrides('coders')).toEqual([['c1', expiresAtMs]]);
  });

  it.each([3_600_000, -3_600_000])(
    'keeps an override for its time while the wall clock steps by %d ms, over a restart too',
    async (stepMs) => {
      await stage.pools.create(POOL, ASKED);
      await stage.pools.setScaleOverride({
        ...ASKED,
        poolId: 'coders',
        overrideId: 'c1',
        add: 1,
        ttlMs: 60_000,
      });
      await runs('coders-1/1', 'coders-2/1', 'coders-3/1');
      test.clock.stepWallClock(stepMs);
      await test.clock.advance(20_000);
      await stage.restart();
      expect(await stage.pools.extendScaleOverride('c1', 50_000)).toBe(true);
      test.clock.stepWallClock(stepMs);
      await test.clock.advance(49_000);
      expect(await processes()).toMatchObject({ 'coders-3': 'running run' });
      await test.clock.advance(1000);
      await until(async () => (await processes())['coders-3'] !== 'running run');
      expect(await stage.pools.extendScaleOverride('c1', 50_000)).toBe(false);
    },
  );

  it('keeps an override no longer than for its time after a reboot with a clock that was set back', async () => {
    await stage.pools.create(POOL, ASKED);
    await stage.pools.setScaleOverride({
      ...ASKED,
      poolId: 'coders',
      overrideId: 'c1',
      add: 1,
      ttlMs: 60_000,
    });
    await stage.rebootSetBack();
    const left = async () => {
      const [override] = (await stage.pools.get('coders')).overrides;
      return override && override.expiresAtMs - test.clock.wallMs();
    };
    expect(await left()).toBe(60_000);
    await test.clock.advance(50_000);
    test.clock.stepWallClock(3_600_000);
    expect(await left()).toBe(10_000);
    // The look at the pool may have taken some of this time.
    let passedMs = 0;
    await until(async () => {
      await test.clock.advance(1000);
      passedMs += 1000;
      return (await left()) === undefined;
    });
    expect(passedMs).toBeLessThan(300_000);
  });

  it('takes an override under the id of one that has expired for a new one', async () => {
    await stage.pools.create(POOL, ASKED);
    const override = { ...ASKED, poolId: 'coders', overrideId: 'c1', add: 1, ttlMs: 60_000 };
    await stage.pools.setScaleOverride(override);
    // Its end has not been noticed yet.
    await test.database.transaction((tx) =>
      tx.db.updateTable('pool_scale_overrides').set({ expires_at_ms: tx.nowMs }).execute(),
    );
    expect(await stage.pools.setScaleOverride({ ...override, add: 3 })).toMatchObject({ effective: 5 });
  });

  it.each([3_600_000, -3_600_000])('shows its deadlines by a clock that was set by %d ms', async (stepMs) => {
    await stage.pools.create({ ...POOL, command: ['ignore_sigterm'] }, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    await stage.pools.setScaleOverride({
      ...ASKED,
      poolId: 'coders',
      overrideId: 'c1',
      add: 1,
      ttlMs: 600_000,
    });
    await stage.pools.stop({ ...ASKED, agentId: 'coders-1' });
    const shown = async () => {
      const { overrides, replicas } = await stage.pools.get('coders');
      const times = [overrides[0]?.expiresAtMs, replicas[0]?.killAtMs];
      return times.map((atMs) => (atMs ?? 0) - test.clock.wallMs());
    };
    expect(await shown()).toEqual([600_000, GRACE_MS]);
    test.clock.stepWallClock(stepMs);
    await test.clock.advance(1000);
    expect(await shown()).toEqual([599_000, GRACE_MS - 1000]);
    expect(await stage.pools.list({ afterPoolId: null, limit: 10 })).toEqual([
      await stage.pools.get('coders'),
    ]);
    expect((await stage.pools.replica('coders-1'))?.killAtMs).toBe(test.clock.wallMs() + GRACE_MS - 1000);
  });

  it('never has more than max', async () => {
    await stage.pools.create(POOL, ASKED);
    const override = { ...ASKED, poolId: 'coders', overrideId: 'c1', add: 100, ttlMs: 60_000 };
    expect((await stage.pools.setScaleOverride(override)).effective).toBe(6);
    await stage.pools.removeScaleOverride({ overrideId: 'c1' }, ASKED);
    await stage.pools.removeScaleOverride({ overrideId: 'c1' }, ASKED);
    await until(async () => (await stage.pools.get('coders')).effective === 2);
  });

  it('has a hundred scale overrides and no more, and each of them may be given again', async () => {
    await stage.pools.create(POOL, ASKED);
    const override = (at: number) => ({
      ...ASKED,
      poolId: 'coders',
      overrideId: `c${at}`,
      add: 1,
      ttlMs: 60_000,
    });
    for (let at = 0; at < 100; at++) await stage.pools.setScaleOverride(override(at));
    await expect(stage.pools.setScaleOverride(override(100))).rejects.toMatchObject({
      code: 'pool_bounds',
      message: expect.stringContaining('maxScaleOverridesPerPool (100)'),
    });
    expect((await stage.pools.setScaleOverride(override(99))).effective).toBe(POOL.max);
    await stage.pools.removeScaleOverride({ overrideId: 'c0' }, ASKED);
    expect((await stage.pools.setScaleOverride(override(100))).effective).toBe(POOL.max);
  });
});
