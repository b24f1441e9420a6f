import { describe, expect, it } from 'vitest';
import { gridUntil, phaseName, readQueueHistory, waitingNow } from './queue-history.ts';

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
      [
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
      { start: 100, end: 110, step: 5 },
    );
    expect(history.timesSeconds).toEqual([100, 105, 110]);
    expect([...history.phases]).toEqual([
      ['PHASE_DESIGN', [null, 1, 2]],
      ['PHASE_TESTING', [5, null, 4]],
    ]);
    expect(waitingNow(history)).toBe(6);
  });
});

describe('phaseName', () => {
  it('says a phase as people do', () => expect(phaseName('PHASE_IMPLEMENTATION')).toBe('Implementation'));
});
