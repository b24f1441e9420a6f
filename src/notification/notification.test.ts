import { describe, expect, it } from 'vitest';
import { fingerprintOf } from '#telemetry';
import { maxAggregationGroups } from './groups/group-membership.ts';
import type { TrackedAlert } from './groups/tracked-alert.ts';
import {
  DELIVERED,
  failed,
  openNotificationStage,
  prepared,
  RecordingReceiver,
  testRoute,
  useTestNotification,
} from './notification.test-support.ts';
import type { Delivery } from './receivers/integration.ts';
import type { MuteStage } from './stages/mute-stage.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const A = { alertname: 'A', group: 'one' };
const B = { alertname: 'B', group: 'one' };
const C = { alertname: 'C', group: 'two' };

const test = useTestNotification();
const { open, pass } = test;

describe('when a group is told of', () => {
  it('waits group_wait, takes together what came, then group_interval, and repeats after repeat_interval', async () => {
    const team = await open();
    await test.stage.alerts.fire({ a: A });
    await pass(5 * SECOND);
    await test.stage.alerts.fire({ b: B, c: C });
    await pass(4 * SECOND);
    expect(team.take()).toEqual([]);
    await pass(2 * SECOND);
    expect(team.take()).toEqual(['first_notification +a +b']);
    await pass(5 * SECOND);
    expect(team.take()).toEqual(['first_notification +c']);
    await test.stage.alerts.fire({ d: { ...A, instance: '2' } });
    await pass(50 * SECOND);
    expect(team.take()).toEqual([]);
    await pass(10 * SECOND);
    expect(team.take()).toEqual(['new_alerts +a +b +d']);
    await pass(59 * MINUTE);
    expect(team.take()).toEqual([]);
    await pass(3 * MINUTE);
    expect(team.take().toSorted()).toEqual(['repeat +a +b +d', 'repeat +c']);
  });

  it('is told at once where its alert has waited long enough already', async () => {
    const team = await open({ route: testRoute({ groupWaitMs: 0 }) });
    await test.stage.alerts.fire({ a: A });
    await pass(0);
    expect(team.take()).toEqual(['first_notification +a']);
  });

  it('hears of what is over at the next interval, once, and is forgotten then', async () => {
    const team = await open();
    await test.stage.alerts.fire({ a: A, b: B });
    await pass(11 * SECOND);
    team.take();
    await test.stage.alerts.resolve('a');
    await pass(MINUTE);
    expect(team.take()).toEqual(['new_resolved +b -a']);
    await test.stage.alerts.resolve('b');
    await pass(MINUTE);
    expect(team.take()).toEqual(['all_resolved -b']);
    await pass(10 * MINUTE);
    expect(team.take()).toEqual([]);
    expect([...test.stage.notification.dispatcher.groups()]).toEqual([]);
    expect([...test.stage.notification.log.groupIds()]).toEqual([]);
    expect(await test.stage.database.reader.selectFrom('notification_alerts').selectAll().execute()).toEqual(
      [],
    );
    expect(await test.stage.database.reader.selectFrom('notification_log').selectAll().execute()).toEqual([]);
  });

  it('hears of what came and went in between, where Alertmanager says nothing', async () => {
    const team = await open();
    await test.stage.alerts.fire({ a: A });
    await pass(SECOND);
    await test.stage.alerts.resolve('a');
    await pass(MINUTE);
    expect(team.take()).toEqual(['brief -a']);
  });

  it('hears of a brief one where what is over is not sent, and of nothing else that is over', async () => {
    const team = new RecordingReceiver({ sendResolved: false });
    test.stage = await openNotificationStage({ receivers: { team: [team] } });
    await test.stage.alerts.fire({ a: A });
    await pass(11 * SECOND);
    await test.stage.alerts.fire({ b: B });
    await test.stage.alerts.resolve('b');
    await pass(MINUTE);
    await test.stage.alerts.resolve('a');
    await pass(2 * MINUTE);
    expect(team.take()).toEqual(['first_notification +a', 'brief +a -b']);
    expect([...test.stage.notification.dispatcher.groups()]).toEqual([]);
  });

  it('is not repeated while all that fires is acknowledged', async () => {
    const team = await open();
    await test.stage.alerts.fire({ a: A });
    await pass(11 * SECOND);
    await test.stage.alerts.acknowledge('a');
    await pass(3 * 60 * MINUTE);
    expect(team.take()).toEqual(['first_notification +a']);
    await test.stage.alerts.fire({ b: B });
    await pass(MINUTE);
    // Of these one is acknowledged: its own link is enough for the other.
    expect(team.messages.map(({ acknowledgeAll }) => acknowledgeAll)).toEqual([null]);
    expect(team.take()).toEqual(['new_alerts +a +b']);
  });

  it('does not wait for group_interval with a critical alert, where the route says so', async () => {
    const omoi = { ...testRoute().omoi, criticalBypassesInterval: true };
    const team = await open({ route: testRoute({ omoi }) });
    await test.stage.alerts.fire({ a: A });
    await pass(11 * SECOND);
    await test.stage.alerts.fire({ b: { ...B, severity: 'critical' } });
    await pass(0);
    expect(team.take()).toEqual(['first_notification +a', 'new_alerts +a +b']);
  });

  it('names as many alerts as its integration takes, those that fire first', async () => {
    const team = new RecordingReceiver({ maxAlerts: 2 });
    test.stage = await openNotificationStage({ receivers: { team: [team] } });
    await test.stage.alerts.fire({ a: A, b: B, c: { ...C, group: 'one' } });
    await test.stage.alerts.resolve('a');
    await pass(11 * SECOND);
    expect(team.messages.map(({ truncatedAlerts }) => truncatedAlerts)).toEqual([1]);
    expect(team.messages.map(({ acknowledgeAll }) => acknowledgeAll)).toEqual([
      `http://omoi.test/n/${team.messages[0]?.notificationId}`,
    ]);
    expect(team.take()[0]).not.toContain('-a');
  });
});

describe('what is kept back', () => {
  function muting(): MuteStage & { muted: Set<string> } {
    const muted = new Set<string>();
    return {
      muted,
      judge: ({ alertId }) => (muted.has(alertId) ? { stage: 'silence', reason: 'by a silence' } : null),
    };
  }

  it('hears nothing of what was inhibited for as long as it fired, and the end of what it has heard of', async () => {
    const inhibited = new Set<string>();
    const inhibition: MuteStage = {
      judge: ({ alertId }) =>
        inhibited.has(alertId) ? { stage: 'inhibition', reason: 'by another alert' } : null,
    };
    const team = await open({ stages: [inhibition] });
    inhibited.add('b');
    await test.stage.alerts.fire({ a: A, b: B });
    await pass(11 * SECOND);
    expect(team.take()).toEqual(['first_notification +a']);
    inhibited.add('a');
    await test.stage.alerts.resolve('a', 'b');
    await pass(MINUTE);
    expect(team.take()).toEqual(['all_resolved -a']);
    inhibited.clear();
    await pass(MINUTE);
    expect(team.take()).toEqual([]);
  });

  it('is not told, and told when nothing keeps it back any more', async () => {
    const silence = muting();
    const team = await open({ stages: [silence] });
    silence.muted.add('a');
    await test.stage.alerts.fire({ a: A, b: B });
    await pass(11 * SECOND);
    expect(team.take()).toEqual(['first_notification +b']);
    silence.muted.clear();
    await pass(MINUTE);
    expect(team.take()).toEqual(['new_alerts +b +a']);
  });

  it('is told that it is over when the silence under which it ended is over', async () => {
    const silence = muting();
    const team = await open({ stages: [silence] });
    await test.stage.alerts.fire({ a: A });
    await pass(11 * SECOND);
    team.take();
    silence.muted.add('a');
    await test.stage.alerts.resolve('a');
    await pass(10 * MINUTE);
    expect(team.take()).toEqual([]);
    silence.muted.clear();
    await pass(MINUTE);
    expect(team.take()).toEqual(['all_resolved -a']);
    expect([...test.stage.notification.dispatcher.groups()]).toEqual([]);
  });

  it('is forgotten where it ended unheard', async () => {
    const silence = muting();
    const team = await open({ stages: [silence] });
    silence.muted.add('a');
    await test.stage.alerts.fire({ a: A });
    await pass(11 * SECOND);
    await test.stage.alerts.resolve('a');
    await pass(2 * MINUTE);
    silence.muted.clear();
    await pass(2 * MINUTE);
    expect(team.take()).toEqual([]);
    expect((await test.stage.notification.decisions.list('a')).decisions).toMatchObject([
      { stage: 'routing', decision: 'routed' },
      { stage: 'silence', decision: 'kept back', reason: 'by a silence' },
    ]);
  });
});

describe('what was kept back while it fired, and is over', () => {
  const silence: MuteStage = {
    judge: ({ alertId, endsAtMs }) =>
      alertId === 'a' && endsAtMs === null ? { stage: 'silence', reason: 'by a silence' } : null,
  };
  let team: RecordingReceiver;
  const rows = () => test.stage.database.reader.selectFrom('notification_kept_back').selectAll().execute();

  it.each([
    ['while Omoi was away', () => test.stage.restart({ receivers: { team: [team] }, stages: [silence] })],
    [
      'after a reload',
      () => test.stage.notification.take(prepared({ receivers: { team: [team] }, stages: [silence] })),
    ],
  ])('is no news where it ended %s', async (_when, comesAgain) => {
    team = await open({ stages: [silence] });
    await test.stage.alerts.fire({ a: A, c: C });
    await pass(11 * SECOND);
    expect(team.take()).toEqual(['first_notification +c']);
    expect(await rows()).toMatchObject([{ alert_id: 'a' }]);
    await comesAgain();
    await test.stage.alerts.resolve('a');
    await pass(10 * MINUTE);
    expect(team.take()).toEqual([]);
    expect(test.stage.notification.dispatcher.membership.get('a')).toBeNull();
    expect(await rows()).toEqual([]);
  });
});

describe('a receiver that does not take a message', () => {
  it('gets it again until it does, with what is new by then', async () => {
    const team = await open();
    team.answer = () => failed('connection', { retryable: true });
    await test.stage.alerts.fire({ a: A });
    await pass(11 * SECOND);
    await pass(20 * SECOND);
    expect(new Set(team.take())).toEqual(new Set(['first_notification +a']));
    await test.stage.alerts.fire({ b: B });
    await pass(2 * MINUTE);
    team.take();
    team.answer = () => DELIVERED;
    await pass(2 * MINUTE);
    expect(team.take()).toEqual(['first_notification +a +b']);
  });

  it('has one message a group waiting, however often it is decided anew', async () => {
    const team = await open();
    team.answer = () => failed('connection', { retryable: true });
    await test.stage.alerts.fire({ a: A });
    await pass(30 * MINUTE);
    for (let at = 0; at < 50; at++) {
      await test.stage.alerts.fire({ [`a${at}`]: { ...A, at: String(at) } });
      await pass(MINUTE);
      expect(test.stage.notification.outbox.pendingOf('team/webhook/0')).toBe(1);
    }
  });

  it('is not asked again at once where it refuses for good, but at the next interval', async () => {
    const team = await open();
    team.answer = () => failed('clientError', { retryable: false });
    await test.stage.alerts.fire({ a: A });
    await pass(40 * SECOND);
    expect(team.take()).toEqual(['first_notification +a']);
    team.answer = () => DELIVERED;
    await pass(MINUTE);
    expect(team.take()).toEqual(['first_notification +a']);
    const { events: told } = await test.stage.notification.deliveriesOf('a');
    expect(told.map(({ event_type: type }) => type)).toEqual([
      'notification.failed',
      'notification.delivered',
    ]);
    expect((await test.stage.notification.deliveriesOf('b')).events).toEqual([]);
  });

  it('delays no other', async () => {
    const team = new RecordingReceiver();
    const hanging = new RecordingReceiver({ index: 1 });
    hanging.answer = (_message, { signal }) => {
      const { promise, resolve } = Promise.withResolvers<Delivery>();
      signal.addEventListener('abort', () => resolve(failed('timeout', { retryable: true })));
      return promise;
    };
    test.stage = await openNotificationStage({ receivers: { team: [hanging, team] } });
    await test.stage.alerts.fire({ a: A });
    await pass(11 * SECOND);
    expect(hanging.take()).toEqual(['first_notification +a']);
    expect(team.take()).toEqual(['first_notification +a']);
    await test.stage.alerts.resolve('a');
    await pass(MINUTE);
    expect(team.take()).toEqual(['all_resolved -a']);
    hanging.answer = () => DELIVERED;
    await pass(2 * MINUTE);
    expect(hanging.take().at(-1)).toEqual('all_resolved -a');
    expect([...test.stage.notification.dispatcher.groups()]).toEqual([]);
  });

  it('says when to come again, and no message of its goes before', async () => {
    const team = await open();
    team.answer = () => failed('rateLimited', { retryable: true, retryAfterMs: 30 * SECOND });
    await test.stage.alerts.fire({ a: A, c: C });
    await pass(11 * SECOND);
    const first = team.take().length;
    expect(first).toBeGreaterThan(0);
    await pass(20 * SECOND);
    expect(team.take()).toEqual([]);
    team.answer = () => DELIVERED;
    await pass(40 * SECOND);
    expect(team.take().toSorted()).toEqual(['first_notification +a', 'first_notification +c']);
  });
});

describe('a restart', () => {
  it('tells nothing twice, and what was not told', async () => {
    const team = await open();
    await test.stage.alerts.fire({ a: A });
    await pass(11 * SECOND);
    expect(team.take()).toEqual(['first_notification +a']);
    await test.stage.restart();
    await pass(30 * SECOND);
    expect(team.take()).toEqual([]);
    await test.stage.alerts.fire({ c: C });
    await pass(SECOND);
    await test.stage.restart();
    await pass(11 * SECOND);
    expect(team.take()).toEqual(['first_notification +c']);
  });

  it('tells what was over while it was away, also of what nobody had heard of', async () => {
    const team = await open();
    await test.stage.alerts.fire({ a: A });
    await pass(11 * SECOND);
    await test.stage.alerts.fire({ c: C });
    await pass(SECOND);
    team.take();
    await test.stage.alerts.resolve('a', 'c');
    await pass(0);
    await test.stage.restart();
    await pass(MINUTE);
    expect(team.take().toSorted()).toEqual(['all_resolved -a', 'brief -c']);
  });

  it('sends what was decided and not sent, by what the configuration says now', async () => {
    const team = await open();
    team.answer = () => failed('connection', { retryable: true });
    await test.stage.alerts.fire({ a: A });
    await pass(11 * SECOND);
    team.take();
    const successor = new RecordingReceiver();
    await test.stage.restart({ receivers: { team: [successor] } });
    await pass(2 * MINUTE);
    expect(successor.take()).toEqual(['first_notification +a']);
  });
});

describe('a wall clock that is set back', () => {
  it('delays no first message by more than group_wait', async () => {
    const team = await open();
    await test.stage.alerts.fire({ a: A });
    await pass(SECOND);
    test.stage.clock.stepWallClock(-60 * MINUTE);
    await test.stage.restart();
    await pass(11 * SECOND);
    expect(team.take()).toEqual(['first_notification +a']);
  });
});

describe('limits', () => {
  it('tells of alerts beyond the groups that there may be in one group a route', async () => {
    const team = await open({ route: testRoute({ groupWaitMs: 60 * MINUTE }) });
    for (let at = 0; at < maxAggregationGroups; at += 1000) {
      for (let one = at; one < at + 1000; one++) {
        test.stage.notification.dispatcher.take(alertOfGroup(`fill${one}`));
      }
      await pass(0);
    }
    expect(test.stage.notification.dispatcher.groupCount).toBe(maxAggregationGroups);
    test.stage.notification.dispatcher.take(alertOfGroup('more1'));
    test.stage.notification.dispatcher.take(alertOfGroup('more2'));
    expect(test.stage.notification.dispatcher.groupCount).toBe(maxAggregationGroups + 1);
    const [group] = test.stage.notification.dispatcher.membership.groupsOf('more2');
    expect([group?.groupKey, group?.members.size]).toEqual(['{}:{}', 2]);
    expect(team.take()).toEqual([]);
  });
});

function alertOfGroup(group: string): TrackedAlert {
  const labels = { alertname: 'A', group };
  return {
    alertId: group,
    fingerprint: fingerprintOf(labels),
    labels,
    severity: '',
    startsAtMs: test.stage.clock.wallMs(),
    firedAtMs: 0,
    traceparent: null,
    endsAtMs: null,
    acknowledgedBy: null,
    snoozedUntilMs: null,
    isInhibited: false,
  };
}

describe('what has stopped, for the dead man’s switch', () => {
  it('is that groups are not decided, while the database is away', async () => {
    let isAway = false;
    const team = new RecordingReceiver();
    test.stage = await openNotificationStage({ receivers: { team: [team] } }, (database) => ({
      ...database,
      transaction: (work, options) =>
        isAway ? Promise.reject(new Error('away')) : database.transaction(work, options),
    }));
    await test.stage.alerts.fire({ a: A });
    await pass(SECOND);
    isAway = true;
    await pass(60 * SECOND);
    expect(test.stage.notification.dispatcher.whatHasStopped()).toBeNull();
    await pass(20 * SECOND);
    expect(test.stage.notification.dispatcher.whatHasStopped()).toMatch(/^groups of alerts wait for/);
    isAway = false;
    await pass(MINUTE);
    expect(test.stage.notification.dispatcher.whatHasStopped()).toBeNull();
    expect(team.take()).toEqual(['first_notification +a']);
  });

  it('is no receiver that refuses', async () => {
    const team = await open();
    team.answer = () => failed('connection', { retryable: true });
    await test.stage.alerts.fire({ a: A });
    await pass(3 * 60 * MINUTE);
    expect(test.stage.notification.outbox.whatHasStopped()).toBeNull();
  });
});
