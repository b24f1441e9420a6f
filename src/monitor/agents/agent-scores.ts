import {
  nextTurn,
  type Clock,
  type Counter,
  type FleetActivity,
  type FleetFeed,
  type SelfMetrics,
  type Subscription,
  type Timer,
} from '#telemetry';
import type { KeptSeries, SeriesAppender } from '../collectors/series-appender.ts';
import { RollingWindow } from '../detectors/rolling-window.ts';

const scoreIntervalMs = 5000;
/** Agents looked at, or scores appended, in one turn of the event loop. */
export const agentsPerSlice = 250;
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
  #comparing = false;
  #stopped = false;

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
    this.#timer = this.#clock.every(scoreIntervalMs, () => void this.#compare());
  }

  stop(): void {
    this.#stopped = true;
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

  /** One comparison at a time, in slices. */
  async #compare(): Promise<void> {
    if (this.#comparing) return;
    this.#comparing = true;
    try {
      this.#scores = await this.#compared();
      await this.#append(this.#scores);
    } finally {
      this.#comparing = false;
    }
  }

  /** The most unlike first. */
  async #compared(): Promise<readonly AgentScore[]> {
    let looked = 0;
    const pools = new Map<string, PoolMembers>();
    for (const { agentId, poolId } of this.#feed.snapshot().agents) {
      if (++looked % agentsPerSlice === 0) await nextTurn();
      const record = this.#records.get(agentId);
      if (!record || record.outcomes.length < minTasks) continue;
      let members = pools.get(poolId ?? '');
      if (!members) pools.set(poolId ?? '', (members = new PoolMembers(poolId)));
      members.add(agentId, record);
    }
    /** By hundredths, which scores are rounded to: the most unlike are the last. */
    const byScore: AgentScore[][] = Array.from({ length: 101 }, () => []);
    for (const members of pools.values()) {
      if (members.length < minAgentsToCompare) continue;
      for (const score of members.scores()) {
        if (++looked % agentsPerSlice === 0) await nextTurn();
        byScore[Math.round(score.score * 100)]?.push(score);
      }
    }
    return byScore.toReversed().flat();
  }

  async #append(scores: readonly AgentScore[]): Promise<void> {
    let appended = 0;
    for (const { agentId, score } of scores) {
      if (this.#stopped) return;
      if (++appended % agentsPerSlice === 0) await this.#endSlice();
      const record = this.#records.get(agentId);
      if (!record) continue;
      record.series ??= this.#appender.open('agent_anomaly_score', { agent_id: agentId });
      this.#appender.put(record.series, score);
    }
    const repeated = this.#appender.repeatInSlices();
    while (!this.#stopped && repeated.next().done !== true) await this.#endSlice();
    if (!this.#stopped) this.#appender.flush();
  }

  /** What was put becomes visible as a unit of its own. */
  #endSlice(): Promise<void> {
    this.#appender.flush();
    return nextTurn();
  }
}

function remember(record: AgentRecord, failed: boolean): void {
  record.outcomes.push(failed);
  if (record.outcomes.length > rememberedTasks) record.outcomes.shift();
}

/** The members of a pool with what they are compared by. */
class PoolMembers {
  readonly #poolId: string | null;
  readonly #agents: { readonly agentId: string; readonly tasks: number }[] = [];
  readonly #durations: number[] = [];
  readonly #failureShares: number[] = [];

  constructor(poolId: string | null) {
    this.#poolId = poolId;
  }

  get length(): number {
    return this.#agents.length;
  }

  add(agentId: string, { durations, outcomes }: AgentRecord): void {
    this.#agents.push({ agentId, tasks: outcomes.length });
    this.#durations.push(durations.quantile(0.5));
    this.#failureShares.push(outcomes.filter((failed) => failed).length / outcomes.length);
  }

  *scores(): Generator<AgentScore, void, void> {
    const durationOf = deviationIn(this.#durations, (median) => median * relativeDurationFloor);
    const failureOf = deviationIn(this.#failureShares, () => failureShareFloor);
    for (const [at, { agentId, tasks }] of this.#agents.entries()) {
      const durationScore = toScore(Math.abs(durationOf(this.#durations[at] ?? Number.NaN)));
      const failureScore = toScore(Math.max(0, failureOf(this.#failureShares[at] ?? Number.NaN)));
      const score = Math.max(durationScore, failureScore);
      yield { agentId, poolId: this.#poolId, score, durationScore, failureScore, tasks };
    }
  }
}

/** Gives the robust z-score of a value among all; 0 for what is not known. */
function deviationIn(
  values: readonly number[],
  floorOf: (median: number) => number,
): (value: number) => number {
  const known = Float64Array.from(values.filter((value) => Number.isFinite(value))).sort();
  const median = medianOf(known);
  const distances = known.map((value) => Math.abs(value - median)).sort();
  const distance = distances[Math.ceil(distances.length / 2) - 1] ?? Number.NaN;
  const scale = Math.max(distance * MAD_TO_DEVIATION, floorOf(median), Number.MIN_VALUE);
  return (value) => (Number.isFinite(value) ? (value - median) / scale : 0);
}

/** Of values in order; NaN where there are none. */
function medianOf(sorted: Float64Array): number {
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
}

function toScore(deviations: number): number {
  return Math.round((deviations / (deviations + halfScoreDeviations)) * 100) / 100;
}
