import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import {
  DELIVERED,
  failed,
  openNotificationStage,
  RecordingReceiver,
  testRoute,
  useTestNotification,
  type TestConfiguration,
} from './notification.test-support.ts';
import type { Delivery } from './receivers/integration.ts';
import { snoozeStage } from './stages/snooze-stage.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const A = { alertname: 'A', group: 'one' };
const B = { alertname: 'B', group: 'one' };
const C = { alertname: 'C', group: 'two' };

const test = useTestNotification();

const pass = (ms: number): Promise<void> => test.stage.clock.advance(ms);

async function open(configuration: TestConfiguration = {}): Promise<RecordingReceiver> {
  const team = new RecordingReceiver();
  test.stage = await openNotificationStage({ receivers: { team: [team] }, ...configuration });
  return team;
}

describe('a receiver that does not take a message', () => {
  it('is not the cause where the alerts cannot be read: the message goes out when they can', async () => {
    const team = await open();
    test.stage.alerts.failure = 'the database is away';
    await test.stage.alerts.fire({ a: A });
    await pass(11 * SECOND);
    const { messages } = await test.stage.notification.explain('a');
    expect(messages).toMatchObject([
      { state: 'pending', answer: 'the alerts it is about cannot be read now: the database is away' },
    ]);
    test.stage.alerts.failure = null;
    await pass(10 * SECOND);
    expect(team.take()).toEqual(['first_notification +a']);
  });

  it('is not asked again before the next interval while another one hangs', async () => {
    const team = new RecordingReceiver();
    const hanging = new RecordingReceiver({ index: 1 });
    team.answer = () => failed('clientError', { retryable: false });
    hanging.answer = (_message, { signal }) => {
      const { promise, resolve } = Promise.withResolvers<Delivery>();
      signal.addEventListener('abort', () => resolve(failed('timeout', { retryable: true })));
      return promise;
    };
    test.stage = await openNotificationStage({ receivers: { team: [team, hanging] } });
    await test.stage.alerts.fire({ a: A });
    await pass(11 * SECOND);
    await test.stage.alerts.fire({ b: B });
    await pass(MINUTE);
    await pass(MINUTE);
    await pass(MINUTE);
    expect(team.take()).toEqual(['first_notification +a', ...Array(3).fill('first_notification +a +b')]);
  });

  it('hears what waits for it also where what was to take its place could not be written', async () => {
    const route = testRoute({ groupWaitMs: 0, groupIntervalMs: SECOND });
    const team = await open({ route, stages: [snoozeStage] });
    team.answer = () => failed('serverError', { retryable: true });
    await test.stage.alerts.fire({ a: A });
    await pass(SECOND);
    const during = async (statement: string): Promise<void> => {
      await test.stage.database.transaction(({ db }) => sql.raw(statement).execute(db));
    };
    await during(
      `create trigger full before insert on notifications begin select raise(abort, 'no room'); end`,
    );
    await test.stage.alerts.fire({ b: B });
    await pass(3 * SECOND);
    await test.stage.alerts.snooze('b', 60 * MINUTE);
    await pass(5 * SECOND);
    await during('drop trigger full');
    team.take();
    team.answer = () => DELIVERED;
    await pass(5 * MINUTE);
    expect(team.take()).toEqual(['first_notification +a']);
  });

  it('is not told for ever of what is over, where it refuses for good', async () => {
    const team = await open({ route: testRoute({ groupIntervalMs: 60 * MINUTE }) });
    team.answer = () => failed('clientError', { retryable: false });
    await test.stage.alerts.fire({ a: A, b: B, c: C });
    await pass(11 * SECOND);
    await test.stage.alerts.resolve('b', 'c');
    await pass(23 * 60 * MINUTE);
    expect(Array.from(test.stage.notification.dispatcher.groups(), ({ members }) => members.size)).toEqual([
      2, 1,
    ]);
    await pass(3 * 60 * MINUTE);
    expect(Array.from(test.stage.notification.dispatcher.groups(), ({ members }) => members.size)).toEqual([
      1,
    ]);
    const rows = await test.stage.database.reader.selectFrom('notification_alerts').selectAll().execute();
    expect(rows.map(({ alert_id: id }) => id)).toEqual(['a']);
    team.take();
    team.answer = () => DELIVERED;
    await pass(60 * MINUTE);
    expect(team.take()).toEqual(['first_notification +a']);
  });

  it('is told of the newest where an alert comes back faster than it is told of; the others say so', async () => {
    const team = await open();
    await test.stage.alerts.fire({ a1: A });
    await pass(SECOND);
    await test.stage.alerts.resolve('a1');
    await pass(SECOND);
    await test.stage.alerts.fire({ a2: A });
    await pass(10 * SECOND);
    expect(team.take()).toEqual(['first_notification +a2']);
    expect((await test.stage.notification.decisions.list('a1')).decisions).toMatchObject([
      { stage: 'routing', decision: 'routed' },
      {
        decision: 'replaced',
        reason: 'it was over, and the alert a2 of the same labels has taken its place',
      },
    ]);
  });
});
