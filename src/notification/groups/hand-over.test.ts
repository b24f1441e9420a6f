import { expect, it } from 'vitest';
import {
  DELIVERED,
  failed,
  openNotificationStage,
  prepared,
  RecordingReceiver,
  testRoute,
  useTestNotification,
} from '../notification.test-support.ts';
import type { Delivery } from '../receivers/integration.ts';

const MINUTE = 60_000;
const test = useTestNotification();

it('a message that waits for who was told before is not sent once another is told in their place', async () => {
  const ada = new RecordingReceiver();
  const grace = new RecordingReceiver();
  const receivers = { ada: [ada], grace: [grace] };
  test.stage = await openNotificationStage({ route: testRoute({ receiver: 'ada' }), receivers });
  ada.answer = () => failed('connection', { retryable: true });
  await test.stage.alerts.fire({ a: { alertname: 'A', group: 'one' } });
  await test.stage.clock.advance(MINUTE);
  expect(ada.take()).toContain('first_notification +a');
  // As by a hand-over: both receivers stay.
  await test.stage.notification.take(prepared({ route: testRoute({ receiver: 'grace' }), receivers }));
  await test.stage.clock.advance(2 * MINUTE);
  expect(grace.take()).toEqual(['first_notification +a']);
  await test.stage.alerts.resolve('a');
  await test.stage.clock.advance(2 * MINUTE);
  expect(grace.take()).toEqual(['all_resolved -a']);
  ada.take();
  ada.answer = () => DELIVERED;
  await test.stage.clock.advance(30 * MINUTE);
  expect(ada.take()).toEqual([]);
  const { messages } = await test.stage.notification.messages({ state: 'pending', limit: 10 });
  expect(messages).toEqual([]);
});

const ONE = { a: { alertname: 'A', group: 'one' }, b: { alertname: 'B', group: 'one' } };
/** As after a reload that changes what alerts are grouped by: no group is there any more. */
const parted = testRoute({ id: '{}/other', key: '{}/other' });

it('a message that waits about groups that a reload has changed is not sent: theirs are', async () => {
  const team = new RecordingReceiver();
  const receivers = { team: [team] };
  test.stage = await openNotificationStage({ receivers });
  team.answer = () => failed('connection', { retryable: true });
  await test.stage.alerts.fire(ONE);
  await test.stage.clock.advance(MINUTE);
  team.take();
  await test.stage.notification.take(prepared({ route: parted, receivers }));
  team.answer = () => DELIVERED;
  await test.stage.clock.advance(30 * MINUTE);
  expect(team.take()).toEqual(['first_notification +b +a']);
  const { messages } = await test.stage.notification.explain('a');
  expect(messages.map(({ state }) => state)).toEqual(['superseded', 'delivered']);
  await test.stage.alerts.resolve('a', 'b');
  await test.stage.clock.advance(30 * MINUTE);
  expect(team.take()).toEqual(['all_resolved -b -a']);
});

it('nor where another configuration is in force after a restart', async () => {
  const team = new RecordingReceiver();
  const receivers = { team: [team] };
  test.stage = await openNotificationStage({ receivers });
  team.answer = () => failed('connection', { retryable: true });
  await test.stage.alerts.fire(ONE);
  await test.stage.clock.advance(MINUTE);
  team.take();
  team.answer = () => DELIVERED;
  await test.stage.restart({ route: parted, receivers });
  await test.stage.clock.advance(30 * MINUTE);
  expect(team.take()).toEqual(['first_notification +b +a']);
});

it('nor is one tried again that was on its way then', async () => {
  const team = new RecordingReceiver();
  const receivers = { team: [team] };
  test.stage = await openNotificationStage({ receivers });
  const hanging = Promise.withResolvers<Delivery>();
  team.answer = () => hanging.promise;
  await test.stage.alerts.fire(ONE);
  await test.stage.clock.advance(11_000);
  expect(team.take()).toEqual(['first_notification +b +a']);
  team.answer = () => DELIVERED;
  await test.stage.notification.take(prepared({ route: parted, receivers }));
  await test.stage.clock.advance(1_000);
  expect(team.take()).toEqual(['first_notification +b +a']);
  hanging.resolve(failed('timeout', { retryable: true }));
  await test.stage.clock.advance(30 * MINUTE);
  expect(team.take()).toEqual([]);
});

it('who was told by a group of before still hears that it is over', async () => {
  const team = new RecordingReceiver();
  const receivers = { team: [team] };
  test.stage = await openNotificationStage({ receivers });
  await test.stage.alerts.fire(ONE);
  await test.stage.clock.advance(MINUTE);
  team.take();
  team.answer = () => failed('connection', { retryable: true });
  await test.stage.alerts.resolve('a', 'b');
  await test.stage.clock.advance(2 * MINUTE);
  expect(team.take()).toContain('all_resolved -b -a');
  await test.stage.notification.take(prepared({ route: parted, receivers }));
  team.answer = () => DELIVERED;
  await test.stage.clock.advance(30 * MINUTE);
  expect(team.take()).toContain('all_resolved -b -a');
});
