import { afterEach, expect, it } from 'vitest';
import {
  DELIVERED,
  failed,
  openNotificationStage,
  prepared,
  RecordingReceiver,
  testRoute,
  type NotificationStage,
} from '../notification.test-support.ts';

const MINUTE = 60_000;
let stage: NotificationStage;
afterEach(() => stage.close());

it('a message that waits for who was told before is not sent once another is told in their place', async () => {
  const ada = new RecordingReceiver();
  const grace = new RecordingReceiver();
  const receivers = { ada: [ada], grace: [grace] };
  stage = await openNotificationStage({ route: testRoute({ receiver: 'ada' }), receivers });
  ada.answer = () => failed('connection', { retryable: true });
  await stage.alerts.fire({ a: { alertname: 'A', group: 'one' } });
  await stage.clock.advance(MINUTE);
  expect(ada.take()).toContain('first_notification +a');
  // As by a hand-over: both receivers stay.
  await stage.notification.take(prepared({ route: testRoute({ receiver: 'grace' }), receivers }));
  await stage.clock.advance(2 * MINUTE);
  expect(grace.take()).toEqual(['first_notification +a']);
  await stage.alerts.resolve('a');
  await stage.clock.advance(2 * MINUTE);
  expect(grace.take()).toEqual(['all_resolved -a']);
  ada.take();
  ada.answer = () => DELIVERED;
  await stage.clock.advance(30 * MINUTE);
  expect(ada.take()).toEqual([]);
  const { messages } = await stage.notification.messages({ state: 'pending', limit: 10 });
  expect(messages).toEqual([]);
});
