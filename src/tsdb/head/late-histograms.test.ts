import { expect, test } from 'vitest';
import { SampleBatch, SelfMetrics, VirtualClock, createMatcher, silentLogger } from '#telemetry';
import { histogramOf } from '../histogram.test-support.ts';
import { createTsdb } from '../index.ts';
import { originOf } from '../origin.test-support.ts';

const MINUTE_MS = 60_000;
const origin = originOf('remote_write');

/** A sample: minutes from now, and a number or the count of a histogram. */
type Sample = readonly [minute: number, value: number | { readonly count: number }];

test.each<[what: string, given: readonly Sample[], then: Sample, outcome: string]>([
  [
    'a late histogram is merged',
    [
      [-4, { count: 1 }],
      [0, { count: 9 }],
    ],
    [-2, { count: 5 }],
    'accepted',
  ],
  ['one before the first is merged', [[0, { count: 9 }]], [-5, { count: 5 }], 'accepted'],
  [
    'one among floats is merged',
    [
      [-4, 1],
      [0, 2],
    ],
    [-2, { count: 5 }],
    'accepted',
  ],
  [
    'a float among histograms is merged',
    [
      [-4, { count: 1 }],
      [0, { count: 9 }],
    ],
    [-2, 7],
    'accepted',
  ],
  ['one older than the window', [[0, { count: 9 }]], [-5.1, { count: 5 }], 'out_of_order'],
  [
    'the same again',
    [
      [-2, { count: 5 }],
      [0, { count: 9 }],
    ],
    [-2, { count: 5 }],
    'accepted',
  ],
  [
    'the same again, late twice',
    [
      [0, { count: 9 }],
      [-2, { count: 5 }],
    ],
    [-2, { count: 5 }],
    'accepted',
  ],
  [
    'another of that time',
    [
      [-2, { count: 5 }],
      [0, { count: 9 }],
    ],
    [-2, { count: 6 }],
    'duplicate_timestamp',
  ],
  [
    'a float at its time',
    [
      [-2, { count: 5 }],
      [0, { count: 9 }],
    ],
    [-2, 7],
    'duplicate_timestamp',
  ],
  [
    'one at a float’s time',
    [
      [-2, 7],
      [0, 2],
    ],
    [-2, { count: 5 }],
    'duplicate_timestamp',
  ],
  [
    'one like the last before a float',
    [
      [-2, { count: 5 }],
      [0, 2],
    ],
    [0, { count: 5 }],
    'duplicate_timestamp',
  ],
])('%s', async (_, given, then, outcome) => {
  const clock = new VirtualClock();
  const tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics: new SelfMetrics() });
  const append = ([minute, value]: Sample) => {
    const batch = new SampleBatch();
    const timestampMs = clock.wallMs() + minute * MINUTE_MS;
    const ref = tsdb.series({ __name__: 'm' });
    if (typeof value === 'number') batch.add(ref, timestampMs, value);
    else batch.addHistogram(ref, timestampMs, histogramOf(value.count));
    return tsdb.commit(batch, origin);
  };
  for (const sample of given) expect(append(sample).accepted).toBe(1);
  const { accepted, refused } = append(then);
  expect({ accepted, ...refused }).toMatchObject({ [outcome]: 1 });
  const [series] = await tsdb.select({
    matchers: [createMatcher('__name__', '=', 'm')],
    startMs: 0,
    endMs: clock.wallMs(),
  });
  const isNew = accepted === 1 && given.every(([minute]) => minute !== then[0]);
  const expected = (isNew ? [...given, then] : [...given]).sort(([a], [b]) => a - b);
  expect(
    Array.from(series?.timestampsMs ?? [], (timestampMs, at) => [
      (timestampMs - clock.wallMs()) / MINUTE_MS + 0,
      series?.histograms?.[at]?.count ?? series?.values[at],
    ]),
  ).toEqual(expected.map(([minute, value]) => [minute, typeof value === 'number' ? value : value.count]));
  await tsdb.stop();
});
