import { describe, expect, it, vi } from 'vitest';
import { useDemoStage } from './demo-stage.test-support.ts';
import { flood, SCALE, WAIT } from './watchdog.test-support.ts';

const stage = useDemoStage();
const { becomes, heldBy } = stage;

describe('a scale override', () => {
  it('is kept up while the alert fires, and taken back a while after', async () => {
    const { alerts, fleet, clock } = await stage.open(SCALE);
    await alerts.raise('a1', flood);
    await becomes('a1', 'verifying');
    const [overrideId, override] = [...fleet.overrides][0] ?? ['', undefined];
    expect(override?.order).toMatchObject({ poolId: 'demo', add: 4, ttlMs: 30_000 });
    await clock.advance(11_000);
    await vi.waitFor(() => expect(fleet.overrides.get(overrideId)?.extended).toBeGreaterThan(0), WAIT);
    await alerts.resolve('a1');
    await becomes('a1', 'completed(healed)');
    await clock.advance(15_000);
    expect(fleet.released).toEqual([]);
    await vi.waitFor(async () => {
      await clock.advance(1000);
      expect(fleet.released).toEqual([overrideId]);
    }, WAIT);
    const { spans } = stage.tracing;
    expect(spans.at(-1)).toMatchObject({
      name: 'watchdog.release',
      parent: spans[0]?.traceparent,
      isEnded: true,
    });
  });

  it.each([3_600_000, -3_600_000])(
    'is taken back as long after its alert while the wall clock steps by %d ms',
    async (stepMs) => {
      const { alerts, fleet, clock } = await stage.open(SCALE);
      await alerts.raise('a1', flood);
      await becomes('a1', 'verifying');
      await alerts.resolve('a1');
      await becomes('a1', 'completed(healed)');
      const releases = async (): Promise<readonly (number | null)[]> => {
        const rows = stage.database.reader.selectFrom('watchdog_claims').select('release_at_ms').execute();
        return (await rows).map((row) => row.release_at_ms);
      };
      await vi.waitFor(async () => expect(await releases()).toEqual([expect.any(Number)]), WAIT);
      clock.stepWallClock(stepMs);
      for (let second = 0; second < 15; second++) await clock.advance(1000);
      expect(fleet.released).toEqual([]);
      const startedMs = clock.monotonicMs();
      await vi.waitFor(async () => {
        await clock.advance(1000);
        expect(fleet.released).toHaveLength(1);
      }, WAIT);
      expect(clock.monotonicMs() - startedMs).toBeLessThan(600_000);
    },
  );

  it('stays when the alert comes back, and over a restart of the process', async () => {
    const { alerts, fleet, clock } = await stage.open(SCALE);
    await alerts.raise('a1', flood);
    await becomes('a1', 'verifying');
    await alerts.resolve('a1');
    await becomes('a1', 'completed(healed)');
    await alerts.raise('a2', flood);
    await heldBy('a2', 'cooldown');
    await stage.restartProcess();
    for (let second = 0; second < 60; second++) await clock.advance(1000);
    expect(fleet.released).toEqual([]);
    await alerts.resolve('a2');
    await vi.waitFor(async () => {
      await clock.advance(1000);
      expect(fleet.released).toHaveLength(1);
    }, WAIT);
  });
});
