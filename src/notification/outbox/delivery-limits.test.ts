import { expect, it } from 'vitest';
import { createSeededRandom, VirtualClock } from '#telemetry';
import { DELIVERED, failed, RecordingReceiver } from '../notification.test-support.ts';
import type { Delivery } from '../receivers/integration.ts';
import {
  DeliveryQueue,
  maxDeliveriesAtOnce,
  maxUnrecordedDeliveries,
  type Outstanding,
} from './delivery-queue.ts';

const HOUR_MS = 3_600_000;

function outstanding(name: string, createdAtMs: number): Outstanding {
  return {
    notification: {
      id: name,
      groupId: name,
      groupKey: name,
      receiver: 'team',
      integration: 'team/webhook/0',
      reason: 'first_notification',
      members: [],
      truncated: 0,
      groupLabels: {},
      routeLabels: {},
      note: null,
      severity: null,
      firing: new Set(),
      resolved: new Set(),
      createdAtMs,
      traceparent: null,
    },
    attempts: 0,
    nextAttemptAtMs: createdAtMs,
    state: 'waiting',
  };
}

function open() {
  const clock = new VirtualClock();
  const answers: ((delivery: Delivery) => void)[] = [];
  const records: (() => void)[] = [];
  const ended: string[] = [];
  const queue = new DeliveryQueue(
    {
      key: 'team/webhook/0',
      receiver: 'team',
      note: null,
      rateLimit: null,
      integration: new RecordingReceiver(),
      settings: null,
    },
    {
      clock,
      random: createSeededRandom(1),
      maxAgeMs: HOUR_MS,
      send: () => new Promise((resolve) => answers.push(resolve)),
      onWaits: () => undefined,
      mayBegin: () => true,
      onTried: ({ notification }, { isFinal, delivery }) => {
        if (isFinal) ended.push(`${notification.id} ${delivery.outcome}`);
        return new Promise((resolve) => records.push(resolve));
      },
    },
  );
  const push = (count: number): void => {
    for (let at = 0; at < count; at++) queue.push(outstanding(`n${at}`, clock.wallMs()));
  };
  return { clock, queue, answers, records, ended, push };
}

it('has so many messages on their way at once, and one where the receiver does not answer', async () => {
  const { clock, answers, records, push } = open();
  push(3 * maxDeliveriesAtOnce);
  expect(answers).toHaveLength(maxDeliveriesAtOnce);
  for (const answer of answers.splice(0)) answer(failed('timeout', { retryable: true }));
  await clock.advance(0);
  for (const record of records.splice(0)) record();
  await clock.advance(0);
  expect(answers).toHaveLength(1);
  answers.pop()?.(DELIVERED);
  await clock.advance(0);
  expect(answers).toHaveLength(maxDeliveriesAtOnce);
});

it('sends no more while so many answers wait to be written down', async () => {
  const { clock, answers, records, push } = open();
  push(2 * maxUnrecordedDeliveries);
  for (let sent = 0; sent < 2 * maxUnrecordedDeliveries && answers.length > 0;) {
    for (const answer of answers.splice(0)) {
      sent++;
      answer(DELIVERED);
    }
    await clock.advance(0);
  }
  expect(records.length).toBeGreaterThanOrEqual(maxUnrecordedDeliveries);
  expect(records.length).toBeLessThan(maxUnrecordedDeliveries + maxDeliveriesAtOnce);
  expect(answers).toEqual([]);
  records.shift()?.();
  for (const record of records.splice(0)) record();
  await clock.advance(0);
  expect(answers.length).toBeGreaterThan(0);
});

it('gives a message up that nobody has taken for too long', async () => {
  const { clock, answers, records, ended, push } = open();
  push(1);
  for (let tries = 0; ended.length === 0 && tries < 1000; tries++) {
    answers.pop()?.(failed('connection', { retryable: true }));
    await clock.advance(0);
    for (const record of records.splice(0)) record();
    await clock.advance(60_000);
  }
  expect(ended).toEqual(['n0 failed']);
  expect(clock.monotonicMs()).toBeGreaterThan(HOUR_MS);
  expect(clock.monotonicMs()).toBeLessThan(HOUR_MS + 5 * 60_000);
});
