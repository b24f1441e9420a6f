import { describe, expect, it } from 'vitest';
import type { NewSystemEvent } from '#telemetry';
import type { Escalation } from '../configuration/omoi-settings.ts';
import {
  failed,
  openNotificationStage,
  prepared,
  RecordingReceiver,
  useTestNotification,
  type TestConfiguration,
} from '../notification.test-support.ts';
import { A, B, ladderRoute } from './escalation.test-support.ts';
import type { Delivery } from '../receivers/integration.ts';
import { TimeIntervals } from '../routing/time-intervals.ts';
import type { MuteStage } from '../stages/mute-stage.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const LADDER: Escalation = {
  steps: [
    { afterMs: 10 * MINUTE, receiver: 'pager', severity: null },
    { afterMs: 20 * MINUTE, receiver: null, severity: 'critical' },
  ],
  repeats: 0,
  during: null,
};

const test = useTestNotification();
let team: RecordingReceiver;
let pager: RecordingReceiver;

async function open(
  ladder: Partial<Escalation> = {},
  configuration: Partial<TestConfiguration> = {},
): Promise<void> {
  team = new RecordingReceiver();
  pager = new RecordingReceiver();
  test.stage = await openNotificationStage({
    route: ladderRoute,
    receivers: { team: [team], pager: [pager] },
    escalations: { page: { ...LADDER, ...ladder } },
    ...configuration,
  });
}

const pass = (ms: number): Promise<void> => test.stage.clock.advance(ms);

async function told(): Promise<readonly string[]> {
  await test.stage.notification.decisions.settled();
  const { decisions } = await test.stage.notification.decisions.list('a');
  return decisions.flatMap((one) => (one.stage === 'escalation' ? `${one.decision}: ${one.reason}` : []));
}

const rows = () => test.stage.database.reader.selectFrom('notification_escalations').selectAll().execute();

it('climbs with thousands of its group at once', async () => {
  await open({}, { route: { ...ladderRoute, groupWaitMs: 30 * SECOND } });
  const all = Array.from({ length: 3_000 }, (_, at) => [`a${at}`, { ...A, at: String(at) }] as const);
  await test.stage.alerts.fire(Object.fromEntries(all));
  for (let seconds = 0; seconds < 32; seconds++) await pass(SECOND);
  expect(team.messages.map(({ alerts, truncatedAlerts: more }) => alerts.length + more)).toEqual([3_000]);
  expect(await rows()).toHaveLength(3_000);
});

describe('an alert that nobody acknowledges', () => {
  it('climbs its ladder step by step: the next receiver, then louder; all who were told hear of the end', async () => {
    await open();
    await test.stage.alerts.fire({ a: A });
    await pass(SECOND);
    expect(team.take()).toEqual(['first_notification +a']);
    await pass(10 * MINUTE - 2 * SECOND);
    expect(pager.take()).toEqual([]);
    await pass(2 * SECOND);
    expect(pager.messages[0]).toMatchObject({
      receiver: 'pager',
      note: 'Escalation page, step 1 of 2: nobody has acknowledged for 10m.',
      alerts: [{ labels: { severity: 'warning' } }],
    });
    expect(pager.take()).toEqual(['escalation +a']);
    expect(team.take()).toEqual([]);
    await pass(10 * MINUTE);
    expect(team.messages[0]?.alerts[0]?.labels).toEqual({ ...A, severity: 'critical' });
    expect(team.take()).toEqual(['escalation +a']);
    await pass(2 * 60 * MINUTE);
    expect([...team.take(), ...pager.take()]).toEqual([]);
    await test.stage.alerts.resolve('a');
    await pass(2 * MINUTE);
    expect(pager.take()).toEqual(['all_resolved -a']);
    expect(team.take().toSorted()).toEqual(['all_resolved -a', 'all_resolved -a']);
    expect(await rows()).toEqual([]);
    expect(await told()).toEqual([
      'escalated: step 1 of 2 of page: to pager',
      'escalated: step 2 of 2 of page: to team, as critical; that was the last step',
    ]);
    const events = await test.stage.events();
    expect(
      events.flatMap((event) => (event.event_type === 'notification.escalated' ? event.payload : [])),
    ).toMatchObject([
      { escalation: 'page', step: 1, round: 1, receiver: 'pager', severity: null, alert_ids: ['a'] },
      { step: 2, receiver: 'team', severity: 'critical', alerts: 1 },
    ]);
  });

  it('goes through all steps again as often as the ladder says', async () => {
    await open({ repeats: 2 });
    await test.stage.alerts.fire({ a: A });
    await pass(3 * 60 * MINUTE);
    expect(pager.take()).toEqual(['escalation +a', 'escalation +a', 'escalation +a']);
  });

  it('is told together with the others of its group that take the same step', async () => {
    await open();
    await test.stage.alerts.fire({ a: A, b: B });
    await pass(11 * MINUTE);
    expect(pager.take()).toEqual(['escalation +a +b']);
    await test.stage.alerts.resolve('a');
    await pass(MINUTE);
    expect(pager.take()).toEqual(['new_resolved -a +b']);
    await test.stage.alerts.resolve('b');
    await pass(MINUTE);
    expect(pager.take()).toEqual(['all_resolved -b']);
  });
});

describe('a ladder ends', () => {
  it('when somebody acknowledges; who was told by it hears of the end all the same', async () => {
    await open();
    await test.stage.alerts.fire({ a: A, b: B });
    await pass(11 * MINUTE);
    pager.take();
    await test.stage.alerts.acknowledge('a');
    await pass(10 * MINUTE);
    expect(team.take().at(-1)).toBe('escalation +b');
    expect((await told()).at(-1)).toBe('stopped: acknowledged by ann');
    await test.stage.alerts.resolve('a');
    await pass(MINUTE);
    expect(pager.take()).toEqual(['new_resolved -a +b']);
  });

  it('when the alert is over before anybody else was told', async () => {
    await open();
    await test.stage.alerts.fire({ a: A });
    await pass(5 * MINUTE);
    await test.stage.alerts.resolve('a');
    await pass(60 * MINUTE);
    expect(pager.take()).toEqual([]);
    expect(await rows()).toEqual([]);
  });

  it('while it is snoozed, and begins anew afterwards', async () => {
    await open();
    await test.stage.alerts.fire({ a: A });
    await pass(MINUTE);
    const ref = { alert_id: 'a', rule_id: 'g/r', severity: 'warning', labels: A };
    const about = { entity_type: 'alert', entity_id: 'a', traceparent: null };
    const until = new Date(test.stage.clock.wallMs() + 60 * MINUTE).toISOString();
    const snoozed: NewSystemEvent = {
      event_type: 'monitor.alert.snoozed',
      ...about,
      payload: { ...ref, snoozed_by: 'ann', until },
    };
    await test.stage.tell(snoozed);
    await pass(60 * MINUTE);
    expect(pager.take()).toEqual([]);
    await test.stage.tell({
      event_type: 'monitor.alert.unsnoozed',
      ...about,
      payload: { ...ref, unsnoozed_by: null },
    });
    await pass(9 * MINUTE);
    expect(pager.take()).toEqual([]);
    await pass(2 * MINUTE);
    expect(pager.take()).toEqual(['escalation +a']);
  });
});

describe('a step waits', () => {
  it('for working hours', async () => {
    // The virtual clock begins at 00:00 UTC of a day.
    const office = {
      times: [{ fromMinute: 9 * 60, toMinute: 17 * 60 }],
      daysOfMonth: null,
      months: null,
      weekdays: null,
      years: null,
      location: 'UTC',
    };
    await open({ during: 'office' }, { intervals: new TimeIntervals(new Map([['office', [office]]])) });
    const toMidnightMs = 24 * 60 * MINUTE - (test.stage.clock.wallMs() % (24 * 60 * MINUTE));
    await pass(toMidnightMs);
    await test.stage.alerts.fire({ a: A });
    await pass(9 * 60 * MINUTE - SECOND);
    expect(pager.take()).toEqual([]);
    expect(await told()).toEqual(['waits: it is outside office']);
    await pass(MINUTE + SECOND);
    expect(pager.take()).toEqual(['escalation +a']);
    // The next one has as much time as if the first had been on time.
    team.take();
    await pass(9 * MINUTE - 2 * SECOND);
    expect(team.take()).toEqual([]);
    await pass(2 * MINUTE);
    expect(team.take()).toEqual(['escalation +a']);
  });

  it('while the alert is kept back', async () => {
    const muted = new Set<string>();
    const silence: MuteStage = {
      judge: ({ alertId }) => (muted.has(alertId) ? { stage: 'silence', reason: 'by a silence' } : null),
    };
    await open({}, { stages: [silence] });
    await test.stage.alerts.fire({ a: A });
    await pass(MINUTE);
    muted.add('a');
    await pass(60 * MINUTE);
    expect(pager.take()).toEqual([]);
    muted.clear();
    await pass(2 * MINUTE);
    expect(pager.take()).toEqual(['escalation +a']);
  });

  it('for the message before it, where that is still on its way', async () => {
    await open({ steps: [...LADDER.steps, { afterMs: 21 * MINUTE, receiver: 'pager', severity: null }] });
    const answers: ((delivery: Delivery) => void)[] = [];
    pager.answer = () => {
      const { promise, resolve } = Promise.withResolvers<Delivery>();
      answers.push(resolve);
      return promise;
    };
    await test.stage.alerts.fire({ a: A });
    await pass(30 * MINUTE);
    expect(pager.take()).toEqual(['escalation +a']);
    answers.shift()?.({ outcome: 'delivered', answer: 'HTTP 200' });
    await pass(SECOND);
    expect(pager.take()).toEqual(['escalation +a']);
    answers.shift()?.({ outcome: 'delivered', answer: 'HTTP 200' });
    await pass(SECOND);
  });
});

describe('a receiver that never answers', () => {
  const hangs: RecordingReceiver['answer'] = (_, { signal }) => {
    const { promise, resolve } = Promise.withResolvers<Delivery>();
    signal.addEventListener('abort', () => resolve(failed('timeout', { retryable: true })));
    return promise;
  };
  const steps = [
    { afterMs: 10 * MINUTE, receiver: 'pager', severity: null },
    // The first message is on its way then: a try of the receiver takes ten seconds.
    { afterMs: 10 * MINUTE + SECOND, receiver: 'pager', severity: 'critical' },
    { afterMs: 15 * MINUTE, receiver: 'team', severity: null },
  ];

  it('keeps an alert from none of the next steps', async () => {
    await open({ steps });
    pager.answer = hangs;
    await test.stage.alerts.fire({ a: A });
    await pass(10 * MINUTE);
    team.take();
    await pass(6 * MINUTE);
    expect(pager.messages.at(-1)?.alerts[0]?.labels['severity']).toBe('critical');
    expect(team.take()).toEqual(['escalation +a']);
  });

  it('keeps nobody from hearing that it is over, in this group or in others', async () => {
    const lead = new RecordingReceiver();
    team = new RecordingReceiver();
    pager = new RecordingReceiver();
    const ladder = [{ afterMs: 10 * MINUTE, receiver: 'lead', severity: null }, ...steps.slice(0, 1)];
    test.stage = await openNotificationStage({
      route: ladderRoute,
      receivers: { team: [team], pager: [pager], lead: [lead] },
      escalations: { page: { ...LADDER, steps: ladder } },
    });
    pager.answer = ({ groupLabels }, options) =>
      groupLabels['group'] === 'one' ? hangs({} as never, options) : { outcome: 'delivered', answer: '' };
    const many = Array.from({ length: 150 }, (_, at) => `a${at}`);
    await test.stage.alerts.fire({
      ...Object.fromEntries(many.map((id) => [id, { ...A, id }])),
      b: { ...B, group: 'two' },
    });
    await pass(10 * MINUTE + 2 * SECOND);
    expect(lead.take()).toContain('escalation +b');
    await test.stage.alerts.resolve(...many, 'b');
    await pass(SECOND);
    expect(lead.take()).toEqual(['all_resolved -b']);
    await pass(30 * SECOND);
    expect(lead.take().join()).toMatch(/new_resolved -a0 .*all_resolved -a100 /);
  });
});

describe('a reload', () => {
  it('that gives its route another receiver has a step without a receiver tell that one', async () => {
    await open();
    await test.stage.alerts.fire({ a: A });
    await pass(11 * MINUTE);
    const ops = new RecordingReceiver();
    await test.stage.notification.take(
      prepared({
        route: { ...ladderRoute, receiver: 'ops' },
        receivers: { ops: [ops], pager: [pager] },
        escalations: { page: LADDER },
      }),
    );
    await pass(SECOND);
    ops.take();
    await pass(10 * MINUTE);
    expect(ops.take()).toEqual(['escalation +a']);
  });
});

it('a wall clock that is set back keeps no step waiting for longer than the ladder says', async () => {
  await open();
  await test.stage.alerts.fire({ a: A });
  await pass(9 * MINUTE);
  test.stage.clock.stepWallClock(-5 * 60 * MINUTE);
  await pass(2 * MINUTE);
  expect(pager.take()).toEqual(['escalation +a']);
  team.take();
  await pass(20 * MINUTE);
  expect(team.take()).toEqual(['escalation +a']);
});

it('a wall clock that leaps forward takes no step before its time has passed, nor with those of others', async () => {
  await open();
  await test.stage.alerts.fire({ a: A });
  await pass(5 * MINUTE);
  await test.stage.alerts.fire({ b: B });
  await pass(MINUTE);
  test.stage.clock.stepWallClock(5 * 60 * MINUTE);
  await pass(3 * MINUTE);
  expect(pager.take()).toEqual([]);
  await pass(2 * MINUTE);
  expect(pager.take()).toEqual(['escalation +a']);
  await pass(10 * MINUTE);
  expect(pager.take()).toEqual(['escalation +b']);
});

it('a message of a ladder that nobody took is not sent once the alert is over', async () => {
  await open();
  pager.answer = () => failed('connection', { retryable: true });
  await test.stage.alerts.fire({ a: A });
  await pass(11 * MINUTE);
  pager.take();
  await test.stage.alerts.resolve('a');
  await pass(MINUTE);
  pager.take();
  await pass(60 * MINUTE);
  expect(pager.take()).toEqual([]);
  expect(await rows()).toEqual([]);
});

describe('a restart', () => {
  it('goes on where the ladder stood', async () => {
    await open();
    await test.stage.alerts.fire({ a: A });
    await pass(9 * MINUTE);
    await test.stage.restart();
    await pass(2 * MINUTE);
    expect(pager.take()).toEqual(['escalation +a']);
    test.stage.killAfterCommits(0);
    await test.stage.revive();
    await pass(8 * MINUTE);
    team.take();
    await pass(2 * MINUTE);
    expect(team.take()).toEqual(['escalation +a']);
    expect(pager.take()).toEqual([]);
  });

  it('after hours takes no step before rules can have been evaluated, and then one at a time', async () => {
    await open();
    await test.stage.alerts.fire({ a: A });
    await pass(9 * MINUTE);
    test.stage.killAfterCommits(0);
    await pass(5 * 60 * MINUTE);
    await test.stage.revive();
    await pass(MINUTE - SECOND);
    expect([...pager.take(), ...team.take()]).not.toContain('escalation +a');
    await pass(2 * SECOND);
    expect(pager.take()).toEqual(['escalation +a']);
    await pass(10 * MINUTE - 3 * SECOND);
    expect(team.take()).toEqual([]);
    await pass(4 * SECOND);
    expect(team.take()).toEqual(['escalation +a']);
  });

  it('after hours tells nobody else of what is over as soon as rules are evaluated', async () => {
    await open();
    await test.stage.alerts.fire({ a: A });
    await pass(9 * MINUTE);
    test.stage.killAfterCommits(0);
    await pass(5 * 60 * MINUTE);
    await test.stage.revive();
    await pass(20 * SECOND);
    await test.stage.alerts.resolve('a');
    await pass(60 * MINUTE);
    expect(pager.take()).toEqual([]);
  });

  it('tells of the end that came while it was away', async () => {
    await open();
    await test.stage.alerts.fire({ a: A });
    await pass(11 * MINUTE);
    pager.take();
    test.stage.killAfterCommits(0);
    await test.stage.alerts.resolve('a');
    await test.stage.revive();
    await pass(2 * MINUTE);
    expect(pager.take()).toEqual(['all_resolved -a']);
    expect(await rows()).toEqual([]);
  });

  it.each([1, 2, 3, 4, 5])(
    'after a kill behind %d commits each step is told, and none is lost',
    async (commits) => {
      await open();
      await test.stage.alerts.fire({ a: A });
      await pass(9 * MINUTE);
      test.stage.killAfterCommits(commits);
      await pass(2 * MINUTE);
      if (test.stage.isDead) await test.stage.revive();
      await pass(MINUTE);
      await test.stage.alerts.resolve('a');
      await pass(SECOND);
      if (test.stage.isDead) await test.stage.revive();
      test.stage.killAfterCommits(Infinity);
      await pass(5 * MINUTE);
      const all = pager.take();
      expect(all.length).toBeLessThanOrEqual(3);
      expect([...new Set(all)]).toEqual(['escalation +a', 'all_resolved -a']);
      expect(await rows()).toEqual([]);
    },
  );
});
