import { beforeEach, expect, it } from 'vitest';
import {
  DELIVERED,
  failed,
  openNotificationStage,
  RecordingReceiver,
  testRoute,
  useTestNotification,
} from '../notification.test-support.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const A = { alertname: 'A', group: 'one' };
const B = { alertname: 'B', group: 'one' };

const test = useTestNotification();
let ada: RecordingReceiver;
let grace: RecordingReceiver;
let onCall: string;

beforeEach(async () => {
  onCall = 'ada';
  ada = new RecordingReceiver();
  grace = new RecordingReceiver();
  test.stage = await openNotificationStage({
    route: testRoute({ groupWaitMs: 0 }),
    receivers: { ada: [ada], grace: [grace] },
    onCall: () => onCall,
  });
});

const pass = (ms: number): Promise<void> => test.stage.clock.advance(ms);

it('who was on call before hears of the end of what was told, and of nothing new', async () => {
  await test.stage.alerts.fire({ a: A });
  await pass(SECOND);
  expect(ada.take()).toEqual(['first_notification +a']);
  onCall = 'grace';
  await test.stage.alerts.fire({ b: B });
  await pass(2 * MINUTE);
  expect([ada.take(), grace.take()]).toEqual([[], ['first_notification +a +b']]);
  await test.stage.alerts.resolve('a');
  await pass(2 * MINUTE);
  expect([ada.take(), grace.take()]).toEqual([['all_resolved -a'], ['new_resolved +b -a']]);
  await test.stage.alerts.resolve('b');
  await pass(5 * MINUTE);
  expect([ada.take(), grace.take()]).toEqual([[], ['all_resolved -b']]);
  expect([...test.stage.notification.dispatcher.groups()]).toEqual([]);
});

it('the end waits for who was on call before until it is taken, also over a restart', async () => {
  await test.stage.alerts.fire({ a: A });
  await pass(1);
  await test.stage.alerts.fire({ b: B });
  await pass(2 * MINUTE);
  expect(ada.take()).toEqual(['first_notification +a', 'new_alerts +a +b']);
  onCall = 'grace';
  await pass(2 * MINUTE);
  expect(grace.take()).toEqual(['first_notification +a +b']);
  ada.answer = () => failed('connection', { retryable: true });
  await test.stage.alerts.resolve('a');
  await pass(3 * MINUTE);
  expect(grace.take()).toEqual(['new_resolved +b -a']);
  await test.stage.restart();
  ada.take();
  ada.answer = () => DELIVERED;
  await pass(5 * MINUTE);
  expect([ada.take(), grace.take()]).toEqual([['new_resolved -a'], []]);
});

it('what nobody has taken before the hand-over is told to who is on call then, and to nobody else', async () => {
  ada.answer = () => failed('connection', { retryable: true });
  await test.stage.alerts.fire({ a: A });
  await pass(SECOND);
  onCall = 'grace';
  await pass(2 * MINUTE);
  ada.take();
  ada.answer = () => DELIVERED;
  await test.stage.alerts.resolve('a');
  await pass(5 * MINUTE);
  expect([ada.take(), grace.take()]).toEqual([[], ['first_notification +a', 'all_resolved -a']]);
});

it.each([
  ['a first time', false],
  ['once more', true],
])(
  'who comes on call %s and has not heard of what ends is told that it is over: somebody had heard',
  async (_, again) => {
    if (again) {
      onCall = 'grace';
      await test.stage.alerts.fire({ b: B });
      await pass(SECOND);
      expect(grace.take()).toEqual(['first_notification +b']);
      onCall = 'ada';
      await test.stage.alerts.resolve('b');
      await pass(2 * MINUTE);
      grace.take();
      ada.take();
    }
    await test.stage.alerts.fire({ a: A });
    await pass(2 * MINUTE);
    expect(ada.take().at(-1)).toMatch(/\+a$/);
    onCall = 'grace';
    await test.stage.alerts.resolve('a');
    await pass(5 * MINUTE);
    expect([ada.take(), grace.take()]).toEqual([['all_resolved -a'], ['all_resolved -a']]);
    expect([...test.stage.notification.dispatcher.groups()]).toEqual([]);
  },
);

it('what fired and was over before anybody on call had heard of it is still told as such', async () => {
  ada.answer = () => failed('connection', { retryable: true });
  await test.stage.alerts.fire({ a: A });
  await pass(SECOND);
  onCall = 'grace';
  await test.stage.alerts.resolve('a');
  await pass(5 * MINUTE);
  expect(grace.take()).toEqual(['brief -a']);
});
