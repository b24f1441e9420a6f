import { expect, it } from 'vitest';
import { VirtualClock } from '#telemetry';
import { MassLosses, maxHoldersOfTask, maxMassLostTasks } from './mass-losses.ts';

const of = (generation: number) => ({ agentId: 'w1', generation });

it('explains an end by a task once work that began since is done in that pool, and to others than those who lost it', async () => {
  const clock = new VirtualClock();
  const losses = new MassLosses(clock);
  losses.add('pool', ['task'], of(1));
  await clock.advance(1000);
  // It was begun before: what the pool needs may have gone since.
  losses.completed('pool', 1500);
  losses.completed('other pool', 10);
  expect(losses.earlierLosers('pool', 'task', of(2))).toEqual([]);
  losses.completed('pool', 10);
  expect(losses.earlierLosers('pool', 'task', of(2))).toEqual([of(1)]);
  expect(losses.earlierLosers('pool', 'task', of(1))).toEqual([]);
  expect(losses.earlierLosers('other pool', 'task', of(2))).toEqual([]);
});

it('takes in what was lost under an earlier server at the time when it was', async () => {
  const clock = new VirtualClock();
  const losses = new MassLosses(clock);
  losses.add('pool', ['old'], of(1), 599_000);
  losses.add('pool', ['young'], of(1), 1000);
  losses.completed('pool', 2000);
  expect(losses.earlierLosers('pool', 'young', of(2))).toEqual([]);
  expect(losses.earlierLosers('pool', 'old', of(2))).toEqual([of(1)]);
  await clock.advance(1001);
  losses.add('pool', ['new'], of(1));
  expect([losses.has('pool', 'old'), losses.has('pool', 'young')]).toEqual([false, true]);
});

it('remembers the last tasks and holders up to its limits, and none for longer than ten minutes', async () => {
  const clock = new VirtualClock();
  const losses = new MassLosses(clock);
  for (let at = 0; at <= maxMassLostTasks; at++) losses.add('pool', [`task ${at}`], of(1));
  expect(losses.size).toBe(maxMassLostTasks);
  expect([losses.has('pool', 'task 0'), losses.has('pool', 'task 1')]).toEqual([false, true]);
  for (let generation = 1; generation <= maxHoldersOfTask + 1; generation++)
    losses.add('pool', ['again'], of(generation));
  await clock.advance(1000);
  losses.completed('pool', 0);
  const losers = losses.earlierLosers('pool', 'again', of(99));
  expect([losers.length, losers[0]]).toEqual([maxHoldersOfTask, of(2)]);
  await clock.advance(600_001);
  losses.add('other pool', ['task'], of(1));
  expect(losses.size).toBe(1);
});
