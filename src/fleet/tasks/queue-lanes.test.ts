import { describe, expect, it } from 'vitest';
import type { ClaimFilter } from './claim-filter.ts';
import { QueueLanes } from './queue-lanes.ts';

const filter = (more: Partial<ClaimFilter> = {}): ClaimFilter => ({
  agentId: 'a',
  poolId: 'red',
  phaseIds: null,
  taskTypes: null,
  ownPoolOnly: false,
  ...more,
});

/** `pool/phase/type` of each lane, `*` where it holds all. */
function lanesFor(lanes: QueueLanes, more: Partial<ClaimFilter> = {}): string[] {
  return lanes
    .matching(filter(more))
    .map(({ poolId, phaseId, taskType }) => `${poolId ?? '*'}/${phaseId}/${taskType ?? '*'}`);
}

describe('the lanes of the queue', () => {
  const lanes = new QueueLanes();
  for (const [poolId, phaseId, taskType] of [
    [null, 'A', 'build'],
    [null, 'A', 'test'],
    [null, 'B', 'build'],
    ['red', 'A', 'build'],
    ['blue', 'A', 'build'],
  ] as const) {
    lanes.count({ pool_id: poolId, phase_id: phaseId, task_type: taskType }, 1);
  }

  it.each<[string, Partial<ClaimFilter>, readonly string[]]>([
    ['everything', {}, ['*/A/*', '*/B/*', 'red/A/*']],
    ['own pool only', { ownPoolOnly: true }, ['red/A/*']],
    ['no pool', { poolId: null }, ['*/A/*', '*/B/*']],
    ['no pool, and only that', { poolId: null, ownPoolOnly: true }, []],
    ['a phase', { phaseIds: ['B', 'C'] }, ['*/B/*']],
    ['a type', { taskTypes: ['test', 'mail'] }, ['*/A/test']],
    ['a type in a phase', { phaseIds: ['A'], taskTypes: ['build'] }, ['*/A/build', 'red/A/build']],
  ])('finds those with something in them: %s', (_what, more, expected) => {
    expect(lanesFor(lanes, more)).toEqual(expected);
  });

  it('asks nothing for a claim of a thousand types that nobody enqueued', () => {
    const taskTypes = Array.from({ length: 1000 }, (_, number) => `type-${number}`);
    expect(lanesFor(lanes, { taskTypes })).toEqual([]);
  });

  it('forgets a lane that is empty', () => {
    const emptied = new QueueLanes();
    const task = { pool_id: 'red', phase_id: 'A', task_type: 'build' };
    emptied.count(task, 3);
    emptied.count(task, -3);
    expect(lanesFor(emptied)).toEqual([]);
  });
});
