import { expect, it } from 'vitest';
import { foldedAlerts } from './folded-alerts.ts';

const alerts = (...ruleIds: readonly string[]) =>
  ruleIds.map((ruleId, at) => ({ rule_id: ruleId, id: `${ruleId}-${at}` }));
const told = (list: ReturnType<typeof foldedAlerts<{ rule_id: string; id: string }>>) =>
  list.map((one) => (one.kind === 'alert' ? one.alert.id : `${one.others} of ${one.ruleId}`));

it('leaves a list as it is where no rule has more than five', () => {
  const few = alerts('a', 'a', 'b', 'a', 'a', 'a');
  expect(told(foldedAlerts(few, new Set()))).toEqual(few.map(({ id }) => id));
});

it('lets the first three of a rule stand for all of it, in their places, and hides none of another', () => {
  const many = alerts('a', 'a', 'b', 'a', 'a', 'c', 'a', 'a', 'a');
  expect(told(foldedAlerts(many, new Set()))).toEqual(['a-0', 'a-1', 'b-2', 'a-3', '4 of a', 'c-5']);
  expect(told(foldedAlerts(many, new Set(['a'])))).toEqual(many.map(({ id }) => id));
});
