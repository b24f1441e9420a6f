import { afterEach, describe, expect, it } from 'vitest';
import type { Guard, NewSystemEvent, RemediationOutcome } from '#telemetry';
import {
  openNotificationStage,
  prepared,
  RecordingReceiver,
  testRoute,
  type NotificationStage,
  type TestConfiguration,
  type TestOutlook,
} from '../notification.test-support.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const A = { alertname: 'A', group: 'one' };
const B = { alertname: 'B', group: 'one' };
const HELD = testRoute({
  groupWaitMs: 0,
  omoi: { ...testRoute().omoi, holdForRemediationMs: 60 * SECOND },
});
const acts: TestOutlook = () => ({ acts: true, policy: 'restart_it', target: 'agent:w-1', heldBy: null });

let stage: NotificationStage;
afterEach(() => stage.close());

async function open(configuration: TestConfiguration = {}): Promise<RecordingReceiver> {
  const team = new RecordingReceiver();
  stage = await openNotificationStage({
    route: HELD,
    receivers: { team: [team] },
    outlookOf: acts,
    ...configuration,
  });
  return team;
}

const pass = (ms: number): Promise<void> => stage.clock.advance(ms);

const ref = (alertId: string) => ({
  remediation_id: `r-${alertId}`,
  policy: 'restart_it',
  alert_id: alertId,
  target: 'agent:w-1',
});
const about = { entity_type: 'remediation', entity_id: 'r', traceparent: null };

const started = (alertId: string): NewSystemEvent => ({
  event_type: 'watchdog.remediation.started',
  ...about,
  payload: { ...ref(alertId), step: 'restart' },
});

const ended = (alertId: string, outcome: RemediationOutcome): NewSystemEvent => ({
  event_type: 'watchdog.remediation.completed',
  ...about,
  payload: { ...ref(alertId), outcome, duration_ms: 2140 },
});

function suppressed(alertId: string, guard: Guard, untilMs: number | null): NewSystemEvent {
  const until = untilMs === null ? null : new Date(untilMs).toISOString();
  const { remediation_id: _, ...payload } = ref(alertId);
  return {
    event_type: 'watchdog.remediation.suppressed',
    ...about,
    payload: { ...payload, guard, reason: 'so it is', until },
  };
}

async function holdDecisions(alertId: string): Promise<readonly string[]> {
  await stage.notification.decisions.settled();
  const { decisions } = await stage.notification.decisions.list(alertId);
  return decisions.flatMap((one) => (one.stage === 'hold' ? `${one.decision}: ${one.reason}` : []));
}

async function healedEvents(): Promise<readonly unknown[]> {
  const events = await stage.events();
  return events.flatMap((event) =>
    event.event_type === 'notification.held_and_healed' ? event.payload : [],
  );
}

const rows = () => stage.database.reader.selectFrom('notification_holds').selectAll().execute();

const waits = (alertId: string): readonly string[] =>
  stage.notification.waitsOf(alertId).map(({ stage: stageName, untilMs, reason }) => {
    const inMs = (untilMs ?? 0) - stage.clock.wallMs();
    return `${stageName} ${Math.round(inMs / SECOND)}s: ${reason.replace(/until \S+Z/, 'until then')}`;
  });

describe('what an alert whose repair is under way waits for', () => {
  it.each([0, 30])('is the verdict, whatever its group waits for: group_wait %is', async (groupWait) => {
    await open({ route: { ...HELD, groupWaitMs: groupWait * SECOND } });
    await stage.alerts.fire({ a: A });
    await pass(SECOND);
    expect(waits('a')).toEqual(['hold 59s: held until then, while restart_it works on agent:w-1']);
    await stage.tell(started('a'), ended('a', 'healed'));
    await pass(SECOND);
    expect(waits('a')).toEqual(['hold 58s: waits until then for its end: healed by restart in 2.1 s']);
    await pass(59 * SECOND);
    expect(waits('a').join()).toMatch(/^(group_interval|repeat_interval) /);
  });

  it('is its group again once the repair has failed, and nothing where nothing holds it back', async () => {
    await open({ route: { ...HELD, groupWaitMs: 0, groupIntervalMs: 5 * MINUTE } });
    await stage.alerts.fire({ a: A });
    await pass(SECOND);
    await stage.tell(started('a'), ended('a', 'failed'));
    await pass(SECOND);
    expect(waits('a').join()).toMatch(/^repeat_interval /);
    await stage.alerts.resolve('a');
    await pass(0);
    expect(waits('a').join()).toMatch(/^group_interval /);
  });
});

describe('an alert whose repair is under way', () => {
  it('is held back, and nobody is told once it is healed; the event says what was done', async () => {
    const team = await open();
    await stage.alerts.fire({ a: A });
    await pass(SECOND);
    await stage.tell(started('a'));
    await pass(SECOND);
    await stage.alerts.resolve('a');
    await pass(SECOND);
    expect(team.take()).toEqual([]);
    expect(await healedEvents()).toEqual([]);
    await stage.tell(ended('a', 'healed'));
    await pass(10 * MINUTE);
    expect(team.take()).toEqual([]);
    expect(await healedEvents()).toEqual([
      {
        alert_id: 'a',
        severity: '',
        labels: A,
        policy: 'restart_it',
        target: 'agent:w-1',
        summary: 'healed by restart in 2.1 s',
        receivers: ['team'],
      },
    ]);
    expect((await holdDecisions('a')).slice(1)).toEqual(['healed: healed by restart in 2.1 s']);
    expect([...stage.notification.dispatcher.groups()]).toEqual([]);
    expect(await rows()).toEqual([]);
  });

  it('is healed as well where the verdict comes before the alert is over', async () => {
    const team = await open();
    await stage.alerts.fire({ a: A });
    await stage.tell(started('a'), ended('a', 'healed'));
    await pass(10 * SECOND);
    expect(await healedEvents()).toEqual([]);
    await stage.alerts.resolve('a');
    await pass(10 * MINUTE);
    expect(team.take()).toEqual([]);
    expect(await healedEvents()).toHaveLength(1);
  });

  it.each([
    ['after it was over', ['resolve', 'heal']],
    ['before it was over', ['heal', 'resolve']],
    ['before it was over, with a restart in between', ['heal', 'restart', 'resolve']],
  ] as const)('is said to be healed once, where the verdict comes %s', async (_, steps) => {
    await open();
    await stage.alerts.fire({ a: A });
    await stage.tell(started('a'));
    await pass(SECOND);
    for (const step of steps) {
      if (step === 'resolve') await stage.alerts.resolve('a');
      else if (step === 'heal') await stage.tell(ended('a', 'healed'));
      else await stage.restart();
      await pass(SECOND);
    }
    await pass(10 * MINUTE);
    const said = await holdDecisions('a');
    const healed = 'healed: healed by restart in 2.1 s';
    expect([said.filter((one) => one.startsWith('healed')), said.at(-1)]).toEqual([[healed], healed]);
  });

  it('is told of at once when it is not healed, without waiting for group_interval', async () => {
    const team = await open({ route: { ...HELD, groupIntervalMs: 10 * MINUTE } });
    await stage.alerts.fire({ a: A });
    await pass(SECOND);
    await stage.tell(started('a'));
    await pass(SECOND);
    expect(team.take()).toEqual([]);
    await stage.tell(ended('a', 'no_effect'));
    await pass(0);
    expect(team.take()).toEqual(['not_healed +a']);
    expect(await holdDecisions('a')).toContain('released: tried restart; restart_it has ended: no effect');
    await stage.alerts.resolve('a');
    await pass(11 * MINUTE);
    expect(team.take()).toEqual(['all_resolved -a']);
  });

  it('is told of at the deadline, and of its end afterwards, whoever healed it then', async () => {
    const team = await open({ route: { ...HELD, groupIntervalMs: 10 * MINUTE } });
    await stage.alerts.fire({ a: A });
    await stage.tell(started('a'));
    await pass(59 * SECOND);
    expect(team.take()).toEqual([]);
    await pass(SECOND);
    expect(team.take()).toEqual(['not_healed +a']);
    await stage.alerts.resolve('a');
    await stage.tell(ended('a', 'healed'));
    await pass(11 * MINUTE);
    expect(team.take()).toEqual(['all_resolved -a']);
    expect(await healedEvents()).toEqual([]);
    expect(await rows()).toEqual([]);
  });

  it('that is over without a verdict stays until there is one, and is told of where nothing was done', async () => {
    const team = await open();
    await stage.alerts.fire({ a: A });
    await pass(SECOND);
    await stage.alerts.resolve('a');
    await pass(30 * SECOND);
    expect(team.take()).toEqual([]);
    await stage.tell(ended('a', 'cancelled'));
    await pass(0);
    expect(team.take()).toEqual(['brief -a']);
  });

  it('keeps no other alert of its group back', async () => {
    const team = await open({
      outlookOf: (id) => (id === 'a' ? acts(id) : { acts: false, reason: 'no policy is for it' }),
    });
    await stage.alerts.fire({ a: A, b: B });
    await pass(SECOND);
    expect(team.take()).toEqual(['first_notification +b']);
    await stage.tell(started('a'), ended('a', 'failed'));
    await pass(0);
    expect(team.take()).toEqual(['not_healed +b +a']);
    expect(await holdDecisions('b')).toEqual(['not held: no policy is for it']);
  });
});

describe('two alerts of one group that are held back', () => {
  it('are told of apart, where one is not healed and the other is', async () => {
    const team = await open({ route: { ...HELD, groupIntervalMs: 10 * MINUTE } });
    await stage.alerts.fire({ a: A, b: B });
    await stage.tell(started('a'), started('b'));
    await pass(SECOND);
    await stage.tell(ended('a', 'no_effect'));
    await pass(SECOND);
    expect(team.take()).toEqual(['not_healed +a']);
    await stage.alerts.resolve('b');
    await stage.tell(ended('b', 'healed'));
    await pass(11 * MINUTE);
    expect(team.take()).toEqual([]);
    await stage.alerts.resolve('a');
    await pass(11 * MINUTE);
    expect(team.take()).toEqual(['all_resolved -a']);
    expect(await healedEvents()).toMatchObject([{ alert_id: 'b' }]);
  });

  it.each([
    ['group_wait, and not for the interval of a group of which nobody was told', 20 * SECOND, 'error'],
    ['no longer where it is critical', 2 * SECOND, 'critical'],
  ])('keep another one waiting for %s', async (_, groupWaitMs, severity) => {
    const team = await open({
      route: { ...HELD, groupWaitMs, groupIntervalMs: 10 * MINUTE },
      outlookOf: (id) => (id === 'c' ? { acts: false, reason: 'no policy is for it' } : acts(id)),
    });
    await stage.alerts.fire({ a: A, b: B });
    await stage.tell(started('a'), started('b'));
    await pass(groupWaitMs + SECOND);
    await stage.alerts.fire({ c: { ...A, severity } });
    await pass(groupWaitMs - 1);
    expect(team.take()).toEqual([]);
    await pass(1);
    expect(team.take()).toEqual(['first_notification +c']);
    // From here on there is something that was told: what comes now waits for the interval.
    await stage.alerts.fire({ d: { ...A, severity: 'critical', part: 'd' } });
    await pass(SECOND);
    expect(team.take()).toEqual([]);
    await stage.alerts.resolve('a', 'b');
    await stage.tell(ended('a', 'healed'), ended('b', 'healed'));
    await pass(11 * MINUTE);
    expect(team.take()).toEqual(['new_alerts +c +d']);
  });
});

describe('a reload during a hold', () => {
  const holdFor = (seconds: number | null) =>
    testRoute({
      groupWaitMs: 0,
      omoi: { ...testRoute().omoi, holdForRemediationMs: seconds === null ? null : seconds * SECOND },
    });

  it.each([
    ['takes the hold out', null, SECOND],
    ['shortens it', 3, 3 * SECOND],
  ])('that %s pages then, and claims no page that was spared', async (_, seconds, afterMs) => {
    const team = await open();
    await stage.alerts.fire({ a: A });
    await stage.tell(started('a'));
    await pass(SECOND);
    expect(team.take()).toEqual([]);
    await stage.notification.take(prepared({ route: holdFor(seconds), receivers: { team: [team] } }));
    await pass(afterMs);
    expect(team.take()).toEqual(['not_healed +a']);
    await stage.alerts.resolve('a');
    await stage.tell(ended('a', 'healed'));
    await pass(10 * MINUTE);
    expect(team.take()).toEqual(['all_resolved -a']);
    expect(await healedEvents()).toEqual([]);
  });

  it('that lengthens it keeps nobody waiting for longer than was promised', async () => {
    const team = await open();
    await stage.alerts.fire({ a: A });
    await stage.tell(started('a'));
    await pass(SECOND);
    await stage.notification.take(prepared({ route: holdFor(600), receivers: { team: [team] } }));
    await pass(58 * SECOND);
    expect(team.take()).toEqual([]);
    await pass(SECOND);
    expect(team.take()).toEqual(['not_healed +a']);
  });
});

describe('people are told at once', () => {
  it.each<readonly [string, ReturnType<TestOutlook>]>([
    ['no policy acts', { acts: false, reason: 'the policy x only observes' }],
    [
      'a guard holds the repair back for an unknown time',
      {
        acts: true,
        policy: 'restart_it',
        target: 'agent:w-1',
        heldBy: { suppressed: 'storm', reason: 'storm', untilMs: null },
      },
    ],
    [
      'a guard holds it back beyond the deadline',
      {
        acts: true,
        policy: 'restart_it',
        target: 'agent:w-1',
        heldBy: { suppressed: 'cooldown', reason: 'cooldown', untilMs: Date.parse('2100-01-01') },
      },
    ],
  ])('where %s', async (_name, outlook) => {
    const team = await open({ outlookOf: () => outlook });
    await stage.alerts.fire({ a: A });
    await pass(0);
    expect(team.take()).toEqual(['first_notification +a']);
    expect((await holdDecisions('a')).join()).toMatch(/^not held: /);
    expect(await rows()).toEqual([]);
  });

  it('of a critical alert, but where its route says so', async () => {
    const critical = { ...A, severity: 'critical' };
    const team = await open();
    await stage.alerts.fire({ a: critical });
    await pass(0);
    expect(team.take()).toEqual(['first_notification +a']);
    await stage.close();
    const patient = await open({ route: { ...HELD, omoi: { ...HELD.omoi, holdCritical: true } } });
    await stage.alerts.fire({ a: critical });
    await pass(30 * SECOND);
    expect(patient.take()).toEqual([]);
  });

  it.each<readonly [string, NewSystemEvent]>([
    [
      'the policy asks for approval',
      {
        event_type: 'watchdog.remediation.changed',
        ...about,
        payload: { ...ref('a'), from: 'planned', to: 'awaiting_approval', step: null },
      },
    ],
    ['the watchdog is paused', suppressed('a', 'paused', null)],
    ['a cooldown lasts longer', suppressed('a', 'cooldown', Date.parse('2100-01-01'))],
    ['what was healed before has come back', ended('an earlier one', 'relapsed')],
    [
      'the guardian has it',
      {
        event_type: 'watchdog.escalated',
        ...about,
        payload: {
          alert_id: 'a',
          policy: 'restart_it',
          target: 'agent:w-1',
          guardian: 'operators',
          reason: '3 of 3 attempts did not last',
        },
      },
    ],
  ])('when %s', async (_name, event) => {
    const team = await open({ route: { ...HELD, groupIntervalMs: 10 * MINUTE } });
    await stage.alerts.fire({ a: A });
    await pass(SECOND);
    expect(team.take()).toEqual([]);
    await stage.tell(event);
    await pass(0);
    expect(team.take()).toEqual(['first_notification +a']);
  });

  it('but not for a guard that lifts in time, nor for what another policy says', async () => {
    const team = await open();
    await stage.alerts.fire({ a: A });
    await pass(SECOND);
    const other = suppressed('a', 'observe', null);
    await stage.tell(
      suppressed('a', 'repair_rate', stage.clock.wallMs() + 5 * SECOND),
      suppressed('a', 'max_parallel', null),
      { ...other, payload: { ...other.payload, policy: 'another' } } as NewSystemEvent,
    );
    await pass(30 * SECOND);
    expect(team.take()).toEqual([]);
  });
});

describe('the deadline', () => {
  it.each([
    ['an hour ago', -60],
    ['in an hour', 60],
  ])(
    'counts from when it was told of here, where who posts the alert says that it began %s',
    async (_, minutes) => {
      const team = await open();
      const startsAtMs = stage.clock.wallMs() + minutes * MINUTE;
      await stage.alerts.fire({ a: A }, { startsAtMs });
      await stage.tell(started('a'));
      await pass(50 * SECOND);
      // From here on it is read from its row.
      await stage.restart();
      await pass(5 * SECOND);
      expect(team.take()).toEqual([]);
      await pass(6 * SECOND);
      expect(team.take()).toEqual(['not_healed +a']);
    },
  );

  it('comes when the wall clock is set back, too', async () => {
    const team = await open();
    await stage.alerts.fire({ a: A });
    await stage.tell(started('a'));
    await pass(SECOND);
    stage.clock.stepWallClock(-5 * 60 * MINUTE);
    await pass(MINUTE);
    expect(team.take()).toEqual(['not_healed +a']);
  });
});

describe('a restart in the middle of a hold', () => {
  it('holds on, and takes the verdict that came meanwhile', async () => {
    const team = await open();
    await stage.alerts.fire({ a: A, b: B });
    await stage.tell(started('a'), started('b'));
    await pass(SECOND);
    await stage.restart();
    await pass(10 * SECOND);
    expect(team.take()).toEqual([]);
    stage.killAfterCommits(0);
    await stage.alerts.resolve('a');
    await stage.tell(ended('a', 'healed'), ended('b', 'no_effect'));
    await stage.revive();
    await pass(SECOND);
    expect(team.take()).toEqual(['not_healed +b']);
    expect(await healedEvents()).toHaveLength(1);
  });

  it('tells at the deadline where the verdict never comes', async () => {
    const team = await open();
    await stage.alerts.fire({ a: A });
    await stage.tell(started('a'));
    await pass(SECOND);
    stage.killAfterCommits(0);
    await stage.revive();
    await pass(50 * SECOND);
    expect(team.take()).toEqual([]);
    await pass(10 * SECOND);
    expect(team.take()).toEqual(['not_healed +a']);
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
    'a kill after %d commits loses no page and tells no healing twice',
    async (commits) => {
      const team = await open();
      // The event log knows how far it has come.
      await pass(SECOND);
      stage.killAfterCommits(commits);
      await stage.alerts.fire({ a: A, b: B });
      await pass(SECOND);
      if (stage.isDead) await stage.revive();
      await stage.tell(started('a'), started('b'));
      await pass(SECOND);
      if (stage.isDead) await stage.revive();
      await stage.alerts.resolve('a');
      await stage.tell(ended('a', 'healed'), ended('b', 'worsened'));
      await pass(SECOND);
      if (stage.isDead) await stage.revive();
      stage.killAfterCommits(Infinity);
      await pass(10 * MINUTE);
      const told = team.take();
      expect(told.filter((one) => one.includes('+b'))).not.toEqual([]);
      expect(told.join()).not.toContain('+a');
      expect((await healedEvents()).length).toBeLessThanOrEqual(1);
    },
  );
});
