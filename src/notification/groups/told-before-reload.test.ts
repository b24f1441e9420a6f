import { beforeEach, describe, expect, it } from 'vitest';
import {
  DELIVERED,
  failed,
  RecordingReceiver,
  testRoute,
  useTestNotification,
} from '../notification.test-support.ts';
import { A, expectNothingKept, fireTogether, parted, reloading } from './reload.test-support.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

const test = useTestNotification();
const { pass } = test;
let ada: RecordingReceiver;
let grace: RecordingReceiver;

const toAda = testRoute({ receiver: 'ada' });
const toGrace = testRoute({ receiver: 'grace' });

beforeEach(async () => {
  ada = new RecordingReceiver();
  grace = new RecordingReceiver();
  await open({ route: toAda });
});

const { open, reload, restart } = reloading(test, (changes) => ({
  receivers: { ada: [ada], grace: [grace] },
  ...changes,
}));

async function told(...alertIds: readonly ('a' | 'b')[]): Promise<void> {
  await fireTogether(test.stage, alertIds);
  await pass(11 * SECOND);
  expect(ada.take()).toHaveLength(1);
}

async function reasonsOf(alertId: string): Promise<readonly string[]> {
  await test.stage.notification.decisions.settled();
  const { decisions } = await test.stage.notification.explain(alertId);
  return decisions.filter(({ stage }) => stage === 'dedup').map(({ reason }) => reason);
}

/** Nothing is left to tell, or to remember. */
async function expectNothingLeft(): Promise<void> {
  await pass(10 * MINUTE);
  expect([ada.take(), grace.take()]).toEqual([[], []]);
  await expectNothingKept(test.stage);
}

describe('who was told of an alert, and is told of it no more since a reload,', () => {
  it('hears of its end, once', async () => {
    await told('a');
    await reload({ route: toGrace });
    await pass(2 * MINUTE);
    expect([ada.take(), grace.take()]).toEqual([[], ['first_notification +a']]);
    await test.stage.alerts.resolve('a');
    await pass(MINUTE);
    expect([ada.take(), grace.take()]).toEqual([['all_resolved -a'], ['all_resolved -a']]);
    await expectNothingLeft();
  });

  it('hears of it, too, where the group has changed, over a restart as well', async () => {
    await told('a');
    await reload({ route: parted('grace') });
    await pass(2 * MINUTE);
    expect(grace.take()).toEqual(['first_notification +a']);
    await restart({ route: parted('grace') });
    await test.stage.alerts.resolve('a');
    await pass(2 * MINUTE);
    expect([ada.take(), grace.take()]).toEqual([['all_resolved -a'], ['all_resolved -a']]);
    await expectNothingLeft();
  });

  it('hears of it when what was being sent as the reload came has arrived', async () => {
    const { promise, resolve } = Promise.withResolvers<typeof DELIVERED>();
    ada.answer = () => promise;
    await test.stage.alerts.fire({ a: A });
    await pass(10 * SECOND);
    await reload({ route: parted('grace') });
    ada.answer = () => DELIVERED;
    resolve(DELIVERED);
    await pass(MINUTE);
    expect([ada.take(), grace.take()]).toEqual([['first_notification +a'], ['first_notification +a']]);
    await test.stage.alerts.resolve('a');
    await pass(2 * MINUTE);
    expect([ada.take(), grace.take()]).toEqual([['all_resolved -a'], ['all_resolved -a']]);
    await expectNothingLeft();
  });

  it('hears of each end once of several, and until they take it', async () => {
    await told('a', 'b');
    await reload({ route: parted('grace') });
    await pass(MINUTE);
    ada.answer = () => failed('connection', { retryable: true });
    await test.stage.alerts.resolve('a');
    await pass(3 * MINUTE);
    expect(ada.take()).toContain('new_resolved -a');
    ada.answer = () => DELIVERED;
    await pass(2 * MINUTE);
    expect(ada.take()).toEqual(['new_resolved -a']);
    await test.stage.alerts.resolve('b');
    await pass(2 * MINUTE);
    expect(ada.take()).toEqual(['all_resolved -b']);
    grace.take();
    await expectNothingLeft();
  });

  it('hears of it when they take it again, where they refuse for good, and for a day at most', async () => {
    await told('a', 'b');
    await reload({ route: parted('grace') });
    await pass(MINUTE);
    ada.answer = () => failed('clientError', { retryable: false });
    await test.stage.alerts.resolve('a');
    await pass(10 * MINUTE);
    expect(ada.take().length).toBeGreaterThan(5);
    ada.answer = () => DELIVERED;
    await pass(2 * MINUTE);
    expect(ada.take()).toEqual(['new_resolved -a']);
    ada.answer = () => failed('clientError', { retryable: false });
    await test.stage.alerts.resolve('b');
    await pass(25 * 60 * MINUTE);
    expect(ada.take()).toContain('all_resolved -b');
    grace.take();
    await expectNothingLeft();
  });

  it('hears of the end of the newest of an alert that comes back before its end was told', async () => {
    await told('a');
    await reload({ route: parted('grace') });
    await pass(MINUTE);
    await test.stage.alerts.resolve('a');
    await test.stage.alerts.fire({ a2: A });
    await pass(2 * MINUTE);
    expect([ada.take(), grace.take()]).toEqual([[], ['first_notification +a']]);
    await test.stage.alerts.resolve('a2');
    await pass(2 * MINUTE);
    expect([ada.take(), grace.take()]).toEqual([['all_resolved -a2'], ['all_resolved -a2']]);
    await expectNothingLeft();
  });

  it('is not told where it takes no such messages', async () => {
    ada = new RecordingReceiver({ sendResolved: false });
    await reload({ route: toAda });
    await told('a');
    await reload({ route: parted('grace') });
    await test.stage.alerts.resolve('a');
    await pass(2 * MINUTE);
    grace.take();
    await expectNothingLeft();
  });

  it('hears of it at the same address under another name', async () => {
    const settingsOf = (key: string) => ({ url: key.startsWith('grace') ? 'grace' : 'ada' });
    await reload({ route: toAda, settingsOf });
    await told('a');
    await reload({ route: toGrace, settingsOf, receivers: { lovelace: [ada], grace: [grace] } });
    await pass(MINUTE);
    await test.stage.alerts.resolve('a');
    await pass(MINUTE);
    expect([ada.take(), grace.take()]).toEqual([
      ['all_resolved -a'],
      ['first_notification +a', 'all_resolved -a'],
    ]);
    expect(await reasonsOf('a')).toEqual([]);
    await expectNothingLeft();
  });

  it('hears of it once where the group tells that address anyway', async () => {
    const settingsOf = () => ({ url: 'ada' });
    await reload({ route: toAda, settingsOf });
    await told('a');
    await test.stage.alerts.resolve('a');
    await pass(1);
    await reload({ route: testRoute({ receiver: 'lovelace' }), settingsOf, receivers: { lovelace: [ada] } });
    await pass(2 * MINUTE);
    expect(ada.take()).toEqual(['all_resolved -a']);
    await expectNothingLeft();
  });

  it('where nothing reaches them any more the explanation says so', async () => {
    await told('a');
    await test.stage.alerts.resolve('a');
    await pass(1);
    await reload({ route: toGrace, receivers: { grace: [grace] } });
    await pass(3 * MINUTE);
    expect(grace.take()).toEqual(['all_resolved -a']);
    expect(await reasonsOf('a')).toEqual([
      'ada/webhook/0 was told that it fires and is not configured any more: nobody hears there that it is over',
    ]);
    await expectNothingLeft();
  });
});

describe('an end that waits to be told as a reload changes the groups', () => {
  it('is told once', async () => {
    await told('a', 'b');
    ada.answer = () => failed('connection', { retryable: true });
    await test.stage.alerts.resolve('a', 'b');
    await pass(2 * MINUTE);
    await reload({ route: parted('ada') });
    await pass(2 * MINUTE);
    ada.take();
    ada.answer = () => DELIVERED;
    await pass(3 * MINUTE);
    expect(ada.take()).toEqual(['all_resolved -b -a']);
    expect(await reasonsOf('a')).toEqual([
      'ada/webhook/0: the group that told it before a reload has changed the groups tells that it is over',
    ]);
    await expectNothingLeft();
  });

  it('is told once, too, where the server begins anew with that', async () => {
    await told('a');
    ada.answer = () => failed('connection', { retryable: true });
    await test.stage.alerts.resolve('a');
    await pass(2 * MINUTE);
    ada.take();
    ada.answer = () => DELIVERED;
    await restart({ route: parted('ada') });
    await pass(3 * MINUTE);
    expect(ada.take()).toEqual(['all_resolved -a']);
    await expectNothingLeft();
  });

  it('is told by the group of before, and what fires on by the new one', async () => {
    await told('a', 'b');
    ada.answer = () => failed('connection', { retryable: true });
    await test.stage.alerts.resolve('a');
    await pass(2 * MINUTE);
    await reload({ route: parted('ada') });
    await pass(SECOND);
    ada.take();
    ada.answer = () => DELIVERED;
    await pass(5 * MINUTE);
    expect(ada.take().toSorted()).toEqual(['first_notification +b', 'new_resolved +b -a']);
    await test.stage.alerts.resolve('b');
    await pass(2 * MINUTE);
    expect(ada.take()).toEqual(['all_resolved -b']);
    await expectNothingLeft();
  });

  it.each([
    ['without what is over by then', 500, 'new_resolved -a'],
    ['as what it names is by then, where it has no room for others', 1, 'new_resolved -b'],
  ])('is told %s, of which the new group has told the end', async (_, maxAlerts, last) => {
    ada = new RecordingReceiver({ maxAlerts });
    await reload({ route: toAda });
    await told('a', 'b');
    ada.answer = ({ groupKey }) =>
      groupKey.startsWith('{}:') ? failed('connection', { retryable: true }) : DELIVERED;
    await test.stage.alerts.resolve('a');
    await pass(2 * MINUTE);
    await reload({ route: parted('ada') });
    await pass(11 * SECOND);
    await test.stage.alerts.resolve('b');
    ada.take();
    await pass(MINUTE);
    expect(ada.take()).toContain('all_resolved -b');
    ada.answer = () => DELIVERED;
    await pass(5 * MINUTE);
    expect(ada.take()).toEqual([last]);
    await expectNothingLeft();
  });

  it('is told once where the reload is taken back meanwhile', async () => {
    await told('a');
    await reload({ route: parted('ada') });
    await pass(MINUTE);
    expect(ada.take()).toEqual(['first_notification +a']);
    ada.answer = () => failed('connection', { retryable: true });
    await test.stage.alerts.resolve('a');
    await pass(2 * MINUTE);
    await reload({ route: toAda });
    await pass(2 * MINUTE);
    ada.take();
    ada.answer = () => DELIVERED;
    await pass(5 * MINUTE);
    expect(ada.take()).toEqual(['all_resolved -a']);
    await expectNothingLeft();
  });

  it('is a plain end where the reload came before it, and nobody had heard of the alert from the new group', async () => {
    await told('a');
    await reload({ route: { ...parted('ada'), groupWaitMs: MINUTE } });
    await test.stage.alerts.resolve('a');
    await pass(2 * MINUTE);
    expect(ada.take()).toEqual(['all_resolved -a']);
    await expectNothingLeft();
  });
});

describe('a reload that is taken back by another one', () => {
  it.each([
    ['before the groups that it made have told', 30 * MINUTE, []],
    ['after they have', 0, ['all_resolved -b -a']],
  ])('%s tells nothing anew', async (_, groupWaitMs, toldToGrace) => {
    await told('a', 'b');
    await reload({ route: { ...parted('grace'), groupWaitMs } });
    await pass(2 * MINUTE);
    grace.take();
    await reload({ route: toAda });
    await pass(10 * MINUTE);
    expect([ada.take(), grace.take()]).toEqual([[], []]);
    await pass(60 * MINUTE);
    expect(ada.take()).toEqual(['repeat +b +a']);
    await test.stage.alerts.resolve('a', 'b');
    await pass(2 * MINUTE);
    expect([ada.take(), grace.take()]).toEqual([['all_resolved -b -a'], toldToGrace]);
    await expectNothingLeft();
  });

  it('also over restarts in between', async () => {
    await told('a');
    await restart({ route: parted('grace') });
    await pass(2 * MINUTE);
    expect(grace.take()).toEqual(['first_notification +a']);
    await restart({ route: parted('grace') });
    await pass(MINUTE);
    await restart({ route: toAda });
    await pass(10 * MINUTE);
    expect([ada.take(), grace.take()]).toEqual([[], []]);
  });

  it('tells of what has come meanwhile, and of nothing that has ended', async () => {
    await told('a', 'b');
    await reload({ route: parted('grace') });
    await pass(MINUTE);
    await test.stage.alerts.resolve('a');
    await pass(2 * MINUTE);
    expect(ada.take()).toEqual(['new_resolved -a']);
    await test.stage.alerts.fire({ a2: A, c: { ...A, alertname: 'C' } });
    await pass(SECOND);
    await reload({ route: toAda });
    await pass(5 * MINUTE);
    expect(ada.take()).toEqual(['new_alerts +b +c +a2']);
  });
});
