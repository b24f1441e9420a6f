import { describe, expect, it, vi } from 'vitest';
import { useDemoStage } from './demo-stage.test-support.ts';
import { guardsThatHeld, becomes, RESTART, silent, reloadPolicies, WAIT } from './watchdog.test-support.ts';

const stage = useDemoStage();

const raise = (alertId: string, agentId: string) => stage.alerts.raise(alertId, silent(agentId));
const pass = (seconds: number) => stage.clock.advance(seconds * 1000);

describe('what is certainly ill', () => {
  it.each([
    [4, 2],
    [100, 26],
  ])('%s killed at once, a whole pool, are all ordered anew within %s s', async (count, seconds) => {
    await stage.openEmpty([RESTART]);
    await pass(60);
    for (let at = 0; at < count; at++) stage.fleet.addAgent(`k-${at}`, { status: 'FAILED', silenceMs: 0 });
    for (let at = 0; at < count; at++) await raise(`a${at}`, `k-${at}`);
    for (let second = 0; second < seconds; second++) await pass(1);
    await vi.waitFor(() => expect(stage.fleet.restarts).toHaveLength(count), WAIT);
    expect(stage.watchdog.states.get('storm')).toBeNull();
  });
});

describe('a policy that acts on a part of its targets', () => {
  it('acts on the same ones each time, observes the others, and acts on them once it may', async () => {
    const some = RESTART.replace('mode: act', 'mode: act\nact_on: 50%').replace(
      'max_parallel: 2',
      'max_parallel: 20, max_starts: 100',
    );
    await stage.openEmpty([some]);
    const ids = Array.from({ length: 10 }, (_, at) => `w-${at + 1}`);
    for (const id of ids) stage.fleet.addAgent(id);
    for (const id of ids) await raise(`about ${id}`, id);
    await vi.waitFor(async () => {
      const observed = (await guardsThatHeld(stage)).filter((guard) => guard === 'observe');
      expect(observed.length + stage.fleet.restarts.length).toBe(ids.length);
    }, WAIT);
    const acted = stage.fleet.restarts.map(({ agentId }) => agentId);
    expect(acted.toSorted()).toMatchInlineSnapshot(`
      [
        "w-4",
        "w-5",
        "w-6",
        "w-7",
        "w-8",
        "w-9",
      ]
    `);
    await stage.restartProcess();
    await pass(60);
    expect(new Set(stage.fleet.restarts.map(({ agentId }) => agentId))).toEqual(new Set(acted));
    await reloadPolicies(stage.watchdog, [some.replace('act_on: 50%', 'act_on: 100%')]);
    await vi.waitFor(
      () => expect(new Set(stage.fleet.restarts.map(({ agentId }) => agentId)).size).toBe(10),
      WAIT,
    );
  });

  it('acts on so many of each pool, where it says a count', async () => {
    await stage.openEmpty([RESTART.replace('mode: act', 'mode: act\nact_on: 1')]);
    for (const poolId of ['demo', 'other'])
      for (const at of [1, 2, 3])
        stage.fleet.addAgent(`${poolId}-${at}`, { poolId, domains: [`pool:${poolId}`] });
    for (const id of stage.fleet.agents.keys()) await raise(`about ${id}`, id);
    await vi.waitFor(async () => {
      expect((await guardsThatHeld(stage)).filter((guard) => guard === 'observe')).toHaveLength(4);
      expect(stage.fleet.restarts).toHaveLength(2);
    }, WAIT);
    expect(new Set(stage.fleet.restarts.map(({ agentId }) => agentId.split('-')[0])).size).toBe(2);
  });
});

describe('what Omoi cannot restart', () => {
  it('is not planned, attempted or charged, and told once for each alert', async () => {
    await stage.openEmpty([RESTART]);
    for (let at = 0; at < 30; at++)
      stage.fleet.addAgent(`e-${at}`, { managed: false, domains: ['external'] });
    stage.fleet.addAgent('w-1');
    for (let at = 0; at < 30; at++) await raise(`a${at}`, `e-${at}`);
    await vi.waitFor(async () => {
      const told = (await stage.events()).filter(
        (event) => event.event_type === 'watchdog.remediation.suppressed',
      );
      expect(told).toHaveLength(30);
      expect(told[0]?.payload).toMatchObject({
        guard: 'not_managed',
        reason:
          'cannot restart agent e-0: it is external, Omoi did not start it; would run restart if it ran in a pool',
      });
    }, WAIT);
    expect(await stage.archive.list({ limit: 10 })).toEqual([]);
    await raise('managed', 'w-1');
    await vi.waitFor(() => expect(stage.fleet.restarts.map(({ agentId }) => agentId)).toEqual(['w-1']), WAIT);
  });

  it.each(['while the server runs', 'after it was started again'])(
    'is repaired once it runs in a pool, where its alert still fires: %s',
    async (when) => {
      await stage.openEmpty([RESTART]);
      for (const id of ['e-1', 'e-2']) stage.fleet.addAgent(id, { managed: false, domains: ['external'] });
      await raise('a1', 'e-1');
      await raise('a2', 'e-2');
      if (when.startsWith('after')) await stage.restartProcess();
      const told = async () =>
        (await stage.events()).filter(({ event_type: type }) => type === 'watchdog.remediation.suppressed');
      await vi.waitFor(async () => expect(await told()).toHaveLength(2), WAIT);
      await pass(31);
      expect(stage.fleet.restarts).toEqual([]);
      stage.fleet.addAgent('e-1', { status: 'FAILED', generation: 3 });
      await pass(31);
      await becomes(stage, 'a1', 'verifying');
      expect(stage.fleet.restarts.map(({ agentId }) => agentId)).toEqual(['e-1']);
      // Who is external still is told of no more.
      expect(await told()).toHaveLength(2);
      await stage.alerts.resolve('a2');
      stage.fleet.addAgent('e-2', { status: 'FAILED' });
      await pass(31);
      expect(stage.fleet.restarts.map(({ agentId }) => agentId)).not.toContain('e-2');
    },
  );
});
