import { describe, expect, it, vi } from 'vitest';
import type { EventBus } from '#eventbus';
import { useDemoStage } from './demo-stage.test-support.ts';
import { becomes, RESTART, silent, WAIT } from './watchdog.test-support.ts';
import { WatchdogStates } from './watchdog-states.ts';

const stage = useDemoStage();
const { heldBy } = stage;

describe('a storm', () => {
  it('of a provider holds the silent of that one alone, and nobody there whose end was seen', async () => {
    const { alerts, fleet, clock } = await stage.open(RESTART);
    const at = (pool: string, provider: string) => [`pool:${pool}`, 'host:here', `provider:${provider}`];
    fleet.addAgent('silent', { poolId: 'a', domains: at('a', 'acme') });
    fleet.addAgent('failed', { poolId: 'b', domains: at('b', 'acme'), status: 'FAILED' });
    fleet.addAgent('other', { poolId: 'c', domains: at('c', 'other') });
    const standing = { a: 20, b: 20, c: 1, demo: 0 };
    for (const [pool, silentNow] of Object.entries(standing)) fleet.silentIn.set(`pool:${pool}`, silentNow);
    await clock.advance(1000);
    fleet.silentIn.set('provider:acme', 40);
    fleet.silent = 41;
    await clock.advance(1000);
    expect(stage.watchdog.storms()).toMatchObject([{ domain: 'provider:acme' }]);
    for (const name of ['silent', 'failed', 'other']) await alerts.raise(`about ${name}`, silent(name));
    await heldBy('about silent', 'storm');
    await vi.waitFor(
      () => expect(fleet.restarts.map(({ agentId }) => agentId).toSorted()).toEqual(['failed', 'other']),
      WAIT,
    );
  });

  it.each([
    [
      'a storm',
      'storm',
      async () => {
        stage.fleet.silent = 40;
        await stage.clock.advance(1000);
      },
    ],
    ['a pause', 'paused', () => stage.watchdog.pause('ann', 'a look')],
  ] as const)(
    '%s is what holds back those who wait for others to be repaired, at once',
    async (_, guard, begin) => {
      const { alerts, fleet } = await stage.openEmpty([
        RESTART.replace('max_parallel: 2', 'max_parallel: 1'),
      ]);
      for (const agentId of ['w-1', 'w-2', 'w-3']) fleet.addAgent(agentId);
      await alerts.raise('a1', silent('w-1'));
      await becomes(stage, 'a1', 'verifying');
      for (const id of ['2', '3']) await alerts.raise(`a${id}`, silent(`w-${id}`));
      for (const id of ['2', '3']) await heldBy(`a${id}`, 'max_parallel');
      await begin();
      for (const id of ['2', '3']) await heldBy(`a${id}`, guard);
      const told = (await stage.events()).flatMap(({ event_type: type, payload }) =>
        type === 'watchdog.remediation.suppressed' && payload.guard === guard ? payload.alert_id : [],
      );
      expect(told.toSorted()).toEqual(['a2', 'a3']);
      await becomes(stage, 'a1', 'verifying');
    },
  );

  it('is told once, however often it is looked at while the database is slow, and over a restart', async () => {
    const gate = Promise.withResolvers<void>();
    let isSlow = false;
    await stage.openEmpty([RESTART], {}, (database) => ({
      ...database,
      transaction: async (work) => {
        if (isSlow) await gate.promise;
        return database.transaction(work);
      },
    }));
    const told = async () =>
      (await stage.events()).filter(({ event_type: type }) => type === 'watchdog.escalated').length;
    stage.fleet.silent = 3;
    isSlow = true;
    for (let look = 0; look < 4; look++) await stage.clock.advance(1000);
    expect(await told()).toBe(0);
    isSlow = false;
    gate.resolve();
    await vi.waitFor(async () => expect(await told()).toBe(1), WAIT);
    await stage.clock.advance(5000);
    await stage.restartProcess();
    await stage.clock.advance(5000);
    expect(await told()).toBe(1);
  });

  it('is told once where two processes see it begin', async () => {
    await stage.open(RESTART);
    const told: string[] = [];
    const bus = {
      append: async (_tx: unknown, ...events: readonly { readonly event_type: string }[]) =>
        void told.push(...events.map(({ event_type: type }) => type)),
    };
    const parties = [1, 2].map(() => new WatchdogStates(stage.database, bus as unknown as EventBus));
    const storms = [{ domain: 'pool:demo', reason: '3 of 4', sinceMs: 0 }];
    await Promise.all(parties.map((states) => states.setStorms({ storms, ended: '', by: 'watchdog' })));
    expect(told).toEqual(['watchdog.state.changed', 'watchdog.escalated', 'watchdog.storm.changed']);
    expect(parties.map((states) => states.get('storm')?.reason)).toEqual(Array(2).fill('pool:demo: 3 of 4'));
  });
});
