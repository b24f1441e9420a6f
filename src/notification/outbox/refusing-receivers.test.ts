import { expect, it } from 'vitest';
import { DELIVERED, failed, testRoute, useTestNotification } from '../notification.test-support.ts';
import { maxFailuresInARow } from './delivery-queue.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const A = { alertname: 'A', group: 'one' };
const REFUSES = { alertname: 'ReceiverRefuses', group: 'refuses', receiver: 'team' };
const KEY = 'team/webhook/0';
const test = useTestNotification();

function refuses(): readonly (number | undefined)[] {
  const metric = test.stage.metrics.collect().find(({ name }) => name === 'omoi_receiver_refuses');
  return (metric?.points ?? []).map(({ value }) => value);
}

it('tells that a receiver refuses what it is sent, until it takes a message', async () => {
  const team = await test.open({ route: testRoute({ groupWaitMs: 0, groupIntervalMs: MINUTE }) });
  expect(refuses()).toEqual([0]);
  team.answer = () => failed('clientError', { retryable: false });
  const { clock, notification } = test.stage;
  await test.stage.alerts.fire({ a: A });
  await test.pass(SECOND);
  const sinceMs = clock.wallMs();
  expect(refuses()).toEqual([1]);
  expect(notification.outbox.refusingOf(KEY)?.answer).not.toBe('');
  await test.pass(2 * MINUTE);
  expect(notification.outbox.refusingOf(KEY)?.sinceMs).toBeLessThanOrEqual(sinceMs);
  team.answer = () => DELIVERED;
  await test.pass(MINUTE);
  expect(refuses()).toEqual([0]);
  expect(notification.outbox.refusingOf(KEY)).toBe(null);
});

it.each([
  [maxFailuresInARow - 1, 0],
  [maxFailuresInARow, 1],
])('of one that fails %i times in a row', async (failures, value) => {
  const team = await test.open({ route: testRoute({ groupWaitMs: 0 }) });
  team.answer = () => failed('serverError', { retryable: true });
  await test.stage.alerts.fire({ a: A });
  for (let passed = 0; team.messages.length < failures && passed < 10_000; passed++) await test.pass(SECOND);
  expect(team.messages).toHaveLength(failures);
  expect(refuses()).toEqual([value]);
});

it('is told of through the receiver itself without a loop: one message, tried once an interval', async () => {
  const team = await test.open({ route: testRoute({ groupWaitMs: 0, groupIntervalMs: MINUTE }) });
  team.answer = () => failed('clientError', { retryable: false });
  await test.stage.alerts.fire({ a: A });
  await test.pass(SECOND);
  await test.stage.alerts.fire({ b: REFUSES });
  await test.pass(10 * MINUTE);
  const about = team.messages.filter(({ alerts }) => alerts.some(({ alertId }) => alertId === 'b'));
  expect(about.length).toBeLessThanOrEqual(11);
  expect(new Set(about.map(({ notificationId }) => notificationId)).size).toBe(1);
  expect(refuses()).toEqual([1]);
});
