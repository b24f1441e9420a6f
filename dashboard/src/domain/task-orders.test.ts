import { describe, expect, it } from 'vitest';
import { readTaskSearch } from './task-filter.ts';
import { ordersForTask } from './task-orders.ts';

describe('ordersForTask', () => {
  it.each([
    ['queued', ['Cancel']],
    ['claimed', ['Take it back', 'Cancel']],
    ['parked', ['Retry', 'Cancel']],
    ['failed', ['Retry']],
    ['completed', []],
    ['cancelled', []],
  ] as const)('of one that is %s are %j', (state, labels) => {
    const orders = ordersForTask({ task_id: 'task_1', state, agent_id: 'demo-1', max_attempts: 3 });
    expect(orders.map(({ label }) => label)).toEqual(labels);
    for (const { path } of orders) expect(path).toMatch(/^\/api\/v1\/fleet\/tasks\/task_1\/[a-z]+$/);
  });
});

describe('readTaskSearch', () => {
  it.each([
    [{}, {}],
    [
      { state: 'parked', phase: 'PHASE_TESTING' },
      { state: 'parked', phase: 'PHASE_TESTING' },
    ],
    [{ state: 'waiting', phase: '' }, {}],
    [{ state: 'toString', phase: 7 }, {}],
  ])('reads %j', (search, filter) => expect(readTaskSearch(search)).toEqual(filter));
});
