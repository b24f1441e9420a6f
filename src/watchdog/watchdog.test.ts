import { describe, expect, it, vi } from 'vitest';
import { useDemoStage } from './demo-stage.test-support.ts';
import { ALERT_TRACE, becomesInTime, flood, RESTART, SCALE, silent, WAIT } from './watchdog.test-support.ts';

const stage = useDemoStage();
const { becomes, heldBy } = stage;

describe('a remediation', () => {
  it('acts, verifies and ends as healed', async () => {
    const { alerts, fleet, events, tracing } = await stage.open(RESTART);
    await alerts.raise('a1', silent('w-1'));
    await becomes('a1', 'verifying');
    expect(fleet.restarts).toMatchObject([
      {
        agentId: 'w-1',
        expectedGeneration: 1,
        requestedBy: 'watchdog:restart_it',
        // By its rule: the id of an alert tells a reader nothing, and would make a series of each restart.
        reason: 'restart_it for Silent',
      },
    ]);
    await alerts.resolve('a1', 'remediated');
    await becomes('a1', 'completed(healed)');
    const watchdogEvents = (await events())
      .map((event) => event.event_type)
      .filter((type) => type.startsWith('watchdog'));
    expect(watchdogEvents).toEqual([
      'watchdog.remediation.started',
      'watchdog.remediation.changed',
      'watchdog.remediation.completed',
    ]);
    const [remediation] = tracing.spans;
    expect(tracing.spans.map(({ name, parent, isEnded }) => [name, parent, isEnded])).toEqual([
      ['watchdog.remediation', ALERT_TRACE, true],
      ['watchdog.step.restart', remediation?.traceparent, true],
      ['watchdog.verify', remediation?.traceparent, true],
    ]);
  });

  it('takes the next step when one had no effect, and then the guardian takes over', async () => {
    const { alerts, fleet, clock, events } = await stage.open(RESTART);
    await alerts.raise('a1', silent('w-1'));
    await becomes('a1', 'verifying');
    await clock.advance(30_000);
    await vi.waitFor(() => expect(fleet.restarts).toHaveLength(2), WAIT);
    await becomes('a1', 'verifying');
    await clock.advance(30_000);
    await becomes('a1', 'escalated(no_effect)');
    const escalation = (await events()).find((event) => event.event_type === 'watchdog.escalated');
    expect(escalation?.payload).toMatchObject({
      alert_id: 'a1',
      policy: 'restart_it',
      target: 'agent:w-1',
      guardian: 'operators',
    });
  });

  it.each([
    ['higher', 100, 151, 'worsened'],
    ['higher', 100, 100, 'no_effect'],
    ['lower', 2, 0.9, 'worsened'],
    ['lower', 2, 1.9, 'no_effect'],
    [null, 100, 1000, 'no_effect'],
  ] as const)(
    'where %s is worse, a value that went from %d to %d has %s',
    async (worse, from, to, outcome) => {
      const { alerts, clock } = await stage.open(SCALE);
      await alerts.raise('a1', flood, from);
      await becomes('a1', 'verifying');
      alerts.change('a1', { value: to, worse });
      await clock.advance(60_000);
      await becomes('a1', `escalated(${outcome})`);
    },
  );

  it.each([
    ['higher', 100, 49],
    ['lower', 2, 4],
  ] as const)(
    'where %s is worse, a value that went from %d to %d is given time again',
    async (worse, from, to) => {
      const { alerts, clock } = await stage.open(SCALE);
      await alerts.raise('a1', flood, from);
      await becomes('a1', 'verifying');
      alerts.change('a1', { value: to, worse });
      await clock.advance(119_000);
      await becomes('a1', 'verifying');
      await clock.advance(2000);
      await becomes('a1', 'escalated(no_effect)');
    },
  );

  it.each([
    ['recovered', 'healed'],
    ['data_vanished', 'unknown'],
    ['evaluation_failed', 'unknown'],
    ['manual', 'cancelled'],
  ] as const)('an alert that ended because of %s leaves the outcome %s', async (cause, outcome) => {
    const { alerts } = await stage.open(RESTART);
    await alerts.raise('a1', silent('w-1'));
    await becomes('a1', 'verifying');
    await alerts.resolve('a1', cause);
    await becomes('a1', `completed(${outcome})`);
  });

  it('of what is certainly ill takes no place and no start of the silent, also over a restart of the server', async () => {
    const policy = RESTART.replace('max_parallel: 2', 'max_parallel: 1, max_starts: 1');
    const { alerts, fleet } = await stage.open(policy);
    fleet.addAgent('w-3');
    for (const agentId of ['w-1', 'w-2']) {
      await stage.changeStatus(agentId, { status: 'FAILED' });
      await alerts.raise(`alert of ${agentId}`, silent(agentId));
      await becomesInTime(stage, `alert of ${agentId}`, 'verifying');
    }
    await stage.restartProcess();
    await alerts.raise('a3', silent('w-3'));
    await becomes('a3', 'verifying');
    // The next silent one waits for that one.
    fleet.addAgent('w-4');
    await alerts.raise('a4', silent('w-4'));
    await heldBy('a4', 'max_parallel');
    await alerts.resolve('a3', 'remediated');
    await heldBy('a4', 'start_budget');
  });

  describe('after a reboot with a clock that was set back', () => {
    /** The process dies with its machine, whose clock is behind by an hour when it is up again. */
    async function rebootSetBack(): Promise<void> {
      stage.kill();
      stage.clock.reboot();
      stage.clock.stepWallClock(-3_600_000);
      await stage.restartProcess();
    }

    it('waits no longer than its cooldown', async () => {
      const { alerts, fleet } = await stage.open(RESTART);
      await alerts.raise('a1', silent('w-1'));
      await becomes('a1', 'verifying');
      await alerts.resolve('a1');
      await becomes('a1', 'completed(healed)');
      await rebootSetBack();
      await alerts.raise('a2', silent('w-1'));
      await heldBy('a2', 'cooldown');
      const startedMs = stage.clock.monotonicMs();
      await becomesInTime(stage, 'a2', 'verifying');
      expect(stage.clock.monotonicMs() - startedMs).toBeLessThan(120_000);
      expect(fleet.restarts).toHaveLength(2);
    });

    it('verifies for no longer than it may', async () => {
      const { alerts, clock } = await stage.open(RESTART);
      await alerts.raise('a1', silent('w-1'));
      await becomes('a1', 'verifying');
      await rebootSetBack();
      const startedMs = clock.monotonicMs();
      await vi.waitFor(async () => {
        await clock.advance(1000);
        expect(stage.fleet.restarts).toHaveLength(2);
      }, WAIT);
      expect(clock.monotonicMs() - startedMs).toBeLessThan(600_000);
    });

    it('takes what comes back after its relapse window for something new', async () => {
      const { alerts, clock, archive } = await stage.open(RESTART);
      await alerts.raise('a1', silent('w-1'));
      await becomes('a1', 'verifying');
      await alerts.resolve('a1');
      await becomes('a1', 'completed(healed)');
      await rebootSetBack();
      // Longer than the window, and less than what the clock was set back by.
      await clock.advance(660_000);
      await alerts.raise('a2', silent('w-1'));
      await becomesInTime(stage, 'a2', 'verifying');
      const known = (await archive.list({ limit: 10 })).map(({ remediation }) => remediation);
      expect(known.find((row) => row.alert_id === 'a2')).toMatchObject({ attempts: 1 });
    });
  });

  it('is planned once for each alert, whatever is delivered again', async () => {
    const { alerts, fleet } = await stage.open(RESTART);
    await alerts.raise('a1', silent('w-1'));
    await becomes('a1', 'verifying');
    await stage.watchdog.reconsider();
    await alerts.resolve('a1');
    await becomes('a1', 'completed(healed)');
    expect(fleet.restarts).toHaveLength(1);
  });

  it('is not planned where the target is unclear', async () => {
    const { alerts, archive, fleet } = await stage.open(SCALE);
    fleet.pools.set('second', 'PHASE_TESTING');
    await alerts.raise('a1', { alertname: 'Flood', phase_id: 'PHASE_TESTING' });
    await alerts.raise('a2', { alertname: 'Flood' });
    await alerts.raise('a3', { alertname: 'Flood', phase_id: 'PHASE_DESIGN' });
    fleet.pools.set('third', 'PHASE_DONE');
    await alerts.raise('a4', { alertname: 'Flood', phase_id: 'PHASE_DONE' });
    await becomes('a4', 'verifying');
    expect((await archive.list({ limit: 10 })).map(({ remediation }) => remediation.alert_id)).toEqual([
      'a4',
    ]);
  });
});

describe('what holds a remediation back', () => {
  it('observe: it is planned and named, and nothing is done', async () => {
    const { alerts, fleet } = await stage.open(RESTART.replace('mode: act', 'mode: observe'));
    await alerts.raise('a1', silent('w-1'));
    await heldBy('a1', 'observe');
    await alerts.resolve('a1');
    await becomes('a1', 'cancelled(cancelled)');
    expect(fleet.restarts).toEqual([]);
  });

  it('a person: approved it goes, rejected it ends', async () => {
    const { alerts, fleet, archive } = await stage.open(RESTART.replace('mode: act', 'mode: approve'));
    await alerts.raise('a1', silent('w-1'));
    await alerts.raise('a2', silent('w-2'));
    await becomes('a1', 'awaiting_approval');
    await becomes('a2', 'awaiting_approval');
    const idOf = async (alertId: string) =>
      (await archive.list({ alertId, limit: 1 }))[0]?.remediation.id ?? '';
    await stage.watchdog.approve(await idOf('a1'), 'ann');
    await becomes('a1', 'verifying');
    await stage.watchdog.reject(await idOf('a2'), 'ann');
    await becomes('a2', 'cancelled(cancelled)');
    expect(fleet.restarts.map((order) => order.agentId)).toEqual(['w-1']);
    await expect(stage.watchdog.approve(await idOf('a1'), 'ann')).rejects.toMatchObject({
      code: 'remediation_settled',
    });
    await expect(stage.watchdog.approve('rem_no', 'ann')).rejects.toMatchObject({
      code: 'unknown_remediation',
    });
  });

  it('one at a time on a target, and the next when the first has ended', async () => {
    const second = RESTART.replace('restart_it', 'restart_too');
    const { alerts, fleet } = await stage.open(RESTART, second);
    await alerts.raise('a1', silent('w-1'));
    await vi.waitFor(async () => {
      const details = await stage.archive.list({ alertId: 'a1', limit: 5 });
      expect(details.map(({ remediation }) => remediation.state).sort()).toEqual(['planned', 'verifying']);
      expect(details.flatMap(({ suppressions }) => suppressions.map(({ guard }) => guard))).toEqual([
        'one_per_target',
      ]);
    }, WAIT);
    expect(fleet.restarts).toHaveLength(1);
  });

  it('its cooldown, until it is over', async () => {
    const { alerts, fleet, clock } = await stage.open(RESTART);
    await alerts.raise('a1', silent('w-1'));
    await becomes('a1', 'verifying');
    await alerts.resolve('a1');
    await becomes('a1', 'completed(healed)');
    await alerts.raise('a2', silent('w-1'));
    await heldBy('a2', 'cooldown');
    expect(fleet.restarts).toHaveLength(1);
    await clock.advance(75_000);
    await becomes('a2', 'verifying');
    expect(fleet.restarts[1]).toMatchObject({ expectedGeneration: 2 });
  });

  it('a pause, until somebody resumes', async () => {
    const { alerts } = await stage.open(RESTART);
    await stage.watchdog.pause('ann', 'maintenance');
    await alerts.raise('a1', silent('w-1'));
    await heldBy('a1', 'paused');
    await stage.restartProcess();
    expect(stage.watchdog.states.get('paused')).toMatchObject({ by: 'ann' });
    await stage.watchdog.resume('ann');
    await becomes('a1', 'verifying');
  });

  it('a storm, until health is back and has stayed', async () => {
    const { alerts, fleet, clock, events } = await stage.open(RESTART);
    fleet.silent = 3;
    await clock.advance(1000);
    await vi.waitFor(() => expect(stage.watchdog.states.get('storm')).not.toBeNull(), WAIT);
    await alerts.raise('a1', silent('w-1'));
    await heldBy('a1', 'storm');
    fleet.silent = 0;
    await clock.advance(40_000);
    await becomes('a1', 'verifying');
    expect((await events()).filter((event) => event.event_type === 'watchdog.escalated')).toHaveLength(1);
  });

  it('work that is seen to go on, for one more TTL', async () => {
    const { alerts, fleet, clock } = await stage.open(RESTART);
    fleet.addAgent('w-1', { workAfterBeatMs: 1000 });
    await alerts.raise('a1', silent('w-1'));
    await heldBy('a1', 'work_in_flight');
    expect(fleet.restarts).toEqual([]);
    await clock.advance(2000);
    await becomes('a1', 'verifying');
  });

  it('an alert that is over', async () => {
    const { alerts, fleet } = await stage.open(RESTART);
    await stage.watchdog.pause('ann', 'maintenance');
    await alerts.raise('a1', silent('w-1'));
    await heldBy('a1', 'paused');
    await alerts.resolve('a1');
    await becomes('a1', 'cancelled(cancelled)');
    await stage.watchdog.resume('ann');
    expect(fleet.restarts).toEqual([]);
  });
});

describe('after a restart of the process', () => {
  it('verification goes on from the recorded times', async () => {
    const { alerts, fleet, clock } = await stage.open(RESTART);
    await alerts.raise('a1', silent('w-1'));
    await becomes('a1', 'verifying');
    await clock.advance(20_000);
    await stage.restartProcess();
    await clock.advance(10_000);
    await vi.waitFor(() => expect(fleet.restarts).toHaveLength(2), WAIT);
  });

  it('what was raised and resolved while it was away is not missed', async () => {
    const { alerts } = await stage.open(RESTART);
    await alerts.raise('a1', silent('w-1'));
    await becomes('a1', 'verifying');
    await stage.watchdog.stop();
    await alerts.resolve('a1');
    await alerts.raise('a2', silent('w-2'));
    await stage.restartProcess();
    await becomes('a1', 'completed(healed)');
    await becomes('a2', 'verifying');
  });
});

describe('a policy file', () => {
  it.each([
    [RESTART.replace('alertname="Silent"', 'severity=~".*"'), /would match every alert/],
    [RESTART.replace('mode:', 'mod:'), /policy-0\.yaml:4:1: unknown key "mod"; did you mean "mode"\?/],
    [RESTART.replace('kind: agent', 'kind: pool, pool: demo'), /restart does not fit a target of kind pool/],
    [RESTART.replace('within: 30s', 'within: soon'), /"soon" is no duration/],
    [RESTART.replace('within: 30s', 'within: 300000y'), /"300000y" is out of range; at most 292y/],
    [
      SCALE.replace('phase_label: phase_id', 'phase_label: phase_id, pool: demo'),
      /give one of pool, label or phase_label/,
    ],
    [RESTART.replace("'alertname", '\'alertname="" or'), /is no matcher/],
  ])('is refused, and the old ones stay: %#', async (text, message) => {
    await stage.open(RESTART);
    const load = stage.watchdog.policies.load([{ name: 'policy-0.yaml', text }], stage.clock);
    await expect(load).rejects.toThrow(message);
    expect(stage.watchdog.policies.list().map((policy) => policy.name)).toEqual(['restart_it']);
  });
});

it('starts a span for what is on disk, and for nothing else', async () => {
  const { alerts, tracing, watchdog } = await stage.open(RESTART.replace('mode: act', 'mode: observe'));
  await alerts.raise('a1', silent('w-1'));
  await heldBy('a1', 'observe');
  for (let time = 0; time < 5; time++) await watchdog.reconsider();
  await stage.clock.advance(120_000);
  expect(tracing.spans.map(({ name }) => name)).toEqual(['watchdog.remediation']);
  await alerts.resolve('a1');
  await becomes('a1', 'cancelled(cancelled)');
  expect(tracing.spans.filter(({ isEnded }) => !isEnded)).toEqual([]);
});
