import { describe, expect, it } from 'vitest';
import type { StateDatabase } from '#storage';
import {
  DELIVERED,
  failed,
  openNotificationStage,
  prepared,
  RecordingReceiver,
  testRoute,
  useTestNotification,
  type TestConfiguration,
} from '../notification.test-support.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const A = { alertname: 'A', group: 'one' };
const B = { alertname: 'B', group: 'one' };
const INTERVAL = { groupWaitMs: 0, groupIntervalMs: 2 * MINUTE };

const test = useTestNotification();
const { pass } = test;

/** Holds the next transaction of a pass until it is let go. */
class SlowDatabase {
  #next: { readonly asked: PromiseWithResolvers<void>; readonly mayWrite: Promise<void> } | null = null;

  readonly around = (database: StateDatabase): StateDatabase => ({
    ...database,
    transaction: async (work, options) => {
      // No other says whether it is urgent.
      if (this.#next && options?.urgent !== undefined) {
        const { asked, mayWrite } = this.#next;
        this.#next = null;
        asked.resolve();
        await mayWrite;
      }
      return database.transaction(work, options);
    },
  });

  /** @returns what is resolved once a pass waits, and what lets it go on */
  hold(): { readonly asked: Promise<void>; readonly letGo: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    this.#next = { asked, mayWrite: promise };
    return { asked: asked.promise, letGo: resolve };
  }
}

async function opened(configuration: TestConfiguration): Promise<SlowDatabase> {
  const slow = new SlowDatabase();
  test.stage = await openNotificationStage(configuration, slow.around);
  return slow;
}

describe('a message that waits for its next try while another one is written in its place', () => {
  it('is not begun, so that nobody is told twice', async () => {
    const team = new RecordingReceiver();
    team.answer = () => failed('serverError', { retryable: true, retryAfterMs: 2 * MINUTE + 5 * SECOND });
    const slow = await opened({ route: testRoute(INTERVAL), receivers: { team: [team] } });
    await test.stage.alerts.fire({ a: A });
    await pass(SECOND);
    expect(team.take()).toEqual(['first_notification +a']);
    await test.stage.alerts.fire({ b: B });
    const { asked, letGo } = slow.hold();
    await pass(2 * MINUTE);
    await asked;
    team.answer = () => DELIVERED;
    // The time of its next try comes while the other is being written.
    await pass(10 * SECOND);
    const begun = team.take();
    letGo();
    expect(begun).toEqual([]);
    await pass(10 * MINUTE);
    expect(team.take()).toEqual([expect.stringMatching(/^first_notification( \+[ab]){2}$/)]);
  });

  it('also where it tells an end in the place of a group that a reload has taken away', async () => {
    const before = new RecordingReceiver();
    const team = new RecordingReceiver();
    const receivers = { before: [before], team: [team] };
    const slow = await opened({ route: testRoute({ ...INTERVAL, receiver: 'before' }), receivers });
    await test.stage.alerts.fire({ a: A, b: B });
    await pass(SECOND);
    expect(before.take()).toEqual([expect.stringMatching(/^first_notification( \+[ab]){2}$/)]);
    const route = testRoute({ ...INTERVAL, id: '{}/other', key: '{}/other' });
    await test.stage.notification.take(prepared({ route, receivers }));
    await pass(SECOND);
    before.answer = () => failed('serverError', { retryable: true, retryAfterMs: 2 * MINUTE + 5 * SECOND });
    await test.stage.alerts.resolve('a');
    await pass(2 * MINUTE);
    expect(before.take()).toEqual(['new_resolved -a']);
    await test.stage.alerts.resolve('b');
    const { asked, letGo } = slow.hold();
    await pass(2 * MINUTE);
    await asked;
    before.answer = () => DELIVERED;
    await pass(10 * SECOND);
    const begun = before.take();
    letGo();
    expect(begun).toEqual([]);
    await pass(10 * MINUTE);
    expect(before.take()).toEqual([expect.stringMatching(/^all_resolved( -[ab]){2}$/)]);
    expect([...test.stage.notification.dispatcher.groups()]).toEqual([]);
  });
});

it('what could not be written holds up nothing that was: it goes out while the database is away, and is told once', async () => {
  const team = new RecordingReceiver();
  team.answer = () => failed('serverError', { retryable: true, retryAfterMs: 2 * MINUTE + 5 * SECOND });
  let isAway = false;
  test.stage = await openNotificationStage(
    { route: testRoute(INTERVAL), receivers: { team: [team] } },
    (database) => ({
      ...database,
      transaction: (work, options) =>
        isAway ? Promise.reject(new Error('away')) : database.transaction(work, options),
    }),
  );
  await test.stage.alerts.fire({ a: A });
  await pass(SECOND);
  expect(team.take()).toEqual(['first_notification +a']);
  await test.stage.alerts.fire({ b: B });
  await pass(SECOND);
  isAway = true;
  team.answer = () => DELIVERED;
  await pass(3 * MINUTE);
  expect(team.take()).toEqual(['first_notification +a']);
  isAway = false;
  await pass(10 * MINUTE);
  expect(team.take()).toEqual([expect.stringMatching(/^new_alerts .*\+b/)]);
  expect(test.stage.notification.outbox.pendingOf('team/webhook/0')).toBe(0);
});
