import { expect, it } from 'vitest';
import { testRoute, useTestNotification } from '../notification.test-support.ts';
import { TimeIntervals } from '../routing/time-intervals.ts';
import { maxWaits, waitsOf } from './waits.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const A = { alertname: 'A', group: 'one' };
const test = useTestNotification();

const reasons = (): readonly string[] =>
  test.stage.notification.waitsOf('a').map(({ stage, untilMs, reason }) => {
    const inMs = (untilMs ?? 0) - test.stage.clock.wallMs();
    return `${stage} ${Math.round(inMs / SECOND)}s: ${reason.replace(/until \S+Z/, 'until then')}`;
  });

it('says what an alert waits for: its group, the next look, the repetition', async () => {
  const team = await test.open({
    route: testRoute({
      groupWaitMs: 30 * SECOND,
      groupIntervalMs: 5 * MINUTE,
      repeatIntervalMs: 12 * MINUTE,
    }),
  });
  await test.stage.alerts.fire({ a: A });
  await test.pass(10 * SECOND);
  expect(reasons()).toEqual(['group_wait 20s: waits until then for group_wait of 30s']);
  await test.pass(20 * SECOND);
  expect(team.messages).toHaveLength(1);
  expect(reasons()).toEqual(['repeat_interval 900s: waits until then for repeat_interval of 12m']);
  await test.pass(15 * MINUTE - SECOND);
  expect(team.messages).toHaveLength(1);
  await test.pass(2 * SECOND);
  expect(team.messages).toHaveLength(2);
  await test.stage.alerts.resolve('a');
  await test.pass(0);
  expect(reasons()).toEqual(['group_interval 299s: waits until then for group_interval of 5m']);
});

it('says when a route that is muted may speak again', () => {
  const nowMs = Date.UTC(2026, 10, 30, 20, 0);
  const everyDay = { daysOfMonth: null, months: null, weekdays: null, years: null, location: 'UTC' };
  const intervals = new TimeIntervals(
    new Map([
      ['night', [{ ...everyDay, times: [{ fromMinute: 18 * 60, toMinute: 24 * 60 }] }]],
      ['early', [{ ...everyDay, times: [{ fromMinute: 0, toMinute: 6 * 60 + 30 }] }]],
      ['always', [{ ...everyDay, times: null }]],
    ]),
  );
  const until = (muteTimeIntervals: readonly string[], activeTimeIntervals: readonly string[] = []) =>
    intervals.speaksAgainAtMs(
      { muteTimeIntervals, activeTimeIntervals },
      { nowMs, untilMs: nowMs + 366 * 86_400_000 },
    );
  expect(until(['night'])).toBe(Date.UTC(2026, 11, 1));
  expect(until(['night', 'early'])).toBe(Date.UTC(2026, 11, 1, 6, 30));
  expect(until([], ['early'])).toBe(Date.UTC(2026, 11, 1));
  expect(until(['always'])).toBe(null);
});

it('tells until when a time interval keeps it back', async () => {
  await test.open({ route: testRoute({ groupWaitMs: 0 }) });
  await test.stage.alerts.fire({ a: A });
  await test.pass(SECOND);
  const { notification, clock } = test.stage;
  const { membership } = notification.dispatcher;
  const alert = membership.get('a');
  if (!alert) throw new Error('it is not there');
  const endsAtMs = clock.wallMs() + 60_000;
  const waits = (speaksAgainAtMs: number | null) =>
    waitsOf(alert, membership.groupsOf('a'), {
      log: notification.log,
      holdOf: () => null,
      intervals: {
        silentBy: () => ({ because: 'mute', names: ['night'] }),
        speaksAgainAtMs: () => speaksAgainAtMs,
      },
      integrationsOf: () => [],
      nowMs: clock.wallMs(),
    }).map(({ stage, reason }) => `${stage}: ${reason}`);
  expect(waits(endsAtMs)).toEqual([
    `mute_time: muted within night until ${new Date(endsAtMs).toISOString()}`,
  ]);
  expect(waits(null)).toEqual(['mute_time: muted within night, which has no end within a year']);
});

it.each([maxWaits, maxWaits + 1])(
  `of %i groups of an alert says of ${maxWaits} what it waits for`,
  async (count) => {
    await test.open({ route: testRoute({ groupWaitMs: MINUTE }) });
    await test.stage.alerts.fire({ a: A });
    await test.pass(SECOND);
    const { notification, clock } = test.stage;
    const { membership } = notification.dispatcher;
    const alert = membership.get('a');
    const [group] = membership.groupsOf('a');
    if (!alert || !group) throw new Error('it is not there');
    const waits = waitsOf(
      alert,
      Array.from({ length: count }, () => group),
      {
        log: notification.log,
        holdOf: () => null,
        intervals: new TimeIntervals(new Map()),
        integrationsOf: () => [],
        nowMs: clock.wallMs(),
      },
    );
    expect(waits).toHaveLength(maxWaits);
  },
);
