import { describe, expect, it } from 'vitest';
import type { HistogramValue } from '#telemetry';
import type { QueryResult } from '../query-result.ts';
import { parseHistogram } from './histogram-notation.ts';
import { resultJson, sampleValueText } from './result-json.ts';

const NOTED = { warnings: [], infos: [] };

function jsonOf(result: QueryResult): { readonly text: string; readonly value: unknown } {
  const text = [...resultJson(result)].join('');
  return { text, value: JSON.parse(text) };
}

describe('the text of a value', () => {
  it.each([
    [0, '0'],
    [-0, '-0'],
    [1, '1'],
    [-1.5, '-1.5'],
    [0.1 + 0.2, '0.30000000000000004'],
    [1 / 3, '0.3333333333333333'],
    [1e-6, '0.000001'],
    [1e-7, '1e-07'],
    [1.25e-12, '1.25e-12'],
    [5e-324, '5e-324'],
    [123456789012345680000, '123456789012345680000'],
    [1e21, '1e+21'],
    [Number.MAX_VALUE, '1.7976931348623157e+308'],
    [NaN, 'NaN'],
    [Infinity, '+Inf'],
    [-Infinity, '-Inf'],
  ])('%s is %s', (value, text) => {
    expect(sampleValueText(value)).toBe(text);
  });
});

describe('a result', () => {
  it('has times in seconds with up to three decimals, and no exponent in scalars', () => {
    const scalar = { kind: 'scalar', value: 1e23, timestampMs: 1_435_781_451_781, ...NOTED } as const;
    expect(jsonOf(scalar).text).toBe(
      '{"resultType":"scalar","result":[1435781451.781,"100000000000000000000000"]}',
    );
    const text = { kind: 'string', value: 'a"b', timestampMs: -1500, ...NOTED } as const;
    expect(jsonOf(text).text).toBe('{"resultType":"string","result":[-1.5,"a\\"b"]}');
  });

  it('has the labels of a series in their order, numbers and words alike', () => {
    const element = { labels: { b: '1', 10: 'x', __name__: 'm', 9: 'y' }, value: 2, timestampMs: 60_000 };
    expect(jsonOf({ kind: 'vector', elements: [element], ...NOTED }).text).toBe(
      '{"resultType":"vector","result":[{"metric":{"10":"x","9":"y","__name__":"m","b":"1"},"value":[60,"2"]}]}',
    );
    expect(jsonOf({ kind: 'vector', elements: [], ...NOTED }).text).toBe(
      '{"resultType":"vector","result":[]}',
    );
  });

  it('keeps floats and histograms of a series apart, and leaves an empty list out', () => {
    const { histogram } = parseHistogram('{{schema:0 sum:3 count:2 buckets:[2]}}');
    const series = (histograms?: readonly (HistogramValue | null)[]): QueryResult => ({
      kind: 'matrix',
      series: [
        {
          labels: { a: '1' },
          timestampsMs: Float64Array.of(1000, 2001),
          values: Float64Array.of(5, 6),
          ...(histograms && { histograms }),
        },
      ],
      ...NOTED,
    });
    const asJson = [{ count: '2', sum: '3', buckets: [[0, '0.5', '1', '2']] }];
    const result = (more: object) => ({ resultType: 'matrix', result: [{ metric: { a: '1' }, ...more }] });
    expect(jsonOf(series()).value).toEqual(
      result({
        values: [
          [1, '5'],
          [2.001, '6'],
        ],
      }),
    );
    expect(jsonOf(series([null, histogram])).value).toEqual(
      result({ values: [[1, '5']], histograms: [[2.001, ...asJson]] }),
    );
    expect(jsonOf(series([histogram, histogram])).value).toEqual(
      result({
        histograms: [
          [1, ...asJson],
          [2.001, ...asJson],
        ],
      }),
    );
  });

  it('comes in pieces, however long a series is', () => {
    const length = 2_600;
    const timestampsMs = Float64Array.from({ length }, (_, at) => at * 1000);
    const values = Float64Array.from({ length }, (_, at) => at / 8);
    const result = { kind: 'matrix', series: [{ labels: {}, timestampsMs, values }], ...NOTED } as const;
    const pieces = [...resultJson(result)];
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(20_000);
    const read = JSON.parse(pieces.join('')) as { result: { values: unknown[] }[] };
    expect(read.result[0]?.values).toHaveLength(length);
    expect(read.result[0]?.values.at(-1)).toEqual([2599, '324.875']);
  });

  it.each([
    [
      'zero, negative and positive',
      '{{schema:0 count:9 sum:1 z_bucket:2 z_bucket_w:0.25 buckets:[3] n_buckets:[4 0]}}',
      [
        [1, '-1', '-0.5', '4'],
        [3, '-0.25', '0.25', '2'],
        [0, '0.5', '1', '3'],
      ],
    ],
    [
      'custom',
      '{{schema:-53 count:6 sum:1 custom_values:[-5 10] buckets:[1 2 3]}}',
      [
        [3, '-Inf', '-5', '1'],
        [0, '-5', '10', '2'],
        [0, '10', '+Inf', '3'],
      ],
    ],
    ['no', '{{schema:0 count:0 sum:0}}', undefined],
  ])('says of %s buckets which bounds they include', (_, notation, buckets) => {
    const { histogram } = parseHistogram(notation);
    const element = { labels: {}, value: NaN, histogram, timestampMs: 0 };
    const { value } = jsonOf({ kind: 'vector', elements: [element], ...NOTED });
    const { result } = value as { result: { histogram: [number, { buckets?: unknown }] }[] };
    expect(result[0]?.histogram[1].buckets).toEqual(buckets);
  });
});
