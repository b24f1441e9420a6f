import type { Labels, Random, SelectedSeries } from '#telemetry';

/**
 * Samples stand at 4 s past every quarter of a minute, and expressions use only ranges and offsets of whole quarters
 * and are evaluated elsewhere: so no sample ever stands on a boundary, where Prometheus 3 differs from 2.
 */
export const SAMPLE_PERIOD_MS = 15_000;
const SAMPLE_SHIFT_MS = 4000;

const JOBS = ['api', 'db', 'web'];
const INSTANCES = ['0', '1', '2', '3'];
const BOUNDS = ['0.1', '0.5', '1', '2.5', '+Inf'];

/** Gauges, counters with resets, and a classic histogram, with gaps; all values finite. */
export function randomSeries(random: Random, startMs: number, samples: number): readonly SelectedSeries[] {
  const series: SelectedSeries[] = [];
  for (const job of JOBS) {
    series.push(walk({ __name__: 'limit', job }, random, startMs, samples, gauge(random)));
    for (const instance of INSTANCES) {
      if (random.next() < 0.15) continue;
      const labels = { job, instance };
      series.push(
        walk({ __name__: 'load', ...labels, zone: `z${instance}` }, random, startMs, samples, gauge(random)),
      );
      series.push(walk({ __name__: 'work_total', ...labels }, random, startMs, samples, counter(random), 0));
    }
    let below: SelectedSeries | null = null;
    for (const le of BOUNDS) {
      const bucket = walk({ __name__: 'took_bucket', job, le }, random, startMs, samples, counter(random), 0);
      const values = bucket.values.map((value, at) => value + (below?.values[at] ?? 0));
      below = { ...bucket, values };
      series.push(below);
    }
  }
  return series;
}

function walk(
  labels: Labels,
  random: Random,
  startMs: number,
  samples: number,
  next: () => number,
  gapShare = 0.06,
): SelectedSeries {
  const timestampsMs: number[] = [];
  const values: number[] = [];
  for (let at = 0; at < samples; at++) {
    const value = next();
    // Gaps come in runs, some of them longer than the lookback.
    if (random.next() < gapShare / 4) at += Math.floor(random.next() * 30);
    if (random.next() < gapShare) continue;
    timestampsMs.push(startMs + SAMPLE_SHIFT_MS + at * SAMPLE_PERIOD_MS);
    values.push(value);
  }
  return { labels, timestampsMs: Float64Array.from(timestampsMs), values: Float64Array.from(values) };
}

function gauge(random: Random): () => number {
  let value = Math.round(random.next() * 200 - 100);
  return () => (value += Math.round((random.next() - 0.5) * 40) / 4);
}

/** Starts high, so that no extrapolation reaches zero: there Prometheus 3 differs from 2. */
function counter(random: Random): () => number {
  let value = 100_000;
  return () => {
    if (random.next() < 0.02) value = 50_000 + Math.round(random.next() * 1000);
    return (value += Math.floor(random.next() * 20));
  };
}

/**
 * Random expressions of the part of the language that Prometheus 2.42 and 3 share. What differs, besides boundaries: the
 * extrapolation of counters beside gaps, the names that atan2 leaves, deviations of infinite values, several matches that a comparison filters. What a last digit changes as a
 * whole (rounding, remainders, values as labels) is asked of samples as they are: means are computed otherwise in 2.42.
 */
export class ExpressionGenerator {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  vector(depth = 3): string {
    if (depth <= 0) return this.#selector();
    const inner = (): string => this.vector(depth - 1);
    return this.#oneOf([
      () => this.#selector(),
      () => `${this.#pick(RANGE_FUNCTIONS)}(${this.#range(depth - 1)})`,
      () =>
        `${this.#pick(['rate', 'increase'])}(work_total[${this.#pick(['1m', '5m', '15m'])}]${this.#time()})`,
      () => `quantile_over_time(${this.scalar(0)}, ${this.#range(depth - 1)})`,
      // Without @, with which 2.42 moves the window from step to step.
      () => `predict_linear(${this.#name()}[5m], 60)`,
      () => `${this.#pick(VECTOR_FUNCTIONS)}(${inner()})`,
      () => `clamp(${inner()}, -10, ${this.scalar(0)})`,
      () => `round(${this.#selector()}, 0.5)`,
      () =>
        `histogram_quantile(${this.#pick(['0.1', '0.5', '0.99', '1'])}, sum by (job, le) (rate(took_bucket[5m])))`,
      () => `label_replace(${inner()}, "copy", "$1-x", "job", "(.).*")`,
      () => `label_join(${inner()}, "both", "/", "job", "instance")`,
      () => `${this.#pick(AGGREGATIONS)}${this.#grouping()} (${inner()})`,
      () => `${this.#pick(['stddev', 'stdvar'])}${this.#grouping()} (${this.#selector()})`,
      () => `${this.#pick(['stddev_over_time', 'stdvar_over_time'])}(${this.#name()}[5m])`,
      // Only the sum: which of equal elements are taken is not defined.
      () =>
        `sum(${this.#pick(['topk', 'bottomk'])}${this.#grouping()} (${this.#pick(['1', '2', '5'])}, ${inner()}))`,
      () => `quantile${this.#grouping()} (${this.#pick(['0', '0.3', '1'])}, ${inner()})`,
      () => `count_values${this.#grouping()} ("value", round(${this.#selector()}, 10))`,
      () => `(${this.#selector()}) % ${this.#pick(['7', '-3.5', '0.25', '0'])}`,
      () => `(${inner()}) ${this.#pick(ARITHMETIC)} ${this.scalar(depth - 1)}`,
      () => `${this.scalar(depth - 1)} ${this.#pick(ARITHMETIC)} (${inner()})`,
      () => `(${inner()}) ${this.#pick(COMPARISONS)} ${this.#pick(['', 'bool '])}${this.scalar(depth - 1)}`,
      () =>
        `(${inner()}) ${this.#pick([...ARITHMETIC, ...BOOLEANS])} ${this.#pick(['on (job, instance)', 'ignoring (zone)'])} (${inner()})`,
      () =>
        `(${inner()}) ${this.#pick([...ARITHMETIC, ...BOOLEANS])} on (job) group_left () sum by (job) (${inner()})`,
      () => `sum by (job) (${inner()}) ${this.#pick(COMPARISONS)} on (job) sum by (job) (${inner()})`,
      () => `sgn(${inner()}) ^ ${this.#pick(['2', '0.5', '-1'])}`,
      () =>
        `(${inner()}) ${this.#pick(['and', 'or', 'unless'])} ${this.#pick(['', 'on (job) ', 'ignoring (instance) '])}(${inner()})`,
      () => `-(${inner()})`,
      () =>
        `${this.#pick(['sin', 'cos', 'tan', 'asin', 'ceil', 'floor', 'hour', 'day_of_week', 'minute', 'year'])}(${this.#selector()})`,
      () => `absent(${inner()})`,
      () => `vector(${this.scalar(depth - 1)})`,
    ]);
  }

  scalar(depth: number): string {
    if (depth <= 0 || this.#random.next() < 0.6) return this.#pick(['0', '1', '-3.5', '1e3', '0.25', '60']);
    return this.#oneOf([
      () => `scalar(sum(${this.vector(depth - 1)}))`,
      () => `(${this.scalar(depth - 1)} ${this.#pick(ARITHMETIC)} ${this.scalar(depth - 1)})`,
      () => 'time()',
    ]);
  }

  #selector(): string {
    return this.#name() + this.#time();
  }

  #name(): string {
    const name = this.#pick(['load', 'work_total', 'limit']);
    return `${name}${this.#pick(['', '', '{job="api"}', '{job!="db"}', '{job=~"a.*|web"}', '{instance!~"[01]"}'])}`;
  }

  #time(): string {
    return this.#pick([
      '',
      '',
      '',
      '',
      ' offset 1m',
      ' offset -45s',
      ' @ 1700003607',
      ' @ end()',
      ' @ start() offset 2m',
    ]);
  }

  #range(depth: number): string {
    const range = this.#pick(['1m', '5m', '15m']);
    if (depth <= 0 || this.#random.next() < 0.7) return `${this.#name()}[${range}]${this.#time()}`;
    return `(${this.vector(depth - 1)})[${range}:${this.#pick(['30s', '1m'])}]${this.#pick(['', ' offset 1m'])}`;
  }

  #grouping(): string {
    return this.#pick([
      '',
      ' by (job)',
      ' by (job, zone)',
      ' without (instance)',
      ' without (job, zone)',
      ' by ()',
    ]);
  }

  #pick<T>(choices: readonly T[]): T {
    const choice = choices[Math.floor(this.#random.next() * choices.length)];
    if (choice === undefined) throw new Error('nothing to choose from');
    return choice;
  }

  #oneOf(choices: readonly (() => string)[]): string {
    return this.#pick(choices)();
  }
}

const RANGE_FUNCTIONS =
  'irate delta idelta deriv changes resets avg_over_time sum_over_time min_over_time max_over_time count_over_time last_over_time present_over_time'.split(
    ' ',
  );
const VECTOR_FUNCTIONS = 'abs sgn sqrt exp ln log2 atan deg rad timestamp'.split(' ');
const AGGREGATIONS = ['sum', 'avg', 'min', 'max', 'count', 'group'];
const ARITHMETIC = ['+', '-', '*', '/'];
/** Without `bool`, 2.42 takes several partners for one element as long as only one passes the comparison. */
const BOOLEANS = ['== bool', '!= bool', '> bool', '<= bool'];
const COMPARISONS = ['==', '!=', '>', '<', '>=', '<='];
