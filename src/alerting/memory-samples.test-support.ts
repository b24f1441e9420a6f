import { NO_FEATURES } from '#promql';
import {
  createMatcher,
  labelsKey,
  matchesAll,
  METRIC_NAME_LABEL,
  OmoiError,
  type AppendFeed,
  type AppendNotice,
  type AppendOrigin,
  type CommitResult,
  type Labels,
  type Matcher,
  type SampleBatch,
  type SeriesRef,
  noneRefused,
} from '#telemetry';
import type { RuleQueries } from './alerting.ts';
import type { RuleSink } from './evaluation/rule-outlet.ts';
import type { RuleQuery, VectorElement } from './evaluation/rule-query.ts';

const LOOK_BACK_MS = 300_000;
/** What evaluation times may be ahead of the clock. */
const LOOK_AHEAD_MS = 10_000;

interface StoredSeries {
  readonly labels: Labels;
  readonly samples: { timeMs: number; value: number; stale: boolean }[];
}

/**
 * A small store in memory that keeps the contracts of the sample sink and the append feed: a series has one sample a time.
 * For tests.
 */
export class MemorySamples implements RuleSink, AppendFeed {
  readonly #series: StoredSeries[] = [];
  readonly #refs = new Map<string, SeriesRef>();
  readonly #listeners = new Set<{ matchers: readonly Matcher[]; listener: (notice: AppendNotice) => void }>();

  /** How often somebody subscribed. */
  subscriptionsMade = 0;

  /** How many subscribe now. */
  get subscribers(): number {
    return this.#listeners.size;
  }

  series(labels: Labels): SeriesRef {
    const key = labelsKey(labels);
    const known = this.#refs.get(key);
    if (known !== undefined) return known;
    this.#series.push({ labels, samples: [] });
    this.#refs.set(key, this.#series.length - 1);
    return this.#series.length - 1;
  }

  commit(batch: SampleBatch, origin: AppendOrigin): CommitResult {
    const appended: { ref: SeriesRef; timeMs: number; value: number; stale: boolean }[] = [];
    let unknown = 0;
    let duplicates = 0;
    for (let at = 0; at < batch.length; at++) {
      const sample = {
        ref: batch.refs[at] ?? 0,
        timeMs: batch.timestampsMs[at] ?? 0,
        value: batch.values[at] ?? 0,
        stale: batch.stale[at] === 1,
      };
      if (!this.holds(sample.ref)) {
        unknown++;
        continue;
      }
      const samples = this.#series[sample.ref]?.samples ?? [];
      const after = samples.findLastIndex(({ timeMs }) => timeMs <= sample.timeMs);
      if (samples[after]?.timeMs === sample.timeMs) {
        duplicates++;
        continue;
      }
      appended.push(sample);
      samples.splice(after + 1, 0, sample);
    }
    for (const { matchers, listener } of this.#listeners) {
      const seen = appended.filter(({ ref }) => matchesAll(matchers, this.labelsOf(ref)));
      if (seen.length === 0) continue;
      listener({
        origin,
        refs: seen.map(({ ref }) => ref),
        timestampsMs: seen.map(({ timeMs }) => timeMs),
        values: seen.map(({ value }) => value),
        stale: seen.map(({ stale }) => stale),
      });
    }
    const refused = { ...noneRefused(), unknown_series: unknown, duplicate_timestamp: duplicates };
    return { accepted: appended.length, refused, durable: () => Promise.resolve() };
  }

  onAppend(matchers: readonly Matcher[], listener: (notice: AppendNotice) => void) {
    const entry = { matchers, listener };
    this.#listeners.add(entry);
    this.subscriptionsMade++;
    return { whenLinked: null, stop: () => void this.#listeners.delete(entry) };
  }

  holds(ref: SeriesRef): boolean {
    return this.#refs.get(labelsKey(this.labelsOf(ref))) === ref;
  }

  /** Forgets every series of the metric, as a store does whose head they have left; their samples stay. */
  forget(metricName: string): void {
    for (const [key, ref] of this.#refs) {
      if (this.labelsOf(ref)[METRIC_NAME_LABEL] === metricName) this.#refs.delete(key);
    }
  }

  labelsOf(ref: SeriesRef): Labels {
    return this.#series[ref]?.labels ?? {};
  }

  /** The newest samples up to a time, within the look-back, without what is stale. */
  at(matchers: readonly Matcher[], timeMs: number): readonly VectorElement[] {
    return this.#series.flatMap(({ labels, samples }) => {
      if (!matchesAll(matchers, labels)) return [];
      const newest = samples.findLast(
        (sample) => sample.timeMs <= timeMs && sample.timeMs > timeMs - LOOK_BACK_MS,
      );
      return newest && !newest.stale ? [{ labels, value: newest.value }] : [];
    });
  }

  /** The label sets of the metric whose newest sample is no marker and within the look-back. */
  live(metricName: string, timeMs: number): readonly Labels[] {
    const matchers = [createMatcher(METRIC_NAME_LABEL, '=', metricName)];
    return this.at(matchers, timeMs + LOOK_AHEAD_MS).map(({ labels }) => labels);
  }

  /** Every sample of the metric as `value@seconds`, markers as `stale`, by the text of its labels. */
  history(metricName: string): Readonly<Record<string, readonly string[]>> {
    const found = this.#series.filter(({ labels }) => labels[METRIC_NAME_LABEL] === metricName);
    return Object.fromEntries(
      found.map(({ labels, samples }) => [
        Object.entries(labels)
          .filter(([name]) => name !== METRIC_NAME_LABEL)
          .map(([name, value]) => `${name}=${value}`)
          .join(','),
        samples.map(({ value, stale }) => (stale ? 'stale' : String(value))),
      ]),
    );
  }
}

const EXPRESSION = /^(absent\()?([a-zA-Z_:]+)(?:\{(\w+)="(\w*)"\})?\)?(?:\s*(>=|>|<|==)\s*(-?[\d.]+))?$/;

/**
 * Comparisons of a plain selector with a number, and `absent`: enough to see how rules behave, without the PromQL
 * engine, which has tests of its own. `broken(…)` switches failures on.
 */
export class MemoryQueries implements RuleQueries {
  readonly features = NO_FEATURES;
  /** While set, every evaluation of a rule over this metric fails with the message. */
  readonly failures = new Map<string, string>();
  readonly #samples: MemorySamples;

  constructor(samples: MemorySamples) {
    this.#samples = samples;
  }

  prepare(expr: string): RuleQuery {
    const match = EXPRESSION.exec(expr);
    if (!match)
      throw new OmoiError('query_invalid', `1:1: ${JSON.stringify(expr)} is no expression of the test`);
    const [, absent, metricName = '', label, labelValue = '', operator, number] = match;
    const matchers = [createMatcher(METRIC_NAME_LABEL, '=', metricName)];
    if (label !== undefined) matchers.push(createMatcher(label, '=', labelValue));
    const threshold = number === undefined ? null : Number(number);
    const evaluateData = (timeMs: number): readonly VectorElement[] => {
      const failure = this.failures.get(metricName);
      if (failure !== undefined) throw new OmoiError('query_failed', failure);
      return this.#samples.at(matchers, timeMs);
    };
    return {
      selectors: [matchers],
      metricName,
      threshold,
      comparison: operator ?? null,
      reachMs: LOOK_BACK_MS,
      sharesLabel: () => absent === undefined,
      *evaluateData(timeMs) {
        yield undefined;
        return absent === undefined ? evaluateData(timeMs) : null;
      },
      *evaluate(timeMs) {
        const data = evaluateData(timeMs);
        yield undefined;
        if (absent !== undefined) return data.length === 0 ? [{ labels: {}, value: 1 }] : [];
        return data.filter(({ value }) => compare(value, operator, threshold));
      },
    };
  }

  queryNow(): readonly never[] {
    throw new Error('no queries here');
  }
}

function compare(value: number, operator: string | undefined, threshold: number | null): boolean {
  if (operator === undefined || threshold === null) return true;
  switch (operator) {
    case '>':
      return value > threshold;
    case '>=':
      return value >= threshold;
    case '<':
      return value < threshold;
    default:
      return value === threshold;
  }
}
