import { createEventBus } from '#eventbus';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import {
  copyLabels,
  createSeededRandom,
  METRIC_NAME_LABEL,
  SampleBatch,
  SelfMetrics,
  silentLogger,
  VirtualClock,
  type Clock,
  type SystemEvent,
} from '#telemetry';
import { RecordedTracing } from '../telemetry/tracing/tracing.test-support.ts';
import { assembleAlerting, type Alerting } from './alerting.ts';
import { MemoryQueries, MemorySamples } from './memory-samples.test-support.ts';
import { observedDatabase, type DatabaseObserver } from './observed-database.test-support.ts';
import type { AlertingOptions } from './options.ts';
import type { RuleOverview } from './overview.ts';

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
  readonly faults: DatabaseObserver['faults'];
  readonly observer: DatabaseObserver;
  /** Appends one unit, 10 ms later: `queue{phase="a"}` → value, or null for a staleness marker. */
  append(unit: Readonly<Record<string, number | null>>, traceparent?: string | null): Promise<void>;
  /** The same, at once and without waiting for anything. */
  appendNow(unit: Readonly<Record<string, number | null>>): void;
  /** Moves the clock in small steps, each followed by all that it set off. */
  advance(byMs: number): Promise<void>;
  /** How the first rule does. */
  statistics(): Promise<RuleOverview['statistics']>;
  /** All alert rows as `rule{labels}: state cause`, the oldest first. */
  episodes(): Promise<readonly string[]>;
  events(): Promise<readonly SystemEvent[]>;
  /** Stops the alerting and starts another one on the same database, as after a crash where `flush` is false. */
  restart(options?: {
    readonly downMs?: number;
    readonly crash?: boolean;
    /** What the rule file says from then on. */
    readonly rules?: string;
  }): Promise<Stage>;
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
  const observer: DatabaseObserver = { faults: [], traffic: { transactions: 0, statements: 0 } };
  const { faults } = observer;
  const database = observedDatabase(parts.database, observer);
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
      await Promise.all([...alerting.rules.states.values()].map((rule) => rule.settled()));
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
    async statistics() {
      const [rule] = (await alerting.overview()).flatMap(({ rules }) => rules);
      if (!rule) throw new Error('no rule is loaded');
      return rule.statistics;
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
    async restart({ downMs = 0, crash = false, rules = parts.rules } = {}) {
      if (crash) {
        process.alive = false;
        // What it is about to ask of the database is never asked; what it has asked is done.
        observer.pause = () => new Promise(() => {});
        for (const rule of alerting.rules.states.values()) rule.unwatch();
        await parts.database.transaction(async () => {});
      } else {
        await alerting.stop();
        await bus.stop();
      }
      await parts.clock.advance(downMs);
      return buildStage({ ...parts, rules });
    },
    faults,
    observer,
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
    cpuMs: () => clock.cpuMs(),
    bootMs: () => clock.bootMs(),
    bootId: clock.bootId,
    after: (delayMs, run) => clock.after(delayMs, () => process.alive && run()),
    every: (periodMs, run) => clock.every(periodMs, () => process.alive && run()),
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
