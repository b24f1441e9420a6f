import type { Clock, Counter, FleetActivity, FleetFeed, SelfMetrics, Subscription, Timer } from '#telemetry';
import type { KeptSeries, SeriesAppender } from '../collectors/series-appender.ts';
import { RollingWindow } from '../detectors/rolling-window.ts';

const scoreIntervalMs = 5000;
/** What an agent did longer ago than this many tasks no longer counts. */
const rememberedTasks = 32;
/** An agent with fewer tasks is not judged, and no peer to others. */
const minTasks = 5;
/** With fewer peers there is no "unlike the others". */
const minAgentsToCompare = 3;
/** Where all peers are alike, this much is one unit of difference: of the median duration, and of the failure share. */
const relativeDurationFloor = 0.1;
const failureShareFloor = 0.1;
/** A robust z-score of this maps to a score of ½. */
const halfScoreDeviations = 4;
const MAD_TO_DEVIATION = 1.4826;

/** How unlike its pool an agent behaves; all scores 0 to 1. */
export interface AgentScore {
  readonly agentId: string;
  readonly poolId: string | null;
  readonly score: number;
  readonly durationScore: number;
  readonly failureScore: number;
  /** How many of its newest tasks were looked at. */
  readonly tasks: number;
}

interface AgentRecord {
  readonly durations: RollingWindow;
  /** Whether each of the newest tasks failed, the oldest first. */
  readonly outcomes: boolean[];
  series: KeptSeries | null;
}

/**
 * Compares every agent with the others of its pool: how long its tasks take, and how many fail. One that is
 * faster than its peers scores as one that is slower: a worker that skips its work is quick.
 */
export class AgentScores {
  readonly #feed: FleetFeed;
  readonly #appender: SeriesAppender;
  readonly #clock: Clock;
  readonly #maxAgents: number;
  readonly #unscored: Counter;
  readonly #records = new Map<string, AgentRecord>();
  #scores: readonly AgentScore[] = [];
  #subscription: Subscription | null = null;
  #timer: Timer | null = null;

  constructor(
    parts: {
      readonly feed: FleetFeed;
      readonly appender: SeriesAppender;
      readonly clock: Clock;
      readonly metrics: SelfMetrics;
    },
    maxAgents: number,
  ) {
    this.#feed = parts.feed;
    this.#appender = parts.appender;
    this.#clock = parts.clock;
    this.#maxAgents = maxAgents;
    this.#unscored = parts.metrics.counter(
      'omoi_agent_scores_dropped_total',
      'Tasks of agents beyond the number that is compared.',
    );
  }

  start(): void {
    this.#subscription = this.#feed.onActivity((activity) => this.#note(activity));
    this.#timer = this.#clock.every(scoreIntervalMs, () => this.#compare());
  }

  stop(): void {
    this.#subscription?.stop();
    this.#timer?.cancel();
  }

  /** As of the last comparison; the most unlike first. */
  current(): readonly AgentScore[] {
    return this.#scores;
  }

  #note(activity: FleetActivity): void {
    if (activity.kind === 'task_completed') {
      const record = this.#at(activity.agentId);
      record?.durations.push(activity.durationSeconds);
      if (record) remember(record, false);
    } else if (activity.kind === 'task_failed') {
      const record = this.#at(activity.agentId);
      if (record) remember(record, true);
    } else if (activity.kind === 'agent_removed') {
      const series = this.#records.get(activity.agentId)?.series;
      this.#records.delete(activity.agentId);
      if (series) this.#appender.remove(series);
    }
  }

  #at(agentId: string): AgentRecord | null {
    let record = this.#records.get(agentId);
    if (record) return record;
    if (this.#records.size >= this.#maxAgents) {
      this.#unscored.add(1);
      return null;
    }
    record = { durations: new RollingWindow(rememberedTasks), outcomes: [], series: null };
    this.#records.set(agentId, record);
    return record;
  }

  #compare(): void {
    const pools = new Map<string, { readonly agentId: string; readonly record: AgentRecord }[]>();
    for (const { agentId, poolId } of this.#feed.snapshot().agents) {
      const record = this.#records.get(agentId);
      if (!record || record.outcomes.length < minTasks) continue;
      const pool = poolId ?? '';
      const members = pools.get(pool);
      if (members) members.push({ agentId, record });
      else pools.set(pool, [{ agentId, record }]);
    }
    const scores: AgentScore[] = [];
    for (const [poolId, members] of pools) {
      if (members.length < minAgentsToCompare) continue;
      scores.push(...scoreMembers(poolId === '' ? null : poolId, members));
    }
    this.#scores = scores.sort((a, b) => b.score - a.score);
    for (const { agentId, score } of this.#scores) {
      const record = this.#records.get(agentId);
      if (!record) continue;
      record.series ??= this.#appender.open('agent_anomaly_score', { agent_id: agentId });
      this.#appender.put(record.series, score);
    }
  }
}

function remember(record: AgentRecord, failed: boolean): void {
  record.outcomes.push(failed);
  if (record.outcomes.length > rememberedTasks) record.outcomes.shift();
}

function scoreMembers(
  poolId: string | null,
  members: readonly { readonly agentId: string; readonly record: AgentRecord }[],
): readonly AgentScore[] {
  const durations = members.map(({ record }) => record.durations.quantile(0.5));
  const shares = members.map(
    ({ record }) => record.outcomes.filter((failed) => failed).length / record.outcomes.length,
  );
  const ofDuration = deviationsOf(durations, (median) => median * relativeDurationFloor);
  const ofFailure = deviationsOf(shares, () => failureShareFloor);
  return members.map(({ agentId, record }, at) => {
    const durationScore = toScore(Math.abs(ofDuration[at] ?? 0));
    const failureScore = toScore(Math.max(0, ofFailure[at] ?? 0));
    return {
      agentId,
      poolId,
      score: Math.max(durationScore, failureScore),
      durationScore,
      failureScore,
      tasks: record.outcomes.length,
    };
  });
}

/** The robust z-score of each value among all; 0 for what is not known. */
function deviationsOf(values: readonly number[], floorOf: (median: number) => number): readonly number[] {
  const window = new RollingWindow(values.length);
  for (const value of values) if (Number.isFinite(value)) window.push(value);
  const median = window.quantile(0.5);
  const scale = Math.max(
    window.medianDistanceFrom(median) * MAD_TO_DEVIATION,
    floorOf(median),
    Number.MIN_VALUE,
  );
  return values.map((value) => (Number.isFinite(value) ? (value - median) / scale : 0));
}

function toScore(deviations: number): number {
  return Math.round((deviations / (deviations + halfScoreDeviations)) * 100) / 100;
}
