import { expect, it } from 'vitest';
import { labelValue, type Labels } from '#telemetry';
import { statusOfMessage } from '../message.ts';
import {
  DELIVERED,
  openNotificationStage,
  prepared,
  RecordingReceiver,
  testRoute,
  useTestNotification,
} from '../notification.test-support.ts';
import type { Delivery } from '../receivers/integration.ts';
import type { AggregationGroup } from './aggregation-group.ts';
import { WaitingEnds } from './waiting-ends.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
/** More than are decided and written together. */
const ALERTS = 501;

const test = useTestNotification();
const { pass } = test;

it('ends that wait for what was told before in the place of the same group are told as soon as that has arrived', async () => {
  const before = new RecordingReceiver({ maxAlerts: ALERTS });
  const now = new RecordingReceiver({ maxAlerts: ALERTS });
  const receivers = { before: [before], now: [now] };
  test.stage = await openNotificationStage({ receivers, route: testRoute({ receiver: 'before' }) });
  const ids = Array.from({ length: ALERTS }, (_, at) => `a${at}`);
  await test.stage.alerts.fire(Object.fromEntries(ids.map((id) => [id, { alertname: id, group: 'one' }])));
  await pass(11 * SECOND);
  expect(before.messages.map(({ alerts }) => alerts.length)).toEqual([ALERTS]);

  // Each alert is a group of its own by now, and another receiver's.
  const changed = prepared({ receivers });
  const route = testRoute({ receiver: 'now' });
  const routesOf = (labels: Labels) => {
    const alertname = labelValue(labels, 'alertname');
    return [{ route, groupKey: `{}:{alertname="${alertname}"}`, groupLabels: { alertname } }];
  };
  await test.stage.notification.take({ ...changed, routing: { ...changed.routing, router: { routesOf } } });
  await pass(MINUTE);
  before.messages.length = 0;
  const answered = Promise.withResolvers<Delivery>();
  before.answer = () => answered.promise;
  await test.stage.alerts.resolve(...ids);
  await pass(MINUTE);
  const told = (): readonly string[] =>
    before.messages.flatMap(({ alerts }) =>
      alerts.flatMap(({ alertId, status }) => (status === 'resolved' ? [alertId] : [])),
    );
  expect(before.messages).toHaveLength(1);
  expect(told().length).toBeLessThan(ALERTS);
  answered.resolve(DELIVERED);
  await pass(SECOND);
  expect(told().toSorted()).toEqual(ids.toSorted());
  expect(before.messages.map(statusOfMessage).at(-1)).toBe('resolved');
  await pass(2 * MINUTE);
  expect(told()).toHaveLength(ALERTS);
  expect([...test.stage.notification.dispatcher.groups()]).toEqual([]);
});

it('nothing is looked through while it waits, and what lands while it is decided is not missed', () => {
  const ends = new WaitingEnds();
  const group = (id: string) => ({ id }) as AggregationGroup;
  const sending = new Set(['slow', 'quick']);
  const isSending = (groupId: string): boolean => sending.has(groupId);
  for (const id of ['a', 'b', 'c']) ends.add('slow', group(id), isSending);
  ends.add('quick', group('d'), isSending);
  expect(ends.areReady).toBe(false);
  // To another integration it is on its way still.
  ends.landed('slow');
  expect(ends.take(isSending, 2)).toEqual([]);
  expect(ends.areReady).toBe(false);
  sending.clear();
  ends.landed('slow');
  ends.landed('stranger');
  expect(ends.take(isSending, 2).map(({ id }) => id)).toEqual(['a', 'b']);
  expect(ends.areReady).toBe(true);
  expect(ends.take(isSending, 2).map(({ id }) => id)).toEqual(['c']);
  expect(ends.areReady).toBe(false);
  ends.add('quick', group('e'), isSending);
  expect(ends.take(isSending, 2).map(({ id }) => id)).toEqual(['d', 'e']);
  expect(ends.areReady).toBe(false);
});
