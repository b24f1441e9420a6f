import { expect, it } from 'vitest';
import {
  failed,
  openNotificationStage,
  prepared,
  RecordingReceiver,
  testRoute,
  useTestNotification,
} from '../notification.test-support.ts';
import type { Delivery } from '../receivers/integration.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const A = { alertname: 'A', group: 'one' };

const test = useTestNotification();
const { pass } = test;
const inWait = testRoute({ receiver: 'before', groupWaitMs: 0 });
const elsewhere = testRoute({ id: '{}/other', key: '{}/other', groupWaitMs: 0 });

async function knownGroups(): Promise<number> {
  const { reader } = test.stage.database;
  return (await reader.selectFrom('notification_log').select('group_id').execute()).length;
}

it.each(['fails', 'is given up by a reload'])(
  'what a group that is no more has told is forgotten when its last message %s',
  async (how) => {
    const [told, slow, team] = [0, 1, 0].map((index) => new RecordingReceiver({ index }));
    if (!told || !slow || !team) throw new Error('three were made');
    const receivers = { before: [told, slow], team: [team] };
    const answer = Promise.withResolvers<Delivery>();
    slow.answer = () => answer.promise;
    test.stage = await openNotificationStage({ route: inWait, receivers });
    await test.stage.alerts.fire({ a: A });
    await pass(SECOND);
    expect([told.take(), slow.take()]).toEqual([['first_notification +a'], ['first_notification +a']]);
    await test.stage.notification.take(prepared({ route: elsewhere, receivers }));
    await test.stage.alerts.resolve('a');
    await pass(5 * MINUTE);
    // All others have heard of it; what is on its way may arrive yet.
    expect(told.take()).toEqual(['all_resolved -a']);
    expect([...test.stage.notification.dispatcher.groups()]).toEqual([]);
    expect(await knownGroups()).toBe(1);
    if (how === 'fails') answer.resolve(failed('serverError', { retryable: true }));
    else
      await test.stage.notification.take(
        prepared({ route: elsewhere, receivers: { before: [told], team: [team] } }),
      );
    await pass(SECOND);
    expect(await knownGroups()).toBe(0);
    expect(slow.take()).toEqual([]);
  },
);
