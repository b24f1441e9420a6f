import { describe, expect, it } from 'vitest';
import { readRepairSearch, REPAIR_CHOICES, stateOf } from './repair-filter.ts';

describe('readRepairSearch', () => {
  it.each([
    [{}, {}],
    [
      { show: 'given up', policy: 'restart_failed', target: 'demo-1' },
      { show: 'given up', policy: 'restart_failed', target: 'demo-1' },
    ],
    [{ show: 'toString', policy: '', target: 7 }, {}],
  ])('reads %j', (search, filter) => expect(readRepairSearch(search)).toEqual(filter));
});

describe('stateOf', () => {
  it('asks for one thing at most', () => {
    for (const show of REPAIR_CHOICES) expect(Object.keys(stateOf({ show })).length).toBeLessThanOrEqual(1);
    expect(stateOf({ show: 'approve' })).toEqual({ state: 'awaiting_approval' });
  });
});
