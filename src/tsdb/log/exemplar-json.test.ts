import { expect, test } from 'vitest';
import { exemplarsPayload, readExemplars } from './exemplar-json.ts';

const written = (value: number) => ({
  series: 7,
  exemplar: { labels: { trace_id: 'abc' }, timestampMs: 12, value },
});

test.each([0, -0, 1.5, -1e300, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
  'an exemplar of %d comes back as it was',
  (value) => {
    expect(readExemplars(exemplarsPayload([written(value)]))).toEqual([written(value)]);
  },
);

test('what an earlier version wrote as null is no number', () => {
  const { series, exemplar } = written(Number.NaN);
  const payload = Buffer.from(JSON.stringify([{ ref: series, exemplar }]));
  expect(readExemplars(payload)).toEqual([written(Number.NaN)]);
});
