import { describe, expect, it } from 'vitest';
import { gridUntil, phaseName, queueQueries, readQueueHistory, waitingNow } from './queue-history.ts';

describe('gridUntil', () => {
  it.each([
    { rangeSeconds: 300, grid: { start: 700, end: 1_000, step: 2 } },
    { rangeSeconds: 3_600, grid: { start: -2_600, end: 1_000, step: 20 } },
  ])('shows $rangeSeconds s', ({ rangeSeconds, grid }) => {
    expect(gridUntil(1_000.7, rangeSeconds)).toEqual(grid);
  });
});

describe('readQueueHistory', () => {
  it('puts every value in its place and phases in the order of a task’s life', () => {
    const history = readQueueHistory(
      {
        now: [
          { metric: { phase_id: 'PHASE_DESIGN' }, value: [110.7, '2'] },
          { metric: { phase_id: 'PHASE_TESTING' }, value: [110.7, '3'] },
        ],
        most: [
          {
            metric: { phase_id: 'PHASE_TESTING' },
            values: [
              [100, '5'],
              [110, '4'],
            ],
          },
          {
            metric: { phase_id: 'PHASE_DESIGN' },
            values: [
              [105, '1'],
              [110, '2'],
              [999, '7'],
            ],
          },
        ],
      },
      { start: 100, end: 110, step: 5 },
    );
    expect(history.timesSeconds).toEqual([100, 105, 110]);
    expect([...history.phases]).toEqual([
      ['PHASE_DESIGN', { now: 2, most: [null, 1, 2] }],
      ['PHASE_TESTING', { now: 3, most: [5, null, 4] }],
    ]);
    expect(waitingNow(history)).toBe(5);
  });
});

describe('queueQueries', () => {
  it('ask for every second of a step, so that no range misses a peak of another', () => {
    expect(queueQueries({ start: 0, end: 3_600, step: 20 })).toEqual({
      now: 'sum by (phase_id) (tasks_queued_total)',
      most: 'max_over_time(sum by (phase_id) (tasks_queued_total)[20s:1s])',
    });
  });
});

describe('phaseName', () => {
  it('says a phase as people do', () => expect(phaseName('PHASE_IMPLEMENTATION')).toBe('Implementation'));
});
