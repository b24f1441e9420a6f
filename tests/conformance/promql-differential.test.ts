import {
  createSeededRandom,
  type Labels,
  labelsKey,
  matchesAll,
  type Queryable,
  type SelectedSeries,
  VirtualClock,
} from '#telemetry';
import { createEngine, type QueryResult } from '#promql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  PrometheusServer,
  isPrometheusInstalled,
  type PrometheusAnswer,
  type PrometheusPoint,
} from './promql/prometheus-server.ts';
import { propertyRuns, propertySeed } from '../property-runs.ts';
import { ExpressionGenerator, SAMPLE_PERIOD_MS, randomSeries } from './promql/random-expressions.ts';

/**
 * Random expressions over random samples, evaluated by the engine and by a real Prometheus. Set OMOI_SEED to a printed
 * seed to see the same again, or to a new one to look further, OMOI_ROUNDS for more than the usual number of
 * expressions.
 */
const FIXED_SEEDS = [
  1_739_026_736,
  // `log2(timestamp(limit{instance!~"[01]"} @ start() offset 2m))`, see `isKnownDifference`.
  1_110_328_584,
];
const isCI = process.env['CI'] === 'true';
const seeds = [...new Set([...(process.env['OMOI_SEED'] === undefined ? FIXED_SEEDS : []), propertySeed])];
const rounds = Number(process.env['OMOI_ROUNDS'] ?? propertyRuns(250));
const START_MS = 1_700_000_000_000 - (1_700_000_000_000 % 900_000);
const SAMPLES = 300;
const END_MS = START_MS + SAMPLES * SAMPLE_PERIOD_MS;
/** The tolerance of sums in another order. */
const TOLERANCE = 1e-7;

const installed = isPrometheusInstalled();
if (!installed && isCI) throw new Error('prometheus is missing: apt-get install prometheus');

/** What a machine under load may take for 500 queries, which are done in 3 s on a free one. */
const LIMIT_MS = 600_000;

describe.skipIf(!installed).each(seeds)(
  'PromQL beside Prometheus, OMOI_SEED=%i (skipped without it: apt-get install prometheus)',
  (seed) => {
    const random = createSeededRandom(seed);
    const all = randomSeries(random, START_MS, SAMPLES);
    const queryable: Queryable = {
      select: ({ matchers, startMs, endMs }) => select(all, matchers, startMs, endMs),
    };
    const engine = createEngine({ clock: new VirtualClock() });
    let prometheus: PrometheusServer | undefined;

    beforeAll(async () => {
      prometheus = await PrometheusServer.start(all);
    }, LIMIT_MS);
    afterAll(() => prometheus?.stop());

    it(`agrees on ${rounds} instant and ${rounds} range queries`, { timeout: LIMIT_MS }, async () => {
      if (!prometheus) return expect.fail('Prometheus did not start');
      const generator = new ExpressionGenerator(random);
      let refused = 0;
      for (let round = 0; round < rounds; round++) {
        const query = generator.vector();
        const timeMs = START_MS + 7000 + Math.floor(random.next() * SAMPLES) * SAMPLE_PERIOD_MS;
        if (isKnownDifference(query)) continue;
        const instant = await answerOf(() => engine.prepare(query).instant(queryable, timeMs));
        expectSame(instant, await prometheus.instant(query, timeMs), `${query} at ${timeMs}`);
        const range = { startMs: START_MS + 7000, endMs: END_MS, stepMs: 60_000 };
        const expected = await prometheus.range(query, range);
        expectSame(await answerOf(() => engine.prepare(query).range(queryable, range)), expected, query);
        if (expected === null) refused++;
      }
      expect(refused).toBeLessThan(rounds / 3);
    });
  },
);

/**
 * `timestamp()` of a selector with both `@` and `offset`: Prometheus (2.42 and 3.9) forgets the offset, because
 * `timestamp` is evaluated apart from other functions and sets the selector's offset to the distance from the `@`. It
 * has loaded the samples for the time with the offset and looks for one at the time without, so that it misses those
 * near the end of the lookback. `src/promql/testdata/boundaries.test` has the right answer.
 */
function isKnownDifference(query: string): boolean {
  return /\btimestamp\(\w+(?:\{[^}]*\})? @ (?:\w+\(\)|\d+) offset /.test(query);
}

function select(
  all: readonly SelectedSeries[],
  matchers: Parameters<typeof matchesAll>[0],
  startMs: number,
  endMs: number,
): readonly SelectedSeries[] {
  return all
    .filter(({ labels }) => matchesAll(matchers, labels))
    .map(({ labels, timestampsMs, values }) => {
      const from = timestampsMs.findIndex((timeMs) => timeMs >= startMs);
      const to = timestampsMs.findLastIndex((timeMs) => timeMs <= endMs) + 1;
      const start = from < 0 ? to : from;
      return { labels, timestampsMs: timestampsMs.slice(start, to), values: values.slice(start, to) };
    });
}

type Answer = PrometheusAnswer;

async function answerOf(run: () => QueryResult | Promise<QueryResult>): Promise<Answer> {
  let result: QueryResult;
  try {
    result = await run();
  } catch {
    return null;
  }
  const series = new Map<string, readonly PrometheusPoint[]>();
  const put = (labels: Labels, points: readonly PrometheusPoint[]): void => {
    series.set(labelsKey(labels), points);
  };
  if (result.kind === 'vector') {
    for (const { labels, value, timestampMs } of result.elements)
      put(labels, [{ timeMs: timestampMs, value }]);
  } else if (result.kind === 'matrix') {
    for (const { labels, timestampsMs, values } of result.series) {
      put(
        labels,
        [...values].map((value, at) => ({ timeMs: timestampsMs[at] ?? 0, value })),
      );
    }
  }
  return series;
}

function expectSame(got: Answer, expected: Answer, what: string): void {
  if (got === null || expected === null) {
    expect([what, got === null ? 'refused' : 'answered']).toEqual([
      what,
      expected === null ? 'refused' : 'answered',
    ]);
    return;
  }
  expect([what, [...got.keys()].sort()]).toEqual([what, [...expected.keys()].sort()]);
  for (const [key, points] of expected) {
    const mine = got.get(key) ?? [];
    const at = points.findIndex(
      ({ timeMs, value }, place) =>
        mine[place]?.timeMs !== timeMs || !isClose(mine[place]?.value ?? NaN, value),
    );
    const differs = at >= 0 || mine.length !== points.length;
    if (differs) expect([what, key, mine.length, mine[at]]).toEqual([what, key, points.length, points[at]]);
  }
}

function isClose(left: number, right: number): boolean {
  if (left === right || (Number.isNaN(left) && Number.isNaN(right))) return true;
  return Math.abs(left - right) <= TOLERANCE * Math.max(Math.abs(left), Math.abs(right), 1);
}
