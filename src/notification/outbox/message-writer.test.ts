import { afterEach, expect, it } from 'vitest';
import {
  DELIVERED,
  failed,
  openNotificationStage,
  RecordingReceiver,
  testRoute,
  type NotificationStage,
} from '../notification.test-support.ts';

const SECOND = 1000;
const A = { alertname: 'A' };

let stage: NotificationStage;
afterEach(() => stage.close());

async function open(reachable: Promise<unknown>): Promise<RecordingReceiver> {
  const team = new RecordingReceiver();
  const route = testRoute({ groupWaitMs: 0 });
  stage = await openNotificationStage({ route, receivers: { team: [team] }, reachable });
  return team;
}

// The longer one is more than a delivery may take.
it.each([1, 60])(
  'a message waits %d s for a server that does not listen yet, and arrives once',
  async (seconds) => {
    const reach = Promise.withResolvers<undefined>();
    const team = await open(reach.promise);
    await stage.alerts.fire({ a: A });
    await stage.clock.advance(seconds * SECOND);
    expect(team.take()).toEqual([]);
    reach.resolve(undefined);
    await stage.clock.advance(seconds * SECOND);
    expect(team.take()).toEqual(['first_notification +a']);
    await stage.clock.advance(seconds * SECOND);
    expect(team.take()).toEqual([]);
  },
);

it('a message is left to the next run by a server that never came to listen', async () => {
  const team = await open(new Promise(() => {}));
  await stage.alerts.fire({ a: A });
  await stage.clock.advance(SECOND);
  await stage.restart({
    route: testRoute({ groupWaitMs: 0 }),
    receivers: { team: [team] },
  });
  await stage.clock.advance(SECOND);
  expect(team.take()).toEqual(['first_notification +a']);
});

it('a message that is too long links to those of its alerts that it names', async () => {
  const team = await open(Promise.resolve());
  team.answer = ({ alerts }) =>
    alerts.length > 2 ? failed('clientError', { retryable: false, isTooLong: true }) : DELIVERED;
  const alerts = Array.from({ length: 8 }, (_, at) => [`a${at}`, { ...A, at: String(at) }] as const);
  await stage.alerts.fire(Object.fromEntries(alerts));
  await stage.clock.advance(SECOND);
  const [whole, named] = team.messages;
  const link = `http://omoi.test/n/${whole?.notificationId}`;
  expect([whole?.acknowledgeAll, named?.acknowledgeAll]).toEqual([link, `${link}/first/2`]);
  expect([whole?.alerts.length, named?.alerts.length]).toEqual([8, 2]);
});
