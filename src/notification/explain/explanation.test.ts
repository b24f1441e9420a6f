import { expect, it } from 'vitest';
import { failed, testRoute, useTestNotification } from '../notification.test-support.ts';
import { maxAlertsInEvent, maxAnswerCharacters } from '../outbox/delivery-event.ts';
import { maxNotificationAgeMs } from '../outbox/outbox.ts';
import { maxDeliveriesRead } from './explanation.ts';
import { maxAlertIds } from './message-list.ts';

const SECOND = 1000;
const A = { alertname: 'A', group: 'one' };
const test = useTestNotification();

it.each([
  [maxDeliveriesRead, 0],
  [maxDeliveriesRead + 2, 0],
  [maxDeliveriesRead + 3, 1],
])(
  `of %i messages about an alert its timeline has the newest ${maxDeliveriesRead}, and the first of each reason: %i are left out`,
  async (count, others) => {
    const team = await test.open({
      route: testRoute({ groupWaitMs: 0, groupIntervalMs: SECOND, repeatIntervalMs: SECOND }),
    });
    await test.stage.alerts.fire({ a: A });
    for (let passed = 0; team.messages.length < count && passed < 4 * count; passed++)
      await test.pass(SECOND);
    expect(team.messages).toHaveLength(count);
    await test.stage.notification.decisions.settled();
    const { events, leftOut } = await test.stage.notification.deliveriesOf('a');
    const told = team.messages.map(({ notificationId }) => notificationId);
    const newest = told.slice(-maxDeliveriesRead);
    const first = told.slice(0, 2).filter((id) => !newest.includes(id));
    expect(events.map(({ entity_id: id }) => id)).toEqual([...first, ...newest]);
    expect(leftOut).toEqual({ messages: others, isMore: false });
  },
);

it.each([maxAlertIds, maxAlertIds + 1])(
  `of %i alerts of a message the list of messages names ${maxAlertIds}`,
  async (count) => {
    await test.open({ route: testRoute({ groupWaitMs: SECOND }) });
    const all = Array.from({ length: count }, (_, at) => [`a${at}`, { ...A, at: String(at) }] as const);
    await test.stage.alerts.fire(Object.fromEntries(all));
    await test.pass(2 * SECOND);
    const { messages } = await test.stage.notification.messages({ limit: 10 });
    expect(messages.map(({ alertIds, alertName, alerts }) => [alertIds.length, alertName, alerts])).toEqual([
      [maxAlertIds, 'A', count],
    ]);
  },
);

it.each([maxAlertsInEvent, maxAlertsInEvent + 1])(
  `of %i alerts of a message its event names ${maxAlertsInEvent}`,
  async (count) => {
    await test.open({ route: testRoute({ groupWaitMs: SECOND }) });
    const all = Array.from({ length: count }, (_, at) => [`a${at}`, { ...A, at: String(at) }] as const);
    await test.stage.alerts.fire(Object.fromEntries(all));
    await test.pass(2 * SECOND);
    const events = await test.stage.events();
    const told = events.flatMap((event) =>
      event.event_type === 'notification.delivered'
        ? [[event.payload.alert_ids.length, event.payload.alerts]]
        : [],
    );
    expect(told).toEqual([[maxAlertsInEvent, count]]);
  },
);

it.each([
  [maxNotificationAgeMs, 'pending'],
  [maxNotificationAgeMs + 1, 'failed'],
])(
  `a message whose try fails %i ms after it was made, of ${maxNotificationAgeMs} at most, is %s`,
  async (ageMs, state) => {
    const team = await test.open({ route: testRoute({ groupWaitMs: 0 }) });
    team.answer = ({ atMs }) => {
      const { clock } = test.stage;
      clock.stepWallClock(atMs + ageMs - clock.wallMs());
      return failed('serverError', { retryable: true });
    };
    await test.stage.alerts.fire({ a: A });
    await test.pass(1);
    const { messages } = await test.stage.notification.messages({ limit: 10 });
    expect(messages.map(({ message }) => message.state)).toEqual([state]);
  },
);

it.each([
  [maxAnswerCharacters, 'x'.repeat(maxAnswerCharacters)],
  [maxAnswerCharacters + 1, `${'x'.repeat(maxAnswerCharacters - 1)}…`],
])(`of an answer of %i characters ${maxAnswerCharacters} are kept`, async (characters, kept) => {
  const team = await test.open({ route: testRoute({ groupWaitMs: 0 }) });
  team.answer = () => ({ outcome: 'delivered', answer: 'x'.repeat(characters) });
  await test.stage.alerts.fire({ a: A });
  await test.pass(SECOND);
  const { messages } = await test.stage.notification.messages({ limit: 10 });
  expect(messages.map(({ message }) => message.answer)).toEqual([kept]);
});
