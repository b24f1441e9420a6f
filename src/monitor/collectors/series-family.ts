import {
  DURATION_BUCKETS_SECONDS,
  STANDARD_METRICS,
  type Clock,
  type Counter,
  type Labels,
  type StandardMetric,
} from '#telemetry';
import type { KeptSeries, SeriesAppender } from './series-appender.ts';

/** What a family needs: where its series are kept, and how many they may be. */
export interface FamilyParts {
  readonly appender: SeriesAppender;
  readonly limits: FamilyLimits;
}

const touchIntervalMs = 1000;

/** How many members a family has, and when one may make room for another. */
export interface FamilyLimits {
  /** Members, each one series, or one histogram of some fifteen, of a metric without a label for the agent. */
  readonly maxMembers: number;
  /** Members of a metric by agent; they end with their agent. */
  readonly maxAgentMembers: number;
  /** In a family that is full, a member that was not touched for so long ends for a new one. */
  readonly idleMs: number;
}

/** The labels of a family's last member, which stands for all that found no room, are these. */
const OVERFLOW = '_other';

interface Entry<Member> {
  readonly values: readonly string[];
  readonly member: Member;
  usedMs: number;
}

/**
 * The members of one metric by the values of its labels, in the order of the catalogue. Values come from outside (the
 * type of a task, the reason of a restart), so that their number is limited: beyond it, a member that nobody has
 * touched for long ends, or, where there is none, what is new is added up in one member with the labels `_other`.
 */
abstract class Family<Member> {
  readonly #labelNames: readonly string[];
  readonly #maxMembers: number;
  readonly #idleMs: number;
  readonly #clock: Clock;
  readonly #overflowed: Counter;
  readonly #metric: StandardMetric;
  /** The least recently touched first. */
  readonly #members = new Map<string, Entry<Member>>();
  /** The keys of the members of each agent, by place of the label: an agent that leaves costs what it had. */
  readonly #keysOfAgent = new Map<number, Map<string, Set<string>>>();

  constructor({ appender, limits }: FamilyParts, metric: StandardMetric) {
    this.#metric = metric;
    this.#clock = appender.clock;
    this.#overflowed = appender.overflowed;
    this.#labelNames = STANDARD_METRICS[metric].labels;
    this.#labelNames.forEach((name, place) => {
      if (name.endsWith('agent_id')) this.#keysOfAgent.set(place, new Map());
    });
    this.#maxMembers = this.#keysOfAgent.size > 0 ? limits.maxAgentMembers : limits.maxMembers;
    this.#idleMs = limits.idleMs;
  }

  at(...values: readonly string[]): Member {
    const key = values.join('\xFF');
    const known = this.#members.get(key);
    if (known) return this.#touch(key, known);
    if (this.#members.size >= this.#maxMembers && !this.#endIdle()) {
      this.#overflowed.add(1, { metric: this.#metric });
      const overflow = this.#labelNames.map(() => OVERFLOW);
      const overflowKey = overflow.join('\xFF');
      const other = this.#members.get(overflowKey);
      return other ? this.#touch(overflowKey, other) : this.#open(overflowKey, overflow);
    }
    return this.#open(key, values);
  }

  /** Ends the members of an agent. @param label one of the metric's labels whose name ends in `agent_id` */
  endAgent(label: string, agentId: string): void {
    const keys = this.#keysOfAgent.get(this.#labelNames.indexOf(label))?.get(agentId);
    for (const key of keys ? [...keys] : []) this.#end(key);
  }

  /** Ends the members that nobody has touched for long, up to the first that may not end. */
  protected endIdle(mayEnd: (member: Member) => boolean): void {
    const beforeMs = this.#clock.monotonicMs() - this.#idleMs;
    for (const [key, { usedMs, member }] of this.#members) {
      if (usedMs > beforeMs || !mayEnd(member)) return;
      this.#end(key);
    }
  }

  protected *members(): IterableIterator<Member> {
    for (const { member } of this.#members.values()) yield member;
  }

  protected abstract open(labels: Labels): Member;
  protected abstract close(member: Member): void;

  #touch(key: string, entry: Entry<Member>): Member {
    const nowMs = this.#clock.monotonicMs();
    // Within a second the order may stay as it is; an event touches several members.
    if (nowMs - entry.usedMs >= touchIntervalMs) {
      entry.usedMs = nowMs;
      this.#members.delete(key);
      this.#members.set(key, entry);
    }
    return entry.member;
  }

  #open(key: string, values: readonly string[]): Member {
    const labels: Record<string, string> = {};
    this.#labelNames.forEach((name, place) => {
      labels[name] = values[place] ?? '';
    });
    const member = this.open(labels);
    this.#members.set(key, { values, member, usedMs: this.#clock.monotonicMs() });
    for (const [place, agents] of this.#keysOfAgent) {
      const agentId = values[place] ?? '';
      const keys = agents.get(agentId);
      if (keys) keys.add(key);
      else agents.set(agentId, new Set([key]));
    }
    return member;
  }

  /** Ends the member that nobody has touched for the longest, where that is long enough. */
  #endIdle(): boolean {
    const [oldest] = this.#members;
    if (!oldest) return false;
    const [key, { usedMs }] = oldest;
    if (this.#clock.monotonicMs() - usedMs < this.#idleMs) return false;
    this.#end(key);
    return true;
  }

  #end(key: string): void {
    const entry = this.#members.get(key);
    if (!entry) return;
    this.#members.delete(key);
    for (const [place, agents] of this.#keysOfAgent) {
      const agentId = entry.values[place] ?? '';
      const keys = agents.get(agentId);
      keys?.delete(key);
      if (keys?.size === 0) agents.delete(agentId);
    }
    this.close(entry.member);
  }
}

class SeriesFamily extends Family<KeptSeries> {
  protected readonly appender: SeriesAppender;
  readonly #metric: StandardMetric;

  constructor(parts: FamilyParts, metric: StandardMetric) {
    super(parts, metric);
    this.appender = parts.appender;
    this.#metric = metric;
  }

  protected open(labels: Labels): KeptSeries {
    return this.appender.open(this.#metric, labels);
  }

  protected close(series: KeptSeries): void {
    this.appender.remove(series);
  }
}

/** A metric whose values are counted anew. */
export class GaugeFamily extends SeriesFamily {
  /** Sets every member to the sum that `amounts` adds up for it; those it does not mention to 0. */
  setTotals(amounts: ReadonlyMap<KeptSeries, number>): void {
    for (const series of this.members()) this.appender.put(series, amounts.get(series) ?? 0);
  }

  /** Ends the members that are 0 and have been for as long as a full family keeps one for nothing. */
  endIdleZeros(): void {
    this.endIdle((series) => series.value === 0);
  }
}

/** A metric that only grows; it starts at 0 when the server starts, like any Prometheus counter. */
export class CounterFamily extends SeriesFamily {
  increment(...labelValues: readonly string[]): void {
    this.add(1, ...labelValues);
  }

  add(amount: number, ...labelValues: readonly string[]): void {
    const series = this.at(...labelValues);
    this.appender.put(series, (Number.isNaN(series.value) ? 0 : series.value) + amount);
  }
}

interface HistogramSeries {
  /** One for each bound, the last for +Inf. */
  readonly buckets: readonly KeptSeries[];
  readonly sum: KeptSeries;
  readonly count: KeptSeries;
}

/** A duration histogram with cumulative buckets, in seconds. */
export class HistogramFamily extends Family<HistogramSeries> {
  readonly #appender: SeriesAppender;
  readonly #metric: StandardMetric;

  constructor(parts: FamilyParts, metric: StandardMetric) {
    super(parts, metric);
    this.#appender = parts.appender;
    this.#metric = metric;
  }

  observe(seconds: number, ...labelValues: readonly string[]): void {
    const { buckets, sum, count } = this.at(...labelValues);
    buckets.forEach((bucket, place) => {
      const bound = DURATION_BUCKETS_SECONDS[place] ?? Number.POSITIVE_INFINITY;
      if (seconds <= bound) this.#appender.put(bucket, bucket.value + 1);
    });
    this.#appender.put(sum, sum.value + seconds);
    this.#appender.put(count, count.value + 1);
  }

  protected open(labels: Labels): HistogramSeries {
    const opened = (suffix: string, more: Labels = {}): KeptSeries => {
      const series = this.#appender.open(`${this.#metric}${suffix}`, { ...labels, ...more });
      this.#appender.put(series, 0);
      return series;
    };
    return {
      buckets: [...DURATION_BUCKETS_SECONDS.map(String), '+Inf'].map((le) => opened('_bucket', { le })),
      sum: opened('_sum'),
      count: opened('_count'),
    };
  }

  protected close({ buckets, sum, count }: HistogramSeries): void {
    for (const series of [...buckets, sum, count]) this.#appender.remove(series);
  }
}
