import { describe, expect, it } from 'vitest';
import { histogramNotation, parseHistogram } from './histogram-notation.ts';
import { openPoints, parseMetric, parsePoints } from './series-notation.ts';

describe('points', () => {
  it.each([
    ['', []],
    ['1 _ stale 2', [1, '_', 'stale', 2]],
    ['-2+4x3', [-2, 2, 6, 10]],
    [' 1-2x4', [1, -1, -3, -5, -7]],
    ['7x2', [7, 7, 7]],
    ['1 _x3 stale', [1, '_', '_', '_', 'stale']],
    ['NaN+1x1 .5 5. 1e3', [NaN, NaN, 0.5, 5, 1000]],
    ['Inf -inf', [Infinity, -Infinity]],
    ['{{count:1}}+{{count:2}}x1', [1, 3]],
  ])('%s', (text, expected) => {
    const points = parsePoints(text).map((point) => {
      if (point.kind === 'float') return point.value;
      return point.kind === 'histogram' ? point.histogram.count : point.kind === 'none' ? '_' : point.kind;
    });
    expect(points).toEqual(expected);
    expect(openPoints(text).count).toBe(points.length);
  });

  it('of a long series are made one by one', () => {
    const opened = openPoints('0+1x1000000 5');
    expect([opened.count, opened.points().next().value]).toEqual([1_000_002, { kind: 'float', value: 0 }]);
  });

  it.each([
    '1x',
    '1x1000001',
    'a',
    '1+x3',
    '1+1',
    '1 { 2',
    '1..2',
    'stalex2',
    'Infx2',
    '{{count:1}}+{{schema:-53 custom_values:[1]}}x2',
  ])('%s is refused before any is made', (text) => expect(() => openPoints(text)).toThrow(/^"/));
});

it.each([
  ['up', { __name__: 'up' }],
  ['{}', {}],
  ['m{a="1",b=""}', { __name__: 'm', a: '1' }],
])('the metric %s', (text, labels) => expect({ ...parseMetric(text) }).toEqual(labels));

describe('histograms as they are written', () => {
  it.each([
    ['{{}}', '{{}}'],
    ['{{sum:3 count:2 buckets:[2]}}', '{{count:2 sum:3 buckets:[2]}}'],
    ['{{count:1 buckets:[0 0 1 0 2 0]}}', '{{count:1 offset:2 buckets:[1 0 2]}}'],
    ['{{n_buckets:[1] n_offset:-5 offset:3 buckets:[0]}}', '{{n_offset:-5 n_buckets:[1]}}'],
    ['{{schema:-53 custom_values:[1 2.5]}}', '{{schema:-53 custom_values:[1 2.5]}}'],
    [
      '{{counter_reset_hint:gauge z_bucket:1 z_bucket_w:0.5}}',
      '{{z_bucket:1 z_bucket_w:0.5 counter_reset_hint:gauge}}',
    ],
  ])('%s', (text, expected) => {
    expect(histogramNotation(parseHistogram(text).histogram)).toBe(expected);
  });

  it('far from each other', () => {
    const histogram = {
      ...parseHistogram('{{}}').histogram,
      positiveSpans: [
        { offset: 0, length: 1 },
        { offset: 1_000_000_000, length: 1 },
      ],
      positiveCounts: [1, 2],
    };
    expect(histogramNotation(histogram)).toBe('{{buckets:[1] offset:1000000001 buckets:[2]}}');
  });
});
