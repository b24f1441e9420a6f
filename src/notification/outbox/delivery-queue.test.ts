import { describe, expect, it } from 'vitest';
import { createSeededRandom, nextTurn, VirtualClock } from '#telemetry';
import { DELIVERED, failed, RecordingReceiver } from '../notification.test-support.ts';
import type { Delivery } from '../receivers/integration.ts';
import {
  DeliveryQueue,
  maxDeliveriesAtOnce,
  maxFailuresInARow,
  maxPassedOverAtOnce,
  withhold,
  type Outstanding,
} from './delivery-queue.ts';
import type { RunningIntegration } from './running-integration.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

interface Stage {
  readonly clock: VirtualClock;
  readonly queue: DeliveryQueue;
  /** What was sent since it was asked before. */
  take(): readonly string[];
  answer: Delivery | ((id: string) => Delivery | Promise<Delivery>);
  mayBegin: (id: string) => boolean;
  push(id: string): void;
}

const running: RunningIntegration = {
  key: 'team/webhook/0',
  receiver: 'team',
  note: null,
  rateLimit: null,
  integration: new RecordingReceiver(),
  settings: { url: 'http://one.test' },
};
/** As a reload makes it of the same settings, and of others. */
const reloaded = { ...running, settings: { ...Object(running.settings) } };
const moved = { ...running, settings: { url: 'http://two.test' } };

function open(): Stage {
  const clock = new VirtualClock();
  const sent: string[] = [];
  const queue = new DeliveryQueue(running, {
    clock,
    random: createSeededRandom(1),
    maxAgeMs: 24 * HOUR,
    send: ({ notification: { id } }) => {
      sent.push(id);
      const { answer } = stage;
      return Promise.resolve(typeof answer === 'function' ? answer(id) : answer);
    },
    onTried: () => Promise.resolve(),
    onWaits: () => undefined,
    mayBegin: ({ notification: { id } }) => stage.mayBegin(id),
  });
  const stage: Stage = {
    clock,
    queue,
    take: () => sent.splice(0),
    answer: DELIVERED,
    mayBegin: () => true,
    push(id) {
      const nowMs = clock.wallMs();
      // Of the message the queue reads no more than this.
      const notification = { id, createdAtMs: nowMs } as Outstanding['notification'];
      queue.push({ notification, attempts: 0, nextAttemptAtMs: nowMs, state: 'waiting' });
    },
  };
  return stage;
}

function pushMany(stage: Stage, count: number): void {
  for (let at = 0; at < count; at++) stage.push(`m${at}`);
}

describe('many messages for one receiver', () => {
  it('that limits the rate without saying for how long: one a rest, which grows to a minute', async () => {
    const stage = open();
    stage.answer = failed('rateLimited', { retryable: true });
    pushMany(stage, 1000);
    await stage.clock.advance(5 * MINUTE);
    expect(stage.take().length).toBeLessThan(30);
    await stage.clock.advance(10 * MINUTE);
    expect(stage.take().length).toBeLessThanOrEqual(20);
    stage.answer = DELIVERED;
    await stage.clock.advance(2 * MINUTE);
    expect(stage.take()).toHaveLength(1000);
    expect(stage.queue.size).toBe(0);
  });

  it('that does not answer: each is tried once, then one after a rest, which grows to a minute', async () => {
    const stage = open();
    stage.answer = failed('connection', { retryable: true });
    pushMany(stage, 1000);
    await stage.clock.advance(MINUTE);
    expect(stage.take().length).toBeLessThan(1030);
    await stage.clock.advance(10 * MINUTE);
    expect(stage.take().length).toBeLessThanOrEqual(20);
    stage.answer = DELIVERED;
    await stage.clock.advance(2 * MINUTE);
    expect(stage.take()).toHaveLength(1000);
    expect(stage.queue.size).toBe(0);
  });

  it('of which none may begin: some are passed over in a turn, and what may begin comes behind them', async () => {
    const stage = open();
    let asked = 0;
    stage.mayBegin = (id) => {
      asked++;
      return id === 'last';
    };
    stage.queue.hold();
    pushMany(stage, 2 * maxPassedOverAtOnce);
    stage.push('last');
    stage.queue.release();
    expect(asked).toBe(maxPassedOverAtOnce);
    await nextTurn();
    expect([asked, stage.take()]).toEqual([2 * maxPassedOverAtOnce, []]);
    await nextTurn();
    expect([asked, stage.take()]).toEqual([2 * maxPassedOverAtOnce + 1, ['last']]);
  });

  it('that fails on one of them: a new one goes at once', async () => {
    const stage = open();
    stage.answer = (id) => (id === 'bad' ? failed('serverError', { retryable: true }) : DELIVERED);
    stage.push('bad');
    await stage.clock.advance(10 * MINUTE);
    expect(stage.take().length).toBeGreaterThan(maxFailuresInARow);
    stage.push('new');
    await stage.clock.advance(0);
    expect(stage.take()).toContain('new');
  });

  it('that does not answer, until it is at another address', async () => {
    const stage = open();
    stage.answer = failed('timeout', { retryable: true });
    pushMany(stage, 100);
    await stage.clock.advance(10 * MINUTE);
    stage.take();
    stage.answer = DELIVERED;
    stage.queue.replace(running);
    await stage.clock.advance(0);
    expect(stage.take().length).toBeGreaterThan(90);
  });
});

it('what hangs at an address of before holds nothing up at the one that is in force, and goes there when it has failed', async () => {
  const stage = open();
  const hanging = Promise.withResolvers<Delivery>();
  stage.answer = () => hanging.promise;
  pushMany(stage, 100);
  await stage.clock.advance(SECOND);
  expect(stage.take()).toHaveLength(maxDeliveriesAtOnce);
  stage.answer = DELIVERED;
  stage.queue.replace(moved);
  await stage.clock.advance(SECOND);
  expect(stage.take()).toHaveLength(100 - maxDeliveriesAtOnce);
  expect(stage.queue.size).toBe(maxDeliveriesAtOnce);
  hanging.resolve(failed('clientError', { retryable: false }));
  await stage.clock.advance(0);
  expect(stage.take()).toHaveLength(maxDeliveriesAtOnce);
  expect(stage.queue.size).toBe(0);
});

describe('a rest for which a receiver has asked', () => {
  it.each([
    ['goes on over a reload that does not change it', reloaded, 0],
    ['is over when the receiver is another one by its settings', moved, 10],
  ])('%s', async (_, successor, sent) => {
    const stage = open();
    stage.answer = failed('rateLimited', { retryable: true, retryAfterMs: 10 * MINUTE });
    pushMany(stage, 10);
    await stage.clock.advance(SECOND);
    expect(stage.take().length).toBeGreaterThan(0);
    stage.answer = DELIVERED;
    stage.queue.replace(successor);
    await stage.clock.advance(0);
    expect(stage.take()).toHaveLength(sent);
    await stage.clock.advance(10 * MINUTE);
    expect(stage.take()).toHaveLength(10 - sent);
    expect(stage.queue.size).toBe(0);
  });
});

describe('a wall clock that is set back', () => {
  it('delays no try by more than a quarter of an hour', async () => {
    const stage = open();
    const nowMs = stage.clock.wallMs();
    const notification = { id: 'old', createdAtMs: nowMs } as Outstanding['notification'];
    stage.queue.push({ notification, attempts: 3, nextAttemptAtMs: nowMs + 5 * HOUR, state: 'waiting' });
    await stage.clock.advance(15 * MINUTE);
    expect(stage.take()).toEqual(['old']);
  });

  it('does not lengthen the rest for which a receiver has asked', async () => {
    const stage = open();
    stage.answer = failed('rateLimited', { retryable: true, retryAfterMs: 30 * SECOND });
    stage.push('a');
    await stage.clock.advance(SECOND);
    stage.answer = DELIVERED;
    stage.clock.stepWallClock(-5 * HOUR);
    stage.push('b');
    await stage.clock.advance(30 * SECOND);
    expect(stage.take()).toEqual(['a', 'a', 'b']);
  });
});

it('a message that was given up while a try of it failed is not tried again', async () => {
  const stage = open();
  const answer = Promise.withResolvers<Delivery>();
  stage.answer = () => answer.promise;
  const notification = { id: 'a', createdAtMs: stage.clock.wallMs() } as Outstanding['notification'];
  const outstanding: Outstanding = { notification, attempts: 0, nextAttemptAtMs: 0, state: 'waiting' };
  stage.queue.push(outstanding);
  expect(stage.take()).toEqual(['a']);
  outstanding.state = 'ended';
  answer.resolve(failed('serverError', { retryable: true }));
  await stage.clock.advance(HOUR);
  expect(stage.take()).toEqual([]);
  expect(outstanding.state).toBe('ended');
  expect(stage.queue.size).toBe(0);
});

it.each([
  ['waiting', true],
  ['replaced', true],
  ['sending', false],
  ['ended', false],
] as const)('a message that is %s can be kept from being begun: %s', (state, isWithheld) => {
  const notification = { id: 'a' } as Outstanding['notification'];
  const outstanding: Outstanding = { notification, attempts: 0, nextAttemptAtMs: 0, state };
  expect(withhold(outstanding)).toBe(isWithheld);
  expect(outstanding.state).toBe(isWithheld ? 'replaced' : state);
});
