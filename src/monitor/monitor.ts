import type { EventBus } from '#eventbus';
import type { StateDatabase } from '#storage';
import {
  STANDARD_METRICS,
  type AppendFeed,
  type Clock,
  type FleetFeed,
  type Logger,
  type Matcher,
  type MetadataSink,
  type MetricSample,
  type Queryable,
  type Random,
  type SampleSink,
  type SelfMetrics,
  type Tracing,
} from '#telemetry';
import { AgentScores, type AgentScore } from './agents/agent-scores.ts';
import { AnomalyStore } from './anomalies/anomaly-store.ts';
import { AnomalyWriter } from './anomalies/anomaly-writer.ts';
import {
  currentSamples,
  standardFamilies,
  type SampleFilter,
  type StandardFamily,
} from './collectors/exposition.ts';
import { FleetCollector } from './collectors/fleet-collector.ts';
import type { FamilyLimits } from './collectors/series-family.ts';
import { endLeftSeries } from './collectors/left-series.ts';
import { SelfCollector } from './collectors/self-collector.ts';
import { SeriesAppender } from './collectors/series-appender.ts';
import { DEFAULT_GATE_LIMITS } from './detectors/anomaly-gate.ts';
import { Detector, type DetectorLimits } from './detectors/detector.ts';
import { DEFAULT_WATCHES, watchSelector, type P95Bound } from './detectors/watch.ts';

interface MonitorLimits extends DetectorLimits, FamilyLimits {
  readonly maxCollectedSeries: number;
  readonly maxSelfSeries: number;
  readonly maxScoredAgents: number;
}

const DEFAULT_MONITOR_LIMITS: MonitorLimits = {
  ...DEFAULT_GATE_LIMITS,
  judgeIntervalMs: 250,
  maxWatchedSeries: 2000,
  maxSilenceMs: 300_000,
  maxCollectedSeries: 200_000,
  maxSelfSeries: 5000,
  maxScoredAgents: 20_000,
  maxMembers: 1000,
  maxAgentMembers: 50_000,
  idleMs: 3_600_000,
};

export interface MonitorParts {
  readonly database: StateDatabase;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly tracing: Tracing;
  readonly fleet: FleetFeed;
  readonly sink: SampleSink;
  /** What lies in the sink. */
  readonly store: Pick<Queryable, 'select'>;
  readonly feed: AppendFeed;
  /** Told what the standard metrics are. */
  readonly metadata?: MetadataSink;
  /** Series to watch for anomalies beside those that are watched anyway: one list of matchers for each. */
  readonly watch?: readonly (readonly Matcher[])[];
  /** Bounds that the 95th percentile of a series' last 30 s must not pass. */
  readonly bounds?: readonly P95Bound[];
  /** Agents that somebody else starts and that are to be there. */
  readonly expectedAgents?: readonly string[];
  readonly limits?: Partial<MonitorLimits>;
}

export interface Monitor {
  readonly anomalies: AnomalyStore;
  /** The standard metrics for `/metrics`; their points are read as they stand when their turn comes. */
  standardMetrics(): Iterable<StandardFamily>;
  /** The newest samples of the standard metrics that the filter accepts; null for each that it does not. */
  samples(filter: SampleFilter): Iterable<MetricSample | null>;
  agentScores(): readonly AgentScore[];
  /** Takes up the anomalies that were open, then begins to collect and to judge. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Resolves when what was found so far is written. */
  idle(): Promise<void>;
}

/** Collects the standard metrics of a fleet into a store, and watches what is stored for anomalies. */
export function createMonitor(parts: MonitorParts): Monitor {
  const { database, clock, metrics, sink, fleet } = parts;
  const limits: MonitorLimits = { ...DEFAULT_MONITOR_LIMITS, ...parts.limits };
  const appender = (source: 'collector' | 'detector', maxSeries: number): SeriesAppender =>
    new SeriesAppender({ sink, clock, metrics, source, maxSeries });
  const collected = appender('collector', limits.maxCollectedSeries);
  const own = appender('collector', limits.maxSelfSeries);
  const scores = appender('detector', limits.maxWatchedSeries);
  const agentScores = appender('detector', limits.maxScoredAgents);
  const anomalies = new AnomalyStore(database);
  const writer = new AnomalyWriter(parts);
  const stopping = new AbortController();
  const { signal } = stopping;
  const onSeen = (): void => void endLeftSeries({ ...parts, appender: collected, signal });
  const collector = new FleetCollector(
    fleet,
    { appender: collected, limits },
    { clock, onSeen, expected: parts.expectedAgents ?? [] },
  );
  const selfCollector = new SelfCollector(metrics, own, clock);
  const agents = new AgentScores(
    { feed: fleet, appender: agentScores, clock, metrics },
    limits.maxScoredAgents,
  );
  const watches = [...DEFAULT_WATCHES, ...(parts.watch ?? []).map(watchSelector)];
  const detector = new Detector(
    { ...parts, scores, writer },
    { watches, bounds: parts.bounds ?? [] },
    limits,
  );
  const appenders = [collected, scores, agentScores];
  return {
    anomalies,
    standardMetrics: () => standardFamilies(appenders),
    samples: (filter) => currentSamples(appenders, filter),
    agentScores: () => agents.current(),
    idle: () => writer.idle(),
    async start() {
      for (const [name, { type, help, unit }] of Object.entries(STANDARD_METRICS)) {
        parts.metadata?.describe(name, { type, help, unit });
      }
      detector.start(await writer.loadOpen());
      agents.start();
      collector.start();
      selfCollector.start();
    },
    async stop() {
      stopping.abort();
      selfCollector.stop();
      collector.stop();
      agents.stop();
      detector.stop();
      await writer.stop();
    },
  };
}
