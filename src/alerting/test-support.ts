import { createEventBus } from '#eventbus';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import {
  copyLabels,
  createMatcher,
  createSeededRandom,
  labelsKey,
  matchesAll,
  METRIC_NAME_LABEL,
  OmoiError,
  SampleBatch,
  SelfMetrics,
  silentLogger,
  VirtualClock,
  type AppendFeed,
  type AppendNotice,
  type Clock,
  type CommitResult,
  type Labels,
  type Matcher,
  type SampleSink,
  type AppendOrigin,
  type SeriesRef,
  type SpanOptions,
  type SystemEvent,
  type Tracing,
} from '#telemetry';
import { assembleAlerting, type Alerting, type RuleQueries } from './alerting.ts';
import type { RuleQuery, VectorElement } from './evaluation/rule-query.ts';
import type { AlertingOptions } from './options.ts';

const LOOK_BACK_MS = 300_000;

interface StoredSeries {
  readonly labels: Labels;
  readonly samples: { timeMs: number; value: number; stale: boolean }[];
}

/** A small store in memory that keeps the contracts of the sample sink and the append feed. For tests. */
export class MemorySamples implements SampleSink, AppendFeed {
  readonly #series: StoredSeries[] = [];
  readonly #refs = new Map<string, SeriesRef>();
  readonly #listeners = new Set<{ matchers: readonly Matcher[]; listener: (notice: AppendNotice) => void }>();

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
    for (let at = 0; at < batch.length; at++) {
      const sample = {
        ref: batch.refs[at] ?? 0,
        timeMs: batch.timestampsMs[at] ?? 0,
        value: batch.values[at] ?? 0,
        stale: batch.stale[at] === 1,
      };
      appended.push(sample);
      this.#series[sample.ref]?.samples.push(sample);
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
    const refused = {
      out_of_order: 0,
      duplicate_timestamp: 0,
      too_old: 0,
      too_far_ahead: 0,
      unknown_series: 0,
      storage_full: 0,
    };
    return { accepted: batch.length, refused, durable: () => Promise.resolve() };
  }

  onAppend(matchers: readonly Matcher[], listener: (notice: AppendNotice) => void) {
    const entry = { matchers, listener };
    this.#listeners.add(entry);
    return { stop: () => void this.#listeners.delete(entry) };
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
      evaluateData: absent === undefined ? evaluateData : () => null,
      evaluate: (timeMs) => {
        const data = evaluateData(timeMs);
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

export interface RecordedSpan extends SpanOptions {
  readonly name: string;
  readonly traceparent: string;
}

/** Keeps the spans that were started; ids count up. */
export class RecordedTracing implements Tracing {
  readonly spans: RecordedSpan[] = [];
  #next = 1;

  startSpan(name: string, options: SpanOptions) {
    const traceId = options.parent?.split('-')[1] ?? this.#hex(32);
    const traceparent = `00-${traceId}-${this.#hex(16)}-01`;
    this.spans.push({ ...options, name, traceparent });
    return {
      traceparent,
      setAttributes() {},
      addLink() {},
      addEvent() {},
      fail() {},
      end() {},
    };
  }

  #hex(digits: number): string {
    return (this.#next++).toString(16).padStart(digits, '0');
  }
}

export interface Stage {
  readonly alerting: Alerting;
  readonly clock: VirtualClock;
  readonly database: StateDatabase;
  readonly samples: MemorySamples;
  readonly queries: MemoryQueries;
  readonly tracing: RecordedTracing;
  readonly metrics: SelfMetrics;
  readonly bus: ReturnType<typeof createEventBus>;
  /** What the next transactions suffer. */
  readonly faults: Fault[];
  /** Appends one unit, 10 ms later: `queue{phase="a"}` → value, or null for a staleness marker. */
  append(unit: Readonly<Record<string, number | null>>, traceparent?: string | null): Promise<void>;
  /** The same, at once and without waiting for anything. */
  appendNow(unit: Readonly<Record<string, number | null>>): void;
  /** Moves the clock in small steps, each followed by all that it set off. */
  advance(byMs: number): Promise<void>;
  /** All alert rows as `rule{labels}: state cause`, the oldest first. */
  episodes(): Promise<readonly string[]>;
  events(): Promise<readonly SystemEvent[]>;
  /** Stops the alerting and starts another one on the same database, as after a crash where `flush` is false. */
  restart(options?: { readonly downMs?: number; readonly crash?: boolean }): Promise<Stage>;
  close(): Promise<void>;
}

const STEP_MS = 250;
/** More than the shortest pause between two evaluations of a rule. */
const UNIT_SPACING_MS = 10;

/** The alerting on a real database (SQLite unless told otherwise), a store in memory and a virtual clock. */
export async function openStage(
  rules: string,
  options: Partial<AlertingOptions> = {},
  openDatabase: (clock: VirtualClock) => Promise<StateDatabase> = openTestStateDatabase,
): Promise<Stage> {
  const clock = new VirtualClock();
  const database = await openDatabase(clock);
  const samples = new MemorySamples();
  return buildStage({ rules, options, clock, database, samples, random: createSeededRandom(1) });
}

interface StageParts {
  readonly rules: string;
  readonly options: Partial<AlertingOptions>;
  readonly clock: VirtualClock;
  readonly database: StateDatabase;
  readonly samples: MemorySamples;
  readonly random: ReturnType<typeof createSeededRandom>;
}

async function buildStage(parts: StageParts): Promise<Stage> {
  const { samples, random } = parts;
  const process = { alive: true };
  const clock = mortalClock(parts.clock, process);
  const faults: Fault[] = [];
  const database = faultyDatabase(parts.database, faults);
  const queries = new MemoryQueries(samples);
  const tracing = new RecordedTracing();
  const metrics = new SelfMetrics();
  const bus = createEventBus({ database, clock, random, logger: silentLogger, metrics });
  const alerting = assembleAlerting({
    database,
    bus,
    clock,
    random,
    logger: silentLogger,
    tracing,
    metrics,
    queries,
    feed: samples,
    sink: samples,
    options: { startupGraceMs: 0, ...parts.options },
  });
  await alerting.rules.load([{ name: 'rules.yml', text: parts.rules }]);
  await alerting.start();
  const settle = async (): Promise<void> => {
    for (let round = 0; round < 3; round++) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      await Promise.all([...alerting.rules.runs.values()].map((run) => run.exclusively(async () => {})));
    }
  };
  const stage: Stage = {
    alerting,
    clock: parts.clock,
    database,
    samples,
    queries,
    tracing,
    metrics,
    bus,
    async append(unit, traceparent = null) {
      await parts.clock.advance(UNIT_SPACING_MS);
      commitUnit(samples, clock, unit, traceparent);
      await settle();
    },
    appendNow: (unit) => commitUnit(samples, clock, unit, null),
    async advance(byMs) {
      for (let leftMs = byMs; leftMs > 0; leftMs -= STEP_MS) {
        await parts.clock.advance(Math.min(STEP_MS, leftMs));
        await settle();
      }
    },
    async episodes() {
      const rows = await database.reader
        .selectFrom('alerts')
        .selectAll()
        .orderBy('fired_at_ms')
        .orderBy('id')
        .execute();
      return rows.map((row) => {
        const { alertname: _alertname, ...labels } = JSON.parse(row.labels) as Record<string, string>;
        return `${row.rule_id}${JSON.stringify(labels)}: ${row.state}${row.cause === null ? '' : ` ${row.cause}`}`;
      });
    },
    events: () => bus.list({ limit: 1000 }),
    async restart({ downMs = 0, crash = false } = {}) {
      if (crash) {
        process.alive = false;
        for (const run of alerting.rules.runs.values()) run.stop();
      } else await alerting.stop();
      await bus.stop();
      await parts.clock.advance(downMs);
      return buildStage(parts);
    },
    faults,
    async close() {
      faults.length = 0;
      await alerting.stop();
      await bus.stop();
      await parts.database.close();
    },
  };
  await settle();
  return stage;
}

/** The timers of a process that crashed never fire. */
function mortalClock(clock: VirtualClock, process: { readonly alive: boolean }): Clock {
  return {
    wallMs: () => clock.wallMs(),
    monotonicMs: () => clock.monotonicMs(),
    after: (delayMs, run) => clock.after(delayMs, () => process.alive && run()),
    every: (periodMs, run) => clock.every(periodMs, () => process.alive && run()),
  };
}

/** `lost`: the transaction fails; `unanswered`: it goes through, but its caller hears of a failure. */
type Fault = 'lost' | 'unanswered';

/** A database whose next transactions suffer the faults, one each. */
function faultyDatabase(database: StateDatabase, faults: Fault[]): StateDatabase {
  return {
    ...database,
    async transaction(work) {
      const fault = faults.shift();
      if (fault === 'lost') throw new OmoiError('database_failed', 'lost');
      const result = await database.transaction(work);
      if (fault === 'unanswered') throw new OmoiError('database_failed', 'unanswered');
      return result;
    },
  };
}

function commitUnit(
  samples: MemorySamples,
  clock: Clock,
  unit: Readonly<Record<string, number | null>>,
  traceparent: string | null,
): void {
  const timeMs = clock.wallMs();
  const batch = new SampleBatch();
  for (const [text, value] of Object.entries(unit)) {
    const [, name = '', inner = ''] = /^(\w+)(?:\{(.*)\})?$/.exec(text) ?? [];
    const labels = copyLabels({ [METRIC_NAME_LABEL]: name });
    for (const [, label = '', labelValue = ''] of inner.matchAll(/(\w+)="(\w*)"/g))
      labels[label] = labelValue;
    if (value === null) batch.addStale(samples.series(labels), timeMs);
    else batch.add(samples.series(labels), timeMs, value);
  }
  samples.commit(batch, {
    source: 'collector',
    traceparent,
    receivedAtMs: timeMs,
    receivedMonotonicMs: clock.monotonicMs(),
  });
}
