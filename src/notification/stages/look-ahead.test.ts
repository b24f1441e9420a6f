import { expect, it, vi } from 'vitest';
import { testRoute, useTestNotification } from '../notification.test-support.ts';
import type { MuteStage } from './mute-stage.ts';

const test = useTestNotification();

it('a stage looks up what it will be asked for each alert of a group before the group is decided, also when it is quiet', async () => {
  const asked: string[] = [];
  const stage: MuteStage = {
    *lookAhead({ alertId }) {
      yield;
      asked.push(`ahead ${alertId}`);
    },
    judge({ alertId }) {
      asked.push(`judge ${alertId}`);
      return null;
    },
  };
  const team = await test.open({ route: testRoute({ groupWaitMs: 0 }), stages: [stage] });
  await test.stage.alerts.fire({ a: { alertname: 'A', group: 'one' }, b: { alertname: 'B', group: 'one' } });
  await test.pass(0);
  expect(team.take()).toHaveLength(1);
  // Two passes without news: what follows the first is looked at as one that stays quiet.
  await test.pass(60_000);
  await test.pass(60_000);
  const firstJudged = asked.findIndex((one) => one.startsWith('judge'));
  expect(asked.slice(0, firstJudged).toSorted()).toEqual(['ahead a', 'ahead b']);
  expect(asked.filter((one) => one === 'ahead a')).toHaveLength(3);
});

it('a reload waits for no stage that looks far ahead: what it was for is decided after it', async () => {
  const asked: string[] = [];
  const holding: Promise<void>[] = [];
  const stage: MuteStage = {
    *lookAhead({ alertId }) {
      asked.push(`ahead ${alertId}`);
      if (holding.length === 0) holding.push(test.stage.notification.dispatcher.hold());
      yield;
      asked.push(`further ahead ${alertId}`);
    },
    judge: () => null,
  };
  const team = await test.open({ route: testRoute({ groupWaitMs: 0 }), stages: [stage] });
  await test.stage.alerts.fire({ a: { alertname: 'A', group: 'one' } });
  await test.pass(0);
  await vi.waitFor(() => expect(holding).toHaveLength(1));
  await Promise.all(holding);
  expect(asked).toEqual(['ahead a']);
  expect(team.take()).toEqual([]);
  await test.stage.notification.dispatcher.start();
  await test.pass(0);
  expect(asked.slice(1)).toEqual(['ahead a', 'further ahead a']);
  expect(team.take()).toEqual(['first_notification +a']);
});
