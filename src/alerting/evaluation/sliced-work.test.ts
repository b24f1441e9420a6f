import { expect, it } from 'vitest';
import { VirtualClock } from '#telemetry';
import { EvaluationBudget } from './evaluation-budget.ts';
import { EvaluationSlices, MAX_SMALL_MS, runSliced, waitFor } from './sliced-work.ts';

it('counts for the pace what a result costs, and for the budget all of it', async () => {
  const clock = new VirtualClock();
  const budget = new EvaluationBudget(clock, { share: 0.5, burstMs: 100 });
  const slices = new EvaluationSlices(clock, budget);
  await clock.advance(3);
  slices.noteResult();
  await clock.advance(7);
  slices.rest();
  expect([slices.recurringCostMs, slices.costMs]).toEqual([3, 10]);
});

it('counts all of it where nobody said when the result was known', async () => {
  const clock = new VirtualClock();
  const slices = new EvaluationSlices(clock, new EvaluationBudget(clock, { share: 0.5, burstMs: 100 }));
  await clock.advance(4);
  slices.rest();
  expect(slices.recurringCostMs).toBe(4);
});

it('takes no time for what is waited for', async () => {
  const clock = new VirtualClock();
  const slices = new EvaluationSlices(clock, new EvaluationBudget(clock, { share: 0.5, burstMs: 100 }));
  const gate = Promise.withResolvers<string>();
  const done = runSliced(
    (function* () {
      return yield* waitFor<string>(gate.promise);
    })(),
    slices,
  );
  await clock.advance(50);
  gate.resolve('answer');
  expect(await done).toBe('answer');
  slices.rest();
  expect(slices.costMs).toBe(0);
});

it('lets a small evaluation go on past a pause of its own, and not for long', async () => {
  const clock = new VirtualClock();
  const budget = new EvaluationBudget(clock, { share: 0.1, burstMs: 10 });
  // A rule with thousands of alerts has used it up.
  budget.spend(500, 'large');
  const slices = new EvaluationSlices(clock, budget, 'small');
  await clock.advance(MAX_SMALL_MS - 1);
  await slices.pause();
  await clock.advance(1);
  let goesOn = false;
  const pause = slices.pause().then(() => (goesOn = true));
  await clock.advance(100);
  expect(goesOn).toBe(false);
  await clock.advance(10_000);
  await pause;
  expect(goesOn).toBe(true);
});

it('costs next to nothing while others have the CPU, and has had its slice all the same', () => {
  const clock = new VirtualClock();
  let nowMs = 0;
  let cpuMs = 0;
  Object.assign(clock, { monotonicMs: () => nowMs, cpuMs: () => cpuMs });
  const budget = new EvaluationBudget(clock, { share: 0.1, burstMs: 10 });
  const slices = new EvaluationSlices(clock, budget);
  nowMs += 50;
  cpuMs += 1;
  slices.noteResult();
  expect(slices.isOver).toBe(true);
  slices.rest();
  expect([slices.recurringCostMs, slices.costMs, budget.hasRoom]).toEqual([5, 5, true]);
});
