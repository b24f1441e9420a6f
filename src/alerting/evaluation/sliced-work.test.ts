import { expect, it } from 'vitest';
import { VirtualClock } from '#telemetry';
import { EvaluationBudget } from './evaluation-budget.ts';
import { EvaluationSlices, runSliced, waitFor } from './sliced-work.ts';

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
