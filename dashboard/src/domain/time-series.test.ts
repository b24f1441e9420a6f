import { describe, expect, it } from 'vitest';
import { axisWidthPx, lineAmong, lonePlaces, readLines, summaryOf, worstWithin } from './time-series.ts';

const GRID = { start: 100, end: 130, step: 10 };

describe('readLines', () => {
  it('puts values on the grid, and leaves open what was not known or is no number', () => {
    const series = [
      {
        metric: { agent_id: 'a' },
        values: [
          [100, '1'],
          [120, 'NaN'],
          [130, '4'],
        ] as const,
      },
    ];
    expect(readLines(series, GRID)).toEqual({
      timesSeconds: [100, 110, 120, 130],
      lines: [{ labels: { agent_id: 'a' }, values: [1, null, null, 4] }],
    });
  });
});

describe('summaryOf', () => {
  it.each([
    [[1, 5, 2], { now: 2, peak: 5 }],
    // The newest point may not be there yet.
    [[1, 5, null], { now: 5, peak: 5 }],
    [[null, null], { now: null, peak: null }],
  ])('of %j is %j', (values, summary) => expect(summaryOf({ labels: {}, values })).toEqual(summary));

  it('of nothing is nothing', () => expect(summaryOf(undefined)).toEqual({ now: null, peak: null }));
});

describe('lonePlaces', () => {
  it.each([
    { values: [null, 4, null], lone: [1] },
    { values: [4], lone: [0] },
    { values: [1, null, 2, 3, null, 4, 5, 6, null, 0], lone: [0, 2, 3, 9] },
    { values: [1, 2, 3], lone: [] },
    { values: [null, undefined], lone: [] },
  ])('of $values are $lone', ({ values, lone }) => expect(lonePlaces(values)).toEqual(lone));
});

describe('lineAmong', () => {
  const line = (labels: Record<string, string>) => ({ labels, values: [] });
  it('finds the line that an alert is about, whatever its rule adds', () => {
    const lines = [line({ __name__: 'm', agent_id: 'a' }), line({ __name__: 'm', agent_id: 'b' })];
    expect(lineAmong(lines, { alertname: 'X', agent_id: 'b', severity: 'error' })).toBe(lines[1]);
    expect(lineAmong(lines, { agent_id: 'c' })).toBeUndefined();
  });
});

describe('worstWithin', () => {
  it.each([
    { query: 'up', comparison: '<', asked: 'min_over_time(up[15s]) or up + 0' },
    {
      query: 'agent_status{agent_id="a}b\\"c",status="STALLED"}',
      comparison: '==',
      asked:
        'max_over_time(agent_status{agent_id="a}b\\"c",status="STALLED"}[15s]) or agent_status{agent_id="a}b\\"c",status="STALLED"} + 0',
    },
    { query: 'rate(done[1m])', comparison: '<=', asked: 'min_over_time((rate(done[1m]))[15s:3s])' },
    { query: 'a{x="1"} + b{y="2"}', comparison: null, asked: 'max_over_time((a{x="1"} + b{y="2"})[15s:3s])' },
  ])('asks of $query for every sample, or looks often: $asked', ({ query, comparison, asked }) => {
    expect(worstWithin(15, query, comparison)).toBe(asked);
  });
});

it.each([
  [null, 62],
  [['0', '1,000'], 62],
  [['0', '-1,000,000'], 82],
])('labels %j have a place of %d px', (labels, px) => {
  expect(axisWidthPx(labels)).toBe(px);
});
