import { describe, expect, it } from 'vitest';
import {
  DELIVERED,
  failed,
  prepared,
  RecordingReceiver,
  testRoute,
  useTestNotification,
} from './notification.test-support.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const A = { alertname: 'A', group: 'one' };
const C = { alertname: 'C', group: 'two' };

const test = useTestNotification();
const { open, pass } = test;

describe('another configuration', () => {
  it('routes what fires anew, tells nothing twice of groups that stay, and forgets those that are gone with their alerts', async () => {
    const team = await open();
    await test.stage.alerts.fire({ a: A, c: C });
    await pass(11 * SECOND);
    expect(team.take()).toHaveLength(2);
    await test.stage.notification.take(prepared({ receivers: { team: [team] } }));
    await pass(2 * MINUTE);
    expect(team.take()).toEqual([]);
    const other = testRoute({ id: '{}/0', key: '{}/{x="y"}' });
    await test.stage.notification.take(prepared({ route: other, receivers: { team: [team] } }));
    await pass(MINUTE);
    expect(team.take().toSorted()).toEqual(['first_notification +a', 'first_notification +c']);
    const known = async (): Promise<readonly string[]> => {
      const { reader } = test.stage.database;
      const log = await reader.selectFrom('notification_log').select('group_id').execute();
      return log.map(({ group_id: id }) => id).toSorted();
    };
    const there = (): readonly string[] =>
      Array.from(test.stage.notification.dispatcher.groups(), ({ id }) => id).toSorted();
    expect(await known()).toHaveLength(4);
    expect(await known()).toEqual(expect.arrayContaining([...there()]));
    await test.stage.alerts.resolve('a');
    await pass(2 * MINUTE);
    expect([(await known()).length, there().length]).toEqual([2, 1]);
    await test.stage.alerts.resolve('c');
    await pass(2 * MINUTE);
    expect([await known(), there()]).toEqual([[], []]);
  });

  it('gives up what waits for a receiver that is gone', async () => {
    const team = await open();
    team.answer = () => failed('connection', { retryable: true });
    await test.stage.alerts.fire({ a: A });
    await pass(11 * SECOND);
    const successor = new RecordingReceiver({ index: 1 });
    await test.stage.notification.take(prepared({ receivers: { team: [successor] } }));
    await pass(2 * MINUTE);
    expect(successor.take()).toEqual(['first_notification +a']);
    const pending = await test.stage.notification.messages({ state: 'pending', limit: 10 });
    expect(pending.messages).toEqual([]);
    const { messages } = await test.stage.notification.explain('a');
    expect(messages.map(({ state }) => state)).toEqual(['superseded', 'delivered']);
  });

  it('sends no message of before twice when its receiver is there again', async () => {
    const team = await open();
    team.answer = () => failed('connection', { retryable: true });
    await test.stage.alerts.fire({ a: A });
    await pass(11 * SECOND);
    await test.stage.notification.take(prepared({ receivers: { team: [] } }));
    await pass(MINUTE);
    await test.stage.notification.take(prepared({ receivers: { team: [team] } }));
    await pass(MINUTE);
    team.take();
    team.answer = () => DELIVERED;
    await test.stage.restart();
    await pass(2 * MINUTE);
    expect(team.take()).toEqual(['first_notification +a']);
  });
});
