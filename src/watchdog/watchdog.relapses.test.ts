import { describe, expect, it, vi } from 'vitest';
import { useDemoStage } from './demo-stage.test-support.ts';
import { becomesInTime, RESTART, silent, WAIT } from './watchdog.test-support.ts';

const stage = useDemoStage();
const { becomes, heldBy } = stage;

describe('a remediation', () => {
  it('that comes back within the relapse window is no healing: it goes on with the next attempt, then to the guardian', async () => {
    const { alerts, fleet, clock, archive, events } = await stage.open(RESTART);
    for (const alertId of ['a1', 'a2', 'a3']) {
      await alerts.raise(alertId, silent('w-1'));
      await becomesInTime(stage, alertId, 'verifying');
      await alerts.resolve(alertId, 'remediated');
      await becomes(alertId, 'completed(healed)');
      await clock.advance(1000);
    }
    await stage.changeStatus('w-1', { status: 'FAILED' });
    await alerts.raise('a4', silent('w-1'));
    await becomes('a4', 'escalated(no_effect)');
    const rows = (await archive.list({ limit: 10 })).map(({ remediation }) => remediation).toReversed();
    expect(rows.map(({ outcome, attempts, step }) => [outcome, attempts, step])).toEqual([
      ['relapsed', 1, 0],
      ['relapsed', 2, 1],
      ['relapsed', 3, 1],
      ['no_effect', 0, 0],
    ]);
    expect(rows[0]?.reason).toMatch(/; Silent came back on agent w-1$/);
    expect(rows[3]?.reason).toMatch(
      /^3 of 3 attempts did not last; the last one seemed to have worked, and its alert came back: /,
    );
    expect(fleet.restarts).toHaveLength(3);
    const told = (await events()).filter(({ event_type: type }) => type === 'watchdog.escalated');
    expect(told.map(({ payload }) => payload)).toMatchObject([
      { alert_id: 'a4', guardian: 'operators', last_output: 'the last words of w-1' },
    ]);
  });

  it('that comes back within the window is a relapse also where it waited, and somebody restarted the agent meanwhile', async () => {
    const { alerts, clock, archive } = await stage.open(RESTART);
    await alerts.raise('a1', silent('w-1'));
    await becomes('a1', 'verifying');
    await alerts.resolve('a1', 'remediated');
    await becomes('a1', 'completed(healed)');
    await clock.advance(540_000);
    await stage.watchdog.pause('ann', 'I do it myself');
    await alerts.raise('a2', silent('w-1'));
    await heldBy('a2', 'paused');
    await clock.advance(300_000);
    await stage.changeStatus('w-1', { generation: 3, status: 'UNRESPONSIVE' });
    await vi.waitFor(async () => {
      const [waiting] = await archive.list({ alertId: 'a2', limit: 1 });
      expect(waiting?.remediation.generation).toBe(3);
    }, WAIT);
    await stage.watchdog.resume('ann');
    await becomesInTime(stage, 'a2', 'verifying');
    const [again] = await archive.list({ alertId: 'a2', limit: 1 });
    expect(again?.remediation).toMatchObject({ attempts: 2, step: 1 });
  });

  it('of ends that a task explains counts for the agent not at all: no relapse, no cooldown, no attempt', async () => {
    const { alerts, fleet, clock, archive } = await stage.open(RESTART);
    const ends: readonly (string | null)[] = [null, 'poison', 'poison', 'poison', null];
    for (const [at, blamedTaskId] of ends.entries()) {
      await stage.changeStatus('w-1', { status: 'FAILED', blamedTaskId });
      await alerts.raise(`a${at}`, silent('w-1'));
      // Only what counts waits for the cooldown of what counted before.
      if (blamedTaskId === null) await becomesInTime(stage, `a${at}`, 'verifying');
      else await becomes(`a${at}`, 'verifying');
      await stage.changeStatus('w-1', { blamedTaskId: null });
      await alerts.resolve(`a${at}`, 'remediated');
      await becomes(`a${at}`, 'completed(healed)');
      await clock.advance(1000);
    }
    const rows = (await archive.list({ limit: 10 })).map(({ remediation }) => remediation).toReversed();
    expect(rows.map(({ outcome, attempts }) => [outcome, attempts])).toEqual([
      ['relapsed', 1],
      ['healed', 0],
      ['healed', 0],
      ['healed', 0],
      ['healed', 2],
    ]);
    expect(rows[1]?.evidence).toContain('lost with task poison, which others were lost with before');
    expect(fleet.restarts).toHaveLength(5);
  });

  it('of ends that a task turns out to explain only later gives their attempts back', async () => {
    const { alerts, fleet, clock, archive } = await stage.open(RESTART);
    const repair = async (alertId: string): Promise<void> => {
      await stage.changeStatus('w-1', { status: 'FAILED' });
      await alerts.raise(alertId, silent('w-1'));
      await becomesInTime(stage, alertId, 'verifying');
      await alerts.resolve(alertId, 'remediated');
      await becomes(alertId, 'completed(healed)');
      await clock.advance(1000);
    };
    const attempts = async (): Promise<number[]> =>
      (await archive.list({ limit: 10 })).map(({ remediation }) => remediation.attempts).toReversed();
    for (const alertId of ['a1', 'a2', 'a3']) await repair(alertId);
    expect(await attempts()).toEqual([1, 2, 3]);
    // Each repair asked for the generation after the one that had ended.
    await stage.blame('w-1', 2);
    await vi.waitFor(async () => expect(await attempts()).toEqual([1, 0, 2]), WAIT);
    await stage.blame('w-1', 1);
    await vi.waitFor(async () => expect(await attempts()).toEqual([0, 0, 1]), WAIT);
    // Without them the next one would have gone to the guardian.
    await repair('a4');
    await repair('a5');
    expect(await attempts()).toEqual([0, 0, 1, 2, 3]);
    expect(fleet.restarts).toHaveLength(5);
    await stage.blame('w-2', 1);
    await stage.changeStatus('w-1', { status: 'FAILED' });
    await alerts.raise('a6', silent('w-1'));
    await becomes('a6', 'escalated(no_effect)');
  });

  it('under way gets the attempt back of an end that a task turns out to explain', async () => {
    const { alerts, fleet } = await stage.open(`${RESTART}max_attempts: 1\n`);
    await stage.changeStatus('w-1', { status: 'FAILED' });
    await alerts.raise('a1', silent('w-1'));
    await becomes('a1', 'verifying');
    await stage.blame('w-1', 1);
    await vi.waitFor(async () => {
      const [row] = await stage.archive.list({ limit: 1 });
      expect(row?.remediation.attempts).toBe(0);
    }, WAIT);
    await stage.changeStatus('w-1', { status: 'FAILED' });
    await vi.waitFor(async () => {
      await stage.clock.advance(1000);
      expect(fleet.restarts).toHaveLength(2);
    }, WAIT);
    await becomes('a1', 'verifying');
    await stage.changeStatus('w-1', { status: 'FAILED' });
    await becomes('a1', 'escalated(no_effect)');
  });

  it.each([
    ['goes on, where one is to blame', 'poison', 'verifying'],
    ['goes to the guardian, where none is', null, 'escalated(no_effect)'],
  ])(
    'that did not help is given up when it is clear whether a task ended the agent: it %s',
    async (_what, blamedTaskId, state) => {
      const { alerts, fleet, events } = await stage.open(`${RESTART}max_attempts: 1\n`);
      await stage.changeStatus('w-1', { status: 'FAILED' });
      await alerts.raise('a1', silent('w-1'));
      await becomes('a1', 'verifying');
      await stage.changeStatus('w-1', { status: 'FAILED', suspicionLeftMs: 20_000 });
      await becomes('a1', 'planned');
      await stage.clock.advance(10_000);
      expect((await events()).map(({ event_type: type }) => type)).not.toContain('watchdog.escalated');
      await stage.changeStatus('w-1', { suspicionLeftMs: 0, blamedTaskId });
      await becomes('a1', state);
      expect(fleet.restarts).toHaveLength(blamedTaskId === null ? 1 : 2);
    },
  );

  it('that comes back after all attempts is given up when it is clear that no task ended the agent', async () => {
    const { alerts, fleet } = await stage.open(`${RESTART}max_attempts: 1\n`);
    await alerts.raise('a1', silent('w-1'));
    await becomes('a1', 'verifying');
    await alerts.resolve('a1', 'remediated');
    await becomes('a1', 'completed(healed)');
    await stage.changeStatus('w-1', { status: 'FAILED', suspicionLeftMs: 20_000 });
    await alerts.raise('a2', silent('w-1'));
    await becomes('a2', 'planned');
    await stage.clock.advance(10_000);
    await stage.changeStatus('w-1', { suspicionLeftMs: 0 });
    await becomes('a2', 'escalated(no_effect)');
    expect(fleet.restarts).toHaveLength(1);
  });

  it('of a new generation that got the same task repeats its last step as long as the task explains it', async () => {
    const { alerts, fleet, archive } = await stage.open(`${RESTART}max_attempts: 1\n`);
    await stage.changeStatus('w-1', { status: 'FAILED' });
    await alerts.raise('a1', silent('w-1'));
    for (let restarts = 1; restarts <= 4; restarts++) {
      await vi.waitFor(async () => {
        await stage.clock.advance(250);
        expect(fleet.restarts).toHaveLength(restarts);
      }, WAIT);
      await becomes('a1', 'verifying');
      await stage.changeStatus('w-1', { status: 'FAILED', blamedTaskId: restarts < 4 ? 'poison' : null });
    }
    await becomes('a1', 'escalated(no_effect)');
    const [row] = await archive.list({ limit: 10 });
    expect(row?.remediation).toMatchObject({ attempts: 1, step: 3 });
    expect(row?.actions.map(({ id }) => id)).toHaveLength(4);
  });

  it('whose new process ends at once waits for the cooldown before its next step: what it needs may come back', async () => {
    const { alerts, fleet, clock } = await stage.open(RESTART);
    await stage.changeStatus('w-1', { status: 'FAILED' });
    await alerts.raise('a1', silent('w-1'));
    await becomes('a1', 'verifying');
    await stage.changeStatus('w-1', { status: 'FAILED' });
    await heldBy('a1', 'cooldown');
    await clock.advance(59_000);
    expect(fleet.restarts).toHaveLength(1);
    await becomesInTime(stage, 'a1', 'verifying');
    expect(fleet.restarts).toHaveLength(2);
    await alerts.resolve('a1', 'remediated');
    await becomes('a1', 'completed(healed)');
  });

  it('whose new process ends each time repeats its last step up to max_attempts, further and further apart', async () => {
    const { alerts, fleet, clock, events } = await stage.open(RESTART);
    await stage.changeStatus('w-1', { status: 'FAILED' });
    await alerts.raise('a1', silent('w-1'));
    const beganAtMs: number[] = [];
    for (let attempt = 1; attempt <= 3; attempt++) {
      await becomesInTime(stage, 'a1', 'verifying');
      expect(fleet.restarts).toHaveLength(attempt);
      beganAtMs.push(clock.wallMs());
      await stage.changeStatus('w-1', { status: 'FAILED' });
      if (attempt < 3) await becomes('a1', 'planned');
    }
    await becomes('a1', 'escalated(no_effect)');
    const [first = 0, second = 0, third = 0] = beganAtMs;
    expect(second - first).toBeGreaterThanOrEqual(60_000);
    expect(third - second).toBeGreaterThanOrEqual(120_000);
    const told = (await events()).find(({ event_type: type }) => type === 'watchdog.escalated');
    expect(told?.payload).toMatchObject({ alert_id: 'a1', last_output: 'the last words of w-1' });
  });

  it('whose new process is silent goes on with its next step when the time of the first one is over', async () => {
    const { alerts, fleet, clock } = await stage.open(RESTART);
    await alerts.raise('a1', silent('w-1'));
    await becomes('a1', 'verifying');
    await stage.changeStatus('w-1', { status: 'UNRESPONSIVE' });
    await clock.advance(31_000);
    await vi.waitFor(() => expect(fleet.restarts).toHaveLength(2), WAIT);
  });

  it('of an agent that ends again is never called healed, and the guardian gets its last output', async () => {
    const { alerts, events } = await stage.open(RESTART.replaceAll('healthy_for: 0s', 'healthy_for: 10s'));
    for (const alertId of ['a1', 'a2', 'a3']) {
      await alerts.raise(alertId, silent('w-1'));
      await becomesInTime(stage, alertId, 'verifying');
      // The restart itself ends the alert; then the process ends as the one before it did.
      await alerts.resolve(alertId, 'remediated');
      await stage.changeStatus('w-1', { status: 'FAILED' });
      await becomes(alertId, 'completed(no_effect)');
    }
    await alerts.raise('a4', silent('w-1'));
    await becomes('a4', 'escalated(no_effect)');
    const told = (await events()).find(({ event_type: type }) => type === 'watchdog.escalated');
    expect(told?.payload).toMatchObject({ alert_id: 'a4', last_output: 'the last words of w-1' });
  });

  it.each([
    ['recovered', 'no_effect'],
    ['data_vanished', 'unknown'],
  ] as const)(
    'of an agent that ends again before its alert has %s comes to the same: %s',
    async (cause, outcome) => {
      const { alerts } = await stage.open(RESTART);
      await alerts.raise('a1', silent('w-1'));
      await becomes('a1', 'verifying');
      await stage.watchdog.pause('ann', 'looking');
      await stage.changeStatus('w-1', { status: 'FAILED' });
      await heldBy('a1', 'paused');
      await alerts.resolve('a1', cause);
      await becomes('a1', `completed(${outcome})`);
    },
  );

  it('counts attempts of one policy on one agent, whatever ails it: those of two policies are apart', async () => {
    const both = RESTART.replace('alertname="Silent"', 'alertname=~"Silent|Failed"');
    const apart = [RESTART, RESTART.replace('restart_it', 'other').replace('"Silent"', '"Failed"')];
    for (const [policies, attempts] of [
      [[both], [1, 2]],
      [apart, [1, 1]],
    ] as const) {
      const { alerts, archive } = await stage.open(...policies);
      for (const alertname of ['Silent', 'Failed']) {
        await alerts.raise(alertname, { alertname, agent_id: 'w-1' });
        await becomesInTime(stage, alertname, 'verifying');
        await alerts.resolve(alertname, 'remediated');
        await becomes(alertname, 'completed(healed)');
        await stage.changeStatus('w-1', { status: 'FAILED' });
      }
      const rows = (await archive.list({ limit: 10 })).map(({ remediation }) => remediation).toReversed();
      expect(rows.map((row) => row.attempts)).toEqual(attempts);
      if (policies.length === 1) await stage.close();
    }
  });

  it.each([3_600_000, -3_600_000])(
    'keeps cooldown and verification while the wall clock steps by %d ms',
    async (stepMs) => {
      const { alerts, fleet, clock } = await stage.open(RESTART);
      await alerts.raise('a1', silent('w-1'));
      await becomes('a1', 'verifying');
      clock.stepWallClock(stepMs);
      await clock.advance(29_000);
      expect(fleet.restarts).toHaveLength(1);
      await alerts.resolve('a1');
      await becomes('a1', 'completed(healed)');
      clock.stepWallClock(stepMs);
      await stage.restartProcess();
      await alerts.raise('a2', silent('w-1'));
      await heldBy('a2', 'cooldown');
      await clock.advance(59_000);
      expect(fleet.restarts).toHaveLength(1);
      await becomesInTime(stage, 'a2', 'verifying');
      expect(fleet.restarts).toHaveLength(2);
    },
  );

  it.each([3_600_000, -3_600_000])(
    'goes on with the lineage where its last repair left it, while the wall clock steps by %d ms each time',
    async (stepMs) => {
      const { alerts, fleet, clock, archive } = await stage.open(RESTART);
      for (const alertId of ['a1', 'a2', 'a3']) {
        await alerts.raise(alertId, silent('w-1'));
        await becomesInTime(stage, alertId, 'verifying');
        await alerts.resolve(alertId, 'remediated');
        await becomes(alertId, 'completed(healed)');
        clock.stepWallClock(stepMs);
        await clock.advance(1000);
      }
      await alerts.raise('a4', silent('w-1'));
      await becomes('a4', 'escalated(no_effect)');
      const rows = (await archive.list({ limit: 10 })).map(({ remediation }) => remediation);
      const attempts = new Map(rows.map((row) => [row.alert_id, row.attempts]));
      expect(['a1', 'a2', 'a3'].map((alertId) => attempts.get(alertId))).toEqual([1, 2, 3]);
      expect(fleet.restarts).toHaveLength(3);
    },
  );
});
