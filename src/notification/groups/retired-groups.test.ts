import { expect, it } from 'vitest';
import { maxRetiredGroups, RetiredGroups } from './retired-groups.ts';

it.each([
  [maxRetiredGroups, []],
  [maxRetiredGroups + 1, ['g0']],
])(`of %i groups that are no more ${maxRetiredGroups} are remembered`, (count, forgotten) => {
  const retired = new RetiredGroups();
  const alert = { alertId: 'a', fingerprint: '1' };
  const found: string[] = [];
  for (let at = 0; at < count; at++) found.push(...retired.add(`g${at}`, [alert]));
  expect(found).toEqual(forgotten);
  expect([retired.size, retired.of('a').size]).toEqual([maxRetiredGroups, maxRetiredGroups]);
});

it('remembers a group as long as one of its alerts is there', () => {
  const retired = new RetiredGroups();
  retired.add('g', [
    { alertId: 'a', fingerprint: '1' },
    { alertId: 'b', fingerprint: '2' },
  ]);
  const entry = (...firing: readonly string[]) => ({
    firing: new Set(firing),
    resolved: new Set<string>(),
    notifiedAtMs: 1,
    memory: null,
    group: null,
  });
  const log = {
    entriesOf: () => [['team/webhook/0', entry('1', '2')] as const, ['ada/webhook/0', entry('1')] as const],
  };
  expect([retired.leftOf('g', log), retired.isKnown('g', log)]).toEqual([[], true]);
  expect(retired.alertGone('a')).toEqual(['g']);
  expect(retired.leftOf('g', log)).toEqual([
    { groupId: 'g', integration: 'team/webhook/0', entry: entry('2') },
    { groupId: 'g', integration: 'ada/webhook/0', entry: entry() },
  ]);
  expect(retired.isKnown('g', log)).toBe(true);
  expect(retired.alertGone('b')).toEqual(['g']);
  expect(retired.isKnown('g', log)).toBe(false);
  expect([retired.remove('g'), retired.remove('g'), retired.of('b').size]).toEqual([true, false, 0]);
});
