import { describe, expect, it } from 'vitest';
import { testRoute, useTestNotification } from './notification.test-support.ts';
import { snoozeStage } from './stages/snooze-stage.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const A = { alertname: 'A', group: 'one' };
const B = { alertname: 'B', group: 'one' };

const test = useTestNotification();
const { open, pass } = test;

describe('an alert that is snoozed', () => {
  it('is told of again when its snooze ends, at once, and not before', async () => {
    const team = await open({ stages: [snoozeStage] });
    await test.stage.alerts.fire({ a: A });
    await pass(11 * SECOND);
    expect(team.take()).toEqual(['first_notification +a']);
    await test.stage.alerts.snooze('a', 120 * MINUTE);
    await pass(119 * MINUTE);
    expect(team.take()).toEqual([]);
    const messages = await test.stage.notification.messages({ limit: 10 });
    expect(messages.messages.map(({ message }) => message.reason)).toEqual(['first_notification']);
    await pass(MINUTE);
    await test.stage.alerts.unsnooze('a');
    await pass(SECOND);
    expect(team.take()).toEqual(['snooze_ended +a']);
    await pass(30 * MINUTE);
    expect(team.take()).toEqual([]);
  });

  it('stays so over a restart, and its end is told that came while nobody was there', async () => {
    const team = await open({ stages: [snoozeStage] });
    await test.stage.alerts.fire({ a: A });
    await pass(11 * SECOND);
    team.take();
    await test.stage.alerts.snooze('a', 10 * MINUTE);
    await test.stage.restart();
    await pass(9 * MINUTE);
    expect(team.take()).toEqual([]);
    await pass(MINUTE);
    await test.stage.alerts.unsnooze('a');
    await test.stage.restart();
    await pass(2 * MINUTE);
    expect(team.take()).toEqual(['snooze_ended +a']);
  });

  it('is told to be over as it is over, where somebody knew of it', async () => {
    const team = await open({ stages: [snoozeStage] });
    await test.stage.alerts.fire({ a: A });
    await pass(11 * SECOND);
    await test.stage.alerts.snooze('a', 10 * MINUTE);
    await pass(2 * MINUTE);
    team.take();
    await test.stage.alerts.resolve('a');
    await pass(2 * MINUTE);
    expect(team.take()).toEqual(['all_resolved -a']);
  });

  it('is no news where another of its group is told of meanwhile', async () => {
    const team = await open({ stages: [snoozeStage] });
    await test.stage.alerts.fire({ a: A });
    await pass(11 * SECOND);
    await test.stage.alerts.snooze('a', 10 * MINUTE);
    await test.stage.alerts.fire({ b: B });
    await pass(2 * MINUTE);
    expect(team.take()).toEqual(['first_notification +a', 'new_alerts +b']);
    await pass(8 * MINUTE);
    await test.stage.alerts.unsnooze('a');
    await pass(SECOND);
    expect(team.take()).toEqual(['new_alerts +a +b']);
  });
});

describe('an alert that comes back again and again', () => {
  const flapping = { episodes: 3, withinMs: 10 * MINUTE };
  const route = testRoute({ omoi: { ...testRoute().omoi, flapping } });
  /** One episode of a minute, and a minute without. */
  async function episode(at: number): Promise<void> {
    await test.stage.alerts.fire({ [`a${at}`]: A });
    await pass(MINUTE);
    await test.stage.alerts.resolve(`a${at}`);
    await pass(MINUTE);
  }

  it('is one message with a count from the so manieth time on, and one when it stays away', async () => {
    const team = await open({ route });
    for (let at = 0; at < 8; at++) await episode(at);
    expect(team.messages.map(({ reason, note }) => [reason, note])).toEqual([
      ['first_notification', null],
      ['all_resolved', null],
      ['first_notification', null],
      ['all_resolved', null],
      ['flapping', 'Flapping: A (3 episodes). Its end is told once it stays away.'],
    ]);
    expect(
      (await test.stage.notification.decisions.list('a5')).decisions.map(({ stage: at, reason }) => [
        at,
        reason,
      ]),
    ).toContainEqual([
      'flapping',
      expect.stringMatching(/^flapping, in \d episodes: that it is over is told at .* unless it comes back$/),
    ]);
    team.take();
    await pass(7 * MINUTE);
    expect(team.take()).toEqual([]);
    await pass(3 * MINUTE);
    expect(team.take()).toEqual(['all_resolved -a7']);
    expect([...test.stage.notification.dispatcher.groups()]).toEqual([]);
    await episode(8);
    expect(team.take()).toEqual(['first_notification +a8', 'all_resolved -a8']);
  });

  it('is a message an episode where nothing else is asked for', async () => {
    const team = await open();
    for (let at = 0; at < 8; at++) await episode(at);
    expect(team.take()).toHaveLength(16);
  });

  it('leaves others of its group alone', async () => {
    const team = await open({ route });
    for (let at = 0; at < 4; at++) await episode(at);
    team.take();
    await test.stage.alerts.fire({ b: B });
    await pass(2 * MINUTE);
    await test.stage.alerts.resolve('b');
    await pass(2 * MINUTE);
    expect(team.take()).toEqual(['new_alerts +b', 'all_resolved -b']);
  });

  it('repeats as it goes on to fire, and is over in its time when it no longer flaps', async () => {
    const team = await open({ route });
    for (let at = 0; at < 3; at++) await episode(at);
    await test.stage.alerts.fire({ long: A });
    team.take();
    await pass(61 * MINUTE);
    expect(team.take()).toEqual(['repeat +long']);
    await test.stage.alerts.resolve('long');
    await pass(MINUTE);
    expect(team.take()).toEqual(['all_resolved -long']);
  });
});

describe('two alerts of the same labels, as of a rule and of somebody who posts', () => {
  it.each([
    ['the first is over first', 'a', 'a2'],
    ['the second is over first', 'a2', 'a'],
  ])('are one to people: %s', async (_name, first, last) => {
    const team = await open();
    await test.stage.alerts.fire({ a: A });
    await pass(11 * SECOND);
    await test.stage.alerts.fire({ a2: A });
    await pass(2 * MINUTE);
    await test.stage.alerts.resolve(first);
    await pass(2 * MINUTE);
    expect(team.take()).toEqual(['first_notification +a']);
    await test.stage.alerts.resolve(last);
    await pass(2 * MINUTE);
    expect(team.take()).toEqual([`all_resolved -${last}`]);
    expect([...test.stage.notification.dispatcher.groups()]).toEqual([]);
    const rows = await test.stage.database.reader.selectFrom('notification_alerts').selectAll().execute();
    expect(rows).toEqual([]);
  });
});

it('a repetition leaves out what somebody has acknowledged, says so, and its end is told', async () => {
  const team = await open({
    route: testRoute({ groupWaitMs: SECOND, groupIntervalMs: MINUTE, repeatIntervalMs: 5 * MINUTE }),
  });
  await test.stage.alerts.fire({ a: A, b: B });
  await pass(2 * SECOND);
  expect(team.take()).toEqual(['first_notification +b +a']);
  await test.stage.alerts.acknowledge('a');
  await pass(7 * MINUTE);
  expect(team.take()).toEqual(['repeat +b']);
  await test.stage.notification.decisions.settled();
  const { decisions } = await test.stage.notification.decisions.list('a');
  expect(decisions.at(-1)).toMatchObject({
    stage: 'dedup',
    decision: 'not sent',
    reason: expect.stringContaining('its repetition leaves it out, as somebody has acknowledged it'),
  });
  await test.stage.alerts.fire({ c: { alertname: 'C', group: 'one' } });
  await pass(2 * MINUTE);
  expect(team.take()).toEqual(['new_alerts +b +a +c']);
  await test.stage.alerts.resolve('a');
  await pass(2 * MINUTE);
  expect(team.take()).toEqual(['new_resolved +b +c -a']);
});
