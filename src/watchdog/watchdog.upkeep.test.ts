import { describe, expect, it } from 'vitest';
import { OmoiError } from '#telemetry';
import { useDemoStage } from './demo-stage.test-support.ts';
import { RESTART, silent, stateOf } from './watchdog.test-support.ts';

const stage = useDemoStage();

describe('upkeep and plans that are due', () => {
  it('overrides are extended however often others are raised', async () => {
    const policy = `
name: scale_it
match: ['alertname="Flood"']
mode: act
target: { kind: pool, label: pool }
steps: [{ action: scale, add: 4, ttl: 2m, release_after: 5m, verify: { within: 30m } }]
guards: { cooldown: 1s, max_parallel: 1000, max_starts: 1000, window: 1m }
`;
    await stage.openEmpty([policy]);
    for (let at = 0; at < 25; at++) {
      stage.fleet.pools.set(`pool-${at}`, 'PHASE_TESTING');
      await stage.alerts.raise(`a${at}`, { alertname: 'Flood', pool: `pool-${at}` });
      await stage.clock.advance(9000);
    }
    const nowMs = stage.clock.monotonicMs();
    const overrides = [...stage.fleet.overrides.values()];
    expect(overrides).toHaveLength(25);
    expect(overrides.filter(({ expiresAtMs }) => expiresAtMs <= nowMs)).toEqual([]);
  });

  it.each([1, 2])(
    'an alert without a target is planned for, though the database fails %s times',
    async (times) => {
      let failures = 0;
      await stage.openEmpty([RESTART], {}, (database) => ({
        ...database,
        transaction: (work) =>
          database.transaction(async (tx) => {
            const result = await work(tx);
            if (failures > 0 && failures--) throw new OmoiError('database_failed', 'the connection broke');
            return result;
          }),
      }));
      await stage.alerts.raise('a1', silent('w-1'));
      await stage.clock.advance(1000);
      expect(await stateOf(stage, 'a1')).toBe('none');
      stage.fleet.addAgent('w-1');
      failures = times;
      await stage.clock.advance(200_000);
      expect([failures, await stateOf(stage, 'a1')]).not.toEqual([0, 'none']);
      expect(failures).toBe(0);
    },
  );
});
