import { describe, expect, it } from 'vitest';
import type { EventPayload, SystemEvent } from '#telemetry';
import { useDemoStage } from './demo-stage.test-support.ts';
import type { Outlook } from './remediations/outlook.ts';
import { becomesInTime, flood, RESTART, SCALE, silent } from './watchdog.test-support.ts';

const stage = useDemoStage();
const { becomes } = stage;

type Triggered = Extract<SystemEvent, { event_type: 'monitor.alert.triggered' }>;

function outlookOf(labels: EventPayload<'monitor.alert.triggered'>['labels'], alertId = 'a1'): Outlook {
  const event: Triggered = {
    id: 1,
    at: '2026-11-30T12:00:00.000Z',
    event_type: 'monitor.alert.triggered',
    entity_type: 'alert',
    entity_id: alertId,
    payload: {
      alert_id: alertId,
      rule_id: 'g/r',
      severity: 'error',
      metric_name: null,
      current_value: 1,
      threshold: null,
      labels,
    },
    traceparent: null,
  };
  return stage.watchdog.outlookOf(event);
}

const ACTS = { acts: true, policy: 'restart_it', target: 'agent:w-1', heldBy: null };

describe('what the watchdog is about to do about an alert', () => {
  it('is what a policy in mode act says of its target', async () => {
    await stage.open(RESTART, SCALE);
    expect(outlookOf(silent('w-1'))).toEqual(ACTS);
    expect(outlookOf(flood)).toEqual({ ...ACTS, policy: 'scale_it', target: 'pool:demo' });
  });

  it.each<readonly [string, string, Readonly<Record<string, string>>, string]>([
    ['no policy is for it', RESTART, { alertname: 'Other' }, 'no policy is for it'],
    [
      'the policy only observes',
      RESTART.replace('mode: act', 'mode: observe'),
      silent('w-1'),
      'the policy restart_it: the policy only observes; set its mode to act',
    ],
    [
      'the policy asks first',
      RESTART.replace('mode: act', 'mode: approve'),
      silent('w-1'),
      'the policy restart_it asks for approval first',
    ],
    [
      'its target is unknown',
      RESTART,
      silent('nobody'),
      'the policy restart_it cannot act: agent nobody is unknown',
    ],
  ])('is nothing where %s', async (_name, policy, labels, reason) => {
    await stage.open(policy);
    expect(outlookOf(labels)).toEqual({ acts: false, reason });
  });

  it('is nothing for an agent that Omoi did not start', async () => {
    await stage.open(RESTART);
    stage.fleet.addAgent('w-9', { managed: false });
    expect(outlookOf(silent('w-9'))).toMatchObject({ acts: false });
  });

  it('names what holds it back', async () => {
    await stage.open(RESTART);
    await stage.watchdog.pause('ann', 'a look');
    expect(outlookOf(silent('w-1'))).toMatchObject({
      acts: true,
      heldBy: { suppressed: 'paused', untilMs: null },
    });
    await stage.watchdog.resume('ann');
    stage.distrust('a stranger has posted it');
    expect(outlookOf(silent('w-1'))).toMatchObject({ acts: true, heldBy: { suppressed: 'not_authorized' } });
  });

  it('goes on while the remediation of the alert is at work', async () => {
    await stage.open(RESTART);
    await stage.alerts.raise('a1', silent('w-1'));
    await becomes('a1', 'verifying');
    expect(outlookOf(silent('w-1'))).toEqual(ACTS);
    // Another alert about the same agent waits for it.
    expect(outlookOf(silent('w-1'), 'a2')).toMatchObject({
      acts: true,
      heldBy: { suppressed: 'one_per_target' },
    });
  });
});

describe('why a policy does not act by itself', () => {
  it.each<readonly [string, string, string | null]>([
    ['act', 'restart_it', null],
    ['approve', 'restart_it', 'the policy restart_it asks for approval first'],
    ['observe', 'restart_it', 'the policy restart_it only observes'],
    ['act', 'other', 'the policy other is not in force any more'],
  ])('in mode %s, of %s, is %s', async (mode, name, why) => {
    await stage.open(RESTART.replace('mode: act', `mode: ${mode}`));
    expect(stage.watchdog.whyNotActing(name)).toBe(why);
  });

  it('is told of when policies are taken over', async () => {
    await stage.open(RESTART);
    const told: (string | null)[] = [];
    const subscription = stage.watchdog.policies.onReplaced(() =>
      told.push(stage.watchdog.whyNotActing('restart_it')),
    );
    const text = RESTART.replace('mode: act', 'mode: approve');
    const prepared = await stage.watchdog.preparePolicies([{ name: 'p.yaml', text }]);
    expect(told).toEqual([]);
    prepared.takeOver();
    expect(told).toEqual(['the policy restart_it asks for approval first']);
    subscription.stop();
    prepared.takeOver();
    expect(told).toHaveLength(1);
  });
});

describe('what keeps policies from a remediation of an alert', () => {
  /** The guard, or the reason where it is none, for each policy of an alert that fires. */
  const withheldFrom = async (alertId = 'a1') =>
    (await stage.watchdog.withheldFrom(alertId)).map(({ guard, reason }) => guard ?? reason);

  it('is nothing while one is open, and of an alert that is over', async () => {
    await stage.open(RESTART);
    await stage.watchdog.pause('ann', 'a look');
    await stage.alerts.raise('a1', silent('w-1'));
    await becomes('a1', 'planned');
    expect(await withheldFrom()).toEqual([]);
    await stage.alerts.resolve('a1');
    expect(await withheldFrom()).toEqual([]);
    expect(await withheldFrom('unknown')).toEqual([]);
  });

  it('is that Omoi did not start the agent, whatever else would hold it back', async () => {
    await stage.open(RESTART);
    stage.fleet.addAgent('w-9', { managed: false });
    await stage.watchdog.pause('ann', 'a look');
    await stage.alerts.raise('a1', silent('w-9'));
    expect(await stage.watchdog.withheldFrom('a1')).toEqual([
      {
        policy: 'restart_it',
        guard: 'not_managed',
        reason: expect.stringContaining('cannot restart agent w-9: it is external'),
        untilMs: null,
      },
    ]);
  });

  it('is that there is nothing to act on', async () => {
    await stage.open(RESTART);
    await stage.alerts.raise('a1', silent('nobody'));
    expect(await withheldFrom()).toEqual(['agent nobody is unknown']);
  });

  it('is that too many are open', async () => {
    await stage.openEmpty([RESTART], { maxOpenRemediations: 1 });
    for (const id of ['w-1', 'w-2']) stage.fleet.addAgent(id);
    await stage.watchdog.pause('ann', 'a look');
    await stage.alerts.raise('a1', silent('w-1'));
    await becomes('a1', 'planned');
    await stage.alerts.raise('a2', silent('w-2'));
    expect(await withheldFrom('a2')).toEqual(['1 remediations are open (maxOpenRemediations)']);
  });

  it('is what holds it back that is not planned yet, where the watchdog is behind', async () => {
    await stage.open(RESTART);
    stage.alerts.begin('a1', silent('w-1'));
    expect(await withheldFrom()).toEqual([]);
    stage.distrust('a stranger has posted it');
    expect(await withheldFrom()).toEqual(['not_authorized']);
    await stage.watchdog.pause('ann', 'a look');
    expect(await withheldFrom()).toEqual(['paused']);
  });
});

describe('what was done about an alert, in a line', () => {
  it('says what is under way, and what came of it', async () => {
    await stage.open(RESTART);
    const line = async () => (await stage.archive.linesOf(['a1', 'unknown'])).get('a1');
    await stage.alerts.raise('a1', silent('w-1'));
    await becomes('a1', 'verifying');
    expect(await line()).toBe('restart_it on agent:w-1: restart is under way');
    await stage.clock.advance(2100);
    await stage.alerts.resolve('a1', 'remediated');
    await becomes('a1', 'completed(healed)');
    expect(await line()).toBe('restart_it on agent:w-1: healed by restart in 2.1 s');
  });

  it('says what was tried, and who has it now', async () => {
    await stage.open(RESTART);
    await stage.alerts.raise('a1', silent('w-1'));
    await becomesInTime(stage, 'a1', 'escalated(no_effect)');
    expect((await stage.archive.linesOf(['a1'])).get('a1')).toBe(
      'restart_it on agent:w-1: tried restart, then restart: no effect; operators have to take over',
    );
  });
});
