import { describe, expect, it } from 'vitest';
import { useDemoStage } from './demo-stage.test-support.ts';
import { becomes, becomesInTime, flood, RESTART, SCALE, silent, stateOf } from './watchdog.test-support.ts';

const never = () => new Promise<void>(() => {});
const stage = useDemoStage();

/** Seconds pass; whoever dies is started again. Returns how often that was. */
async function pass(seconds: number): Promise<number> {
  let deaths = 0;
  for (let second = 0; second < seconds; second++) {
    await stage.clock.advance(1000);
    if (!stage.isDead()) continue;
    deaths++;
    await stage.restartProcess();
  }
  return deaths;
}

async function historyOf(alertId: string): Promise<readonly string[]> {
  const ofIt = (await stage.events()).filter(
    ({ payload }) => 'alert_id' in payload && payload.alert_id === alertId,
  );
  return ofIt.flatMap(({ event_type: type, payload }) => {
    if (!type.startsWith('watchdog')) return [];
    if (type === 'watchdog.remediation.changed') return [`${payload.from} → ${payload.to}`];
    return [type.replace('watchdog.', '').replace('remediation.', '')];
  });
}

const IN_VAIN = [
  'started',
  'executing → verifying',
  'verifying → planned',
  'planned → executing',
  'executing → verifying',
  'escalated',
  'completed',
];

describe('a process that dies', () => {
  /** More than the commits of the whole story, so that the last case has no crash at all. */
  const commits = Array.from({ length: 14 }, (_, index) => index + 1);

  it.each(commits)(
    'after commit %i takes up a repair that has no effect, and does each step once',
    async (count) => {
      const { alerts, fleet } = await stage.open(RESTART);
      stage.killAfterCommits(count);
      await alerts.raise('a1', silent('w-1'));
      await pass(90);
      expect(await stateOf(stage, 'a1')).toBe('escalated(no_effect)');
      expect(fleet.agents.get('w-1')?.generation).toBe(3);
      expect(await historyOf('a1')).toEqual(IN_VAIN);
    },
  );

  it.each(commits)('after commit %i takes up a repair that heals, and its scale override', async (count) => {
    const { alerts, fleet } = await stage.open(SCALE);
    stage.killAfterCommits(count);
    await alerts.raise('a1', flood);
    await pass(5);
    await alerts.resolve('a1');
    await pass(60);
    expect(await stateOf(stage, 'a1')).toBe('completed(healed)');
    expect(await historyOf('a1')).toEqual(['started', 'executing → verifying', 'completed']);
    expect(fleet.overrides.size).toBe(0);
    expect(await stage.database.reader.selectFrom('watchdog_claims').selectAll().execute()).toEqual([]);
  });

  it.each(commits)('after commit %i takes up what a person has approved', async (count) => {
    const { alerts, fleet } = await stage.open(RESTART.replace('mode: act', 'mode: approve'));
    stage.killAfterCommits(count);
    await alerts.raise('a1', silent('w-1'));
    await pass(2);
    const [detail] = await stage.archive.list({ alertId: 'a1', limit: 1 });
    void stage.watchdog.approve(detail?.remediation.id ?? '', 'ann');
    await pass(90);
    // Who died over the answer asks again.
    if ((await stateOf(stage, 'a1')) === 'awaiting_approval') {
      await stage.watchdog.approve(detail?.remediation.id ?? '', 'ann');
      await pass(90);
    }
    expect(await stateOf(stage, 'a1')).toBe('escalated(no_effect)');
    expect(fleet.agents.get('w-1')?.generation).toBe(3);
  });

  it('did die in these stories', async () => {
    const { alerts } = await stage.open(RESTART);
    stage.killAfterCommits(5);
    await alerts.raise('a1', silent('w-1'));
    expect(await pass(90)).toBe(1);
  });

  it.each([
    ['before', 'cancelled(cancelled)', 1],
    ['after', 'completed(healed)', 2],
  ] as const)(
    '%s the restart for an alert that resolves meanwhile leaves %s',
    async (when, state, generation) => {
      const { alerts, fleet } = await stage.open(RESTART);
      fleet[when] = never;
      await alerts.raise('a1', silent('w-1'));
      await becomes(stage, 'a1', 'executing');
      await stage.clock.advance(0);
      stage.kill();
      fleet[when] = () => Promise.resolve();
      await alerts.resolve('a1');
      const orders = fleet.restarts.length;
      await stage.restartProcess();
      await becomes(stage, 'a1', state);
      expect(fleet.restarts).toHaveLength(orders);
      expect(fleet.agents.get('w-1')?.generation).toBe(generation);
    },
  );

  it('after raising a scale override for an alert that resolves meanwhile takes it back in the end', async () => {
    const { alerts, fleet } = await stage.open(SCALE);
    fleet.after = never;
    await alerts.raise('a1', flood);
    await becomes(stage, 'a1', 'executing');
    await stage.clock.advance(0);
    stage.kill();
    fleet.after = () => Promise.resolve();
    await alerts.resolve('a1');
    await stage.restartProcess();
    await becomes(stage, 'a1', 'completed(healed)');
    await pass(40);
    expect(fleet.released).toHaveLength(1);
    expect(fleet.overrides.size).toBe(0);
  });

  it('in each attempt is not followed by attempts without end', async () => {
    const { alerts, fleet } = await stage.open(RESTART);
    let calls = 0;
    fleet.before = async () => {
      calls++;
      stage.kill();
      await never();
    };
    await alerts.raise('a1', silent('w-1'));
    await pass(60);
    expect(await stateOf(stage, 'a1')).toBe('escalated(unknown)');
    expect(calls).toBe(10);
  });

  it('repeats an order with the generation that it was meant for', async () => {
    const { alerts, fleet } = await stage.open(RESTART);
    fleet.before = never;
    await alerts.raise('a1', silent('w-1'));
    await becomes(stage, 'a1', 'executing');
    stage.kill();
    fleet.before = () => Promise.resolve();
    await stage.restartProcess();
    await becomesInTime(stage, 'a1', 'verifying');
    expect(fleet.restarts.map((order) => order.expectedGeneration)).toEqual([1]);
  });

  it.each([
    { step: 'a scale', policy: SCALE, labels: flood },
    { step: 'a restart', policy: RESTART, labels: silent('w-1') },
  ])('for an hour has seen nothing of what became of $step, and looks before it gives it up', async (of) => {
    const { alerts, fleet } = await stage.open(of.policy);
    await alerts.raise('a1', of.labels);
    await becomes(stage, 'a1', 'verifying');
    const orders = fleet.restarts.length;
    stage.kill();
    await stage.clock.advance(3_600_000);
    // As it was before, since nobody was there to evaluate or to hear anything.
    const agent = fleet.agents.get('w-1');
    if (!agent) throw new Error('the stage has w-1');
    fleet.agents.set('w-1', { ...agent, status: 'UNRESPONSIVE' });
    await stage.restartProcess();
    await pass(5);
    expect(await stateOf(stage, 'a1')).toBe('verifying');
    await stage.changeStatus('w-1', { status: 'RUNNING' });
    await alerts.resolve('a1');
    await becomesInTime(stage, 'a1', 'completed(healed)');
    expect(fleet.restarts).toHaveLength(orders);
  });

  it('for an hour gives a step up that has no effect, ten seconds after it came back', async () => {
    const { alerts } = await stage.open(SCALE);
    await alerts.raise('a1', flood);
    await becomes(stage, 'a1', 'verifying');
    stage.kill();
    await stage.clock.advance(3_600_000);
    await stage.restartProcess();
    await pass(9);
    expect(await stateOf(stage, 'a1')).toBe('verifying');
    await pass(2);
    expect(await stateOf(stage, 'a1')).toBe('escalated(no_effect)');
  });
});
