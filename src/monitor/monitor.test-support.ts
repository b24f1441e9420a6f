import { createEventBus } from '#eventbus';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import {
  createSeededRandom,
  labelsKey,
  matchesAll,
  METRIC_NAME_LABEL,
  SelfMetrics,
  silentLogger,
  VirtualClock,
  wordsOf,
  writeStaleMarker,
  type AgentObservation,
  type AppendFeed,
  type AppendNotice,
  type AppendOrigin,
  type AppendSubscription,
  type CommitResult,
  type FleetActivity,
  type FleetFeed,
  type FleetSnapshot,
  type Labels,
  type Matcher,
  type Queryable,
  type SampleBatch,
  type SampleSink,
  type SelectedSeries,
  type Selection,
  type Subscription,
  type SystemEvent,
  noneRefused,
} from '#telemetry';
import { RecordedTracing } from '../telemetry/tracing/tracing.test-support.ts';
import { createMonitor, type Monitor, type MonitorParts } from './monitor.ts';

/** A worker that is well. For tests. */
export function observed(fields: Partial<AgentObservation> = {}): AgentObservation {
  return {
    agentId: 'w1',
    agentType: 'worker',
    poolId: 'demo',
    phaseId: 'PHASE_IMPLEMENTATION',
    status: 'IDLE',
    generation: 1,
    managed: true,
    heartbeatAgeMs: 200,
    heartbeatsMissed: 0,
    clingsTo: null,
    usage: null,
    ...fields,
  };
}

/** A store of samples in memory that tells its subscribers, as the real one does. For tests. */
class MemoryStore implements SampleSink, AppendFeed, Queryable {
  /** `name{labels}` of each sample, its value (`stale` for markers), and the unit it came in. */
  readonly samples: {
    readonly name: string;
    readonly labels: Labels;
    readonly value: number | 'stale';
    readonly atMs: number;
    readonly unit: number;
    readonly origin: AppendOrigin;
  }[] = [];
  readonly #labels: Labels[] = [];
  readonly #refs = new Map<string, number>();
  readonly #listeners = new Set<{
    readonly matchers: readonly Matcher[];
    readonly tell: (notice: AppendNotice) => void;
  }>();
  #unit = 0;

  series(labels: Labels): number {
    const key = labelsKey(labels);
    const known = this.#refs.get(key);
    if (known !== undefined) return known;
    this.#labels.push(labels);
    this.#refs.set(key, this.#labels.length - 1);
    return this.#labels.length - 1;
  }

  labelsOf(ref: number): Labels {
    return this.#labels[ref] ?? {};
  }

  commit(batch: SampleBatch, origin: AppendOrigin): CommitResult {
    const unit = ++this.#unit;
    for (let at = 0; at < batch.length; at++) {
      const { [METRIC_NAME_LABEL]: name = '', ...labels } = this.labelsOf(batch.refs[at] ?? 0);
      const value = batch.stale[at] === 1 ? 'stale' : (batch.values[at] ?? 0);
      this.samples.push({ name, labels, value, atMs: batch.timestampsMs[at] ?? 0, unit, origin });
    }
    for (const { matchers, tell } of this.#listeners) {
      const places = [...batch.refs.subarray(0, batch.length).keys()].filter((at) =>
        matchesAll(matchers, this.labelsOf(batch.refs[at] ?? 0)),
      );
      if (places.length === 0) continue;
      tell({
        origin,
        refs: places.map((at) => batch.refs[at] ?? 0),
        timestampsMs: places.map((at) => batch.timestampsMs[at] ?? 0),
        values: places.map((at) => batch.values[at] ?? 0),
        stale: places.map((at) => batch.stale[at] === 1),
      });
    }
    return {
      accepted: batch.length,
      refused: noneRefused(),
      durable: () => Promise.resolve(),
    };
  }

  onAppend(matchers: readonly Matcher[], tell: (notice: AppendNotice) => void): AppendSubscription {
    const listener = { matchers, tell };
    this.#listeners.add(listener);
    return { whenLinked: null, stop: () => void this.#listeners.delete(listener) };
  }

  select({ matchers, startMs, endMs }: Selection): readonly SelectedSeries[] {
    const chosen = this.samples
      .filter(({ atMs }) => atMs >= startMs && atMs <= endMs)
      .map((sample) => ({ ...sample, labels: { [METRIC_NAME_LABEL]: sample.name, ...sample.labels } }))
      .filter(({ labels }) => matchesAll(matchers, labels));
    return [...Map.groupBy(chosen, ({ labels }) => labelsKey(labels)).values()].map((samples) => {
      const values = new Float64Array(samples.map(({ value }) => (value === 'stale' ? 0 : value)));
      const words = wordsOf(values);
      samples.forEach(({ value }, at) => value === 'stale' && writeStaleMarker(words, at));
      const timestampsMs = Float64Array.from(samples, ({ atMs }) => atMs);
      return { labels: samples[0]?.labels ?? {}, timestampsMs, values };
    });
  }

  /** The values of a metric in order, by the text of its labels. */
  history(name: string): Readonly<Record<string, readonly (number | 'stale')[]>> {
    const series: Record<string, (number | 'stale')[]> = {};
    for (const sample of this.samples) {
      if (sample.name !== name) continue;
      const key = Object.entries(sample.labels)
        .map(([label, value]) => `${label}=${value}`)
        .join(',');
      (series[key] ??= []).push(sample.value);
    }
    return series;
  }
}

/** A fleet whose snapshot a test writes. */
class ScriptedFleet implements FleetFeed {
  agents: FleetSnapshot['agents'] = [];
  queue: FleetSnapshot['queue'] = [];
  parked: FleetSnapshot['parked'] = [];
  running: FleetSnapshot['running'] = [];
  unserved: FleetSnapshot['unserved'] = [];
  locks: FleetSnapshot['locks'] = [];
  pools: FleetSnapshot['pools'] = new Map();
  readonly #listeners = new Set<(activity: FleetActivity) => void>();

  snapshot(): FleetSnapshot {
    return {
      agents: this.agents,
      queue: this.queue,
      parked: this.parked,
      running: this.running,
      unserved: this.unserved,
      locks: this.locks,
      pools: this.pools,
    };
  }

  agent(agentId: string): FleetSnapshot['agents'][number] | undefined {
    return this.agents.find((agent) => agent.agentId === agentId);
  }

  onActivity(listener: (activity: FleetActivity) => void): Subscription {
    this.#listeners.add(listener);
    return { stop: () => void this.#listeners.delete(listener) };
  }

  tell(activity: FleetActivity): void {
    for (const listener of this.#listeners) listener(activity);
  }

  setQueued(queued: number): void {
    this.queue = [{ phaseId: 'PHASE_IMPLEMENTATION', priority: 0, queued }];
    this.tell({ kind: 'queue', traceparent: null });
  }
}

export interface Stage {
  readonly clock: VirtualClock;
  readonly database: StateDatabase;
  readonly store: MemoryStore;
  readonly fleet: ScriptedFleet;
  readonly tracing: RecordedTracing;
  readonly metrics: SelfMetrics;
  monitor: Monitor;
  events(): Promise<readonly SystemEvent[]>;
  /** Stops the monitor and starts another one on the same database. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** A monitor on a real database, with a store in memory and a virtual clock. For tests. */
export async function openStage(options: Partial<MonitorParts> = {}): Promise<Stage> {
  const clock = new VirtualClock();
  const database = await openTestStateDatabase(clock);
  const random = createSeededRandom(3);
  const metrics = new SelfMetrics();
  const bus = createEventBus({ database, clock, random, logger: silentLogger, metrics });
  const store = new MemoryStore();
  const fleet = new ScriptedFleet();
  const tracing = new RecordedTracing();
  const build = (): Monitor =>
    createMonitor({
      database,
      bus,
      clock,
      random,
      logger: silentLogger,
      metrics,
      tracing,
      fleet,
      sink: store,
      store,
      feed: store,
      ...options,
    });
  const stage: Stage = {
    clock,
    database,
    store,
    fleet,
    tracing,
    metrics,
    monitor: build(),
    async events() {
      await stage.monitor.idle();
      return bus.list({ limit: 1000 });
    },
    async restart() {
      await stage.monitor.stop();
      stage.monitor = build();
      await stage.monitor.start();
    },
    async close() {
      await stage.monitor.stop();
      await bus.stop();
      await database.close();
    },
  };
  await stage.monitor.start();
  return stage;
}
