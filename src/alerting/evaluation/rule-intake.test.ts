import { expect, it } from 'vitest';
import { nextTurn } from '#telemetry';
import { RULES_PER_TURN, RuleIntake } from './rule-intake.ts';

it('takes up hundreds of rules in their order, a few in each turn', async () => {
  const count = 20 * RULES_PER_TURN;
  const taken: number[] = [];
  const intake = new RuleIntake<number>({ add: (rule) => void taken.push(rule) });
  const all = Promise.all(Array.from({ length: count }, (_, rule) => intake.take(rule)));
  expect(taken).toEqual([0]);
  const perTurn: number[] = [];
  for (let before = 0; taken.length < count; before = taken.length) {
    await nextTurn();
    perTurn.push(taken.length - before);
  }
  await all;
  expect(taken).toEqual(Array.from({ length: count }, (_, rule) => rule));
  // This test's own turns may fall before or behind those of the intake.
  expect(Math.max(...perTurn)).toBeLessThanOrEqual(2 * RULES_PER_TURN);
});
