import { describe, expect, it } from 'vitest';
import { readTypedTask, type TypedTask } from './new-task.ts';

const TYPED: TypedTask = { type: ' mail ', phase: 'PHASE_TESTING', priority: '3', pool: '', payload: '' };

describe('readTypedTask', () => {
  it.each<[Partial<TypedTask>, object]>([
    [{}, { task_type: 'mail', phase_id: 'PHASE_TESTING', priority: 3, payload: null }],
    [
      { pool: 'mailers', payload: '{"to": "a"}' },
      {
        task_type: 'mail',
        phase_id: 'PHASE_TESTING',
        priority: 3,
        payload: { to: 'a' },
        pool_id: 'mailers',
      },
    ],
  ])('reads %j', (typed, task) => expect(readTypedTask({ ...TYPED, ...typed })).toEqual({ task }));

  it.each<[Partial<TypedTask>, keyof TypedTask]>([
    [{ type: '' }, 'type'],
    [{ phase: ' ' }, 'phase'],
    [{ priority: '1.5' }, 'priority'],
    [{ priority: '101' }, 'priority'],
    [{ payload: '{' }, 'payload'],
  ])('says of %j what is wrong', (typed, field) => {
    const read = readTypedTask({ ...TYPED, ...typed });
    expect('faults' in read ? Object.keys(read.faults) : []).toEqual([field]);
  });
});
