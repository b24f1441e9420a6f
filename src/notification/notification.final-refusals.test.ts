import { describe, expect, it } from 'vitest';
import { DELIVERED, failed, testRoute, useTestNotification } from './notification.test-support.ts';
import type { Delivery } from './receivers/integration.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const A = { alertname: 'A', group: 'one' };
const B = { alertname: 'B', group: 'one' };

const test = useTestNotification();
const { open, pass } = test;

describe('a receiver that refuses for good', () => {
  it('is tried again at each interval with one message, which is told of once for each answer', async () => {
    const team = await open();
    team.answer = () => failed('clientError', { retryable: false });
    await test.stage.alerts.fire({ a: A, b: B });
    await pass(10 * SECOND);
    const told = async () => {
      await test.stage.notification.decisions.settled();
      const { decisions, messages } = await test.stage.notification.explain('a');
      const events = await test.stage.events();
      return {
        messages: messages.map(({ state, attempts }) => `${state} after ${attempts}`),
        queued: decisions.filter(({ stage }) => stage === 'delivery').length,
        failed: events.filter(({ event_type: type }) => type === 'notification.failed').length,
      };
    };
    await pass(60 * MINUTE);
    expect(team.take()).toHaveLength(61);
    expect(await told()).toEqual({ messages: ['failed after 61'], queued: 1, failed: 1 });
    team.answer = () => failed('authError', { retryable: false });
    await pass(10 * MINUTE);
    expect(await told()).toEqual({ messages: ['failed after 71'], queued: 1, failed: 2 });
    team.take();
    team.answer = () => DELIVERED;
    await pass(MINUTE);
    expect(await told()).toEqual({ messages: ['delivered after 72'], queued: 1, failed: 2 });
    // It counts from when it was taken: its repetition is not due yet, though it was decided more than an hour ago.
    await pass(50 * MINUTE);
    expect(team.take()).toEqual(['first_notification +b +a']);
  });

  it('goes on with that message after a crash', async () => {
    const team = await open();
    team.answer = () => failed('clientError', { retryable: false });
    await test.stage.alerts.fire({ a: A });
    await pass(5 * MINUTE + 10 * SECOND);
    const before = team.take().length;
    const hanging = Promise.withResolvers<Delivery>();
    team.answer = () => hanging.promise;
    await pass(MINUTE);
    expect([before, team.take().length]).toEqual([6, 1]);
    test.stage.killAfterCommits(0);
    team.answer = () => DELIVERED;
    await test.stage.revive();
    await pass(SECOND);
    expect(team.take()).toEqual(['first_notification +a']);
    const { messages } = await test.stage.notification.explain('a');
    expect(messages.map(({ state }) => state)).toEqual(['delivered']);
  });

  it('that has not taken an end for as long as a message is tried is not told of it any more', async () => {
    const team = await open({ route: testRoute({ groupIntervalMs: 60 * MINUTE }) });
    await test.stage.alerts.fire({ a: A });
    await pass(11 * SECOND);
    expect(team.take()).toEqual(['first_notification +a']);
    team.answer = () => failed('connection', { retryable: true });
    await test.stage.alerts.resolve('a');
    await pass(26 * 60 * MINUTE);
    expect(team.take().at(-1)).toBe('all_resolved -a');
    await pass(30 * 60 * MINUTE);
    expect(team.take()).toEqual([]);
    expect([...test.stage.notification.dispatcher.groups()]).toEqual([]);
    const { messages } = await test.stage.notification.explain('a');
    expect(messages.map(({ state }) => state)).toEqual(['delivered', 'failed']);
  });
});
