import { describe, expect, it } from 'vitest';
import { useTestNotification } from '../notification.test-support.ts';
import { ended, healedEvents, openHeld, started } from './held-notification.test-support.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const A = { alertname: 'A', group: 'one' };
const B = { alertname: 'B', group: 'one' };

const test = useTestNotification();
const { pass } = test;

describe('the deadline', () => {
  it.each([
    ['an hour ago', -60],
    ['in an hour', 60],
  ])(
    'counts from when it was told of here, where who posts the alert says that it began %s',
    async (_, minutes) => {
      const team = await openHeld(test);
      const startsAtMs = test.stage.clock.wallMs() + minutes * MINUTE;
      await test.stage.alerts.fire({ a: A }, { startsAtMs });
      await test.stage.tell(started('a'));
      await pass(50 * SECOND);
      // From here on it is read from its row.
      await test.stage.restart();
      await pass(5 * SECOND);
      expect(team.take()).toEqual([]);
      await pass(6 * SECOND);
      expect(team.take()).toEqual(['not_healed +a']);
    },
  );

  it('comes when the wall clock is set back, too', async () => {
    const team = await openHeld(test);
    await test.stage.alerts.fire({ a: A });
    await test.stage.tell(started('a'));
    await pass(SECOND);
    test.stage.clock.stepWallClock(-5 * 60 * MINUTE);
    await pass(MINUTE);
    expect(team.take()).toEqual(['not_healed +a']);
  });
});

describe('a restart in the middle of a hold', () => {
  it('holds on, and takes the verdict that came meanwhile', async () => {
    const team = await openHeld(test);
    await test.stage.alerts.fire({ a: A, b: B });
    await test.stage.tell(started('a'), started('b'));
    await pass(SECOND);
    await test.stage.restart();
    await pass(10 * SECOND);
    expect(team.take()).toEqual([]);
    test.stage.killAfterCommits(0);
    await test.stage.alerts.resolve('a');
    await test.stage.tell(ended('a', 'healed'), ended('b', 'no_effect'));
    await test.stage.revive();
    await pass(SECOND);
    expect(team.take()).toEqual(['not_healed +b']);
    expect(await healedEvents(test.stage)).toHaveLength(1);
  });

  it('tells at the deadline where the verdict never comes', async () => {
    const team = await openHeld(test);
    await test.stage.alerts.fire({ a: A });
    await test.stage.tell(started('a'));
    await pass(SECOND);
    test.stage.killAfterCommits(0);
    await test.stage.revive();
    await pass(50 * SECOND);
    expect(team.take()).toEqual([]);
    await pass(10 * SECOND);
    expect(team.take()).toEqual(['not_healed +a']);
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
    'a kill after %d commits loses no page and tells no healing twice',
    async (commits) => {
      const team = await openHeld(test);
      // The event log knows how far it has come.
      await pass(SECOND);
      test.stage.killAfterCommits(commits);
      await test.stage.alerts.fire({ a: A, b: B });
      await pass(SECOND);
      if (test.stage.isDead) await test.stage.revive();
      await test.stage.tell(started('a'), started('b'));
      await pass(SECOND);
      if (test.stage.isDead) await test.stage.revive();
      await test.stage.alerts.resolve('a');
      await test.stage.tell(ended('a', 'healed'), ended('b', 'worsened'));
      await pass(SECOND);
      if (test.stage.isDead) await test.stage.revive();
      test.stage.killAfterCommits(Infinity);
      await pass(10 * MINUTE);
      const told = team.take();
      expect(told.filter((one) => one.includes('+b'))).not.toEqual([]);
      expect(told.join()).not.toContain('+a');
      expect((await healedEvents(test.stage)).length).toBeLessThanOrEqual(1);
    },
  );
});
