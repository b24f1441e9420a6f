import type { AppendFeed, AppendNotice, Subscription, Timer } from '#telemetry';
import type { Instance } from '../lifecycle/instance.ts';
import type { GroupPace } from '../options.ts';
import type { Rule, RuleGroup } from '../rules/rule.ts';
import { EvaluationClock, MAX_SAMPLE_LEAD_MS } from './evaluation-clock.ts';
import { Provenance } from './provenance.ts';
import type { RuleQuery } from './rule-query.ts';
import { SeriesWriter, type RuleOutlet } from './series-writer.ts';

export interface LoadedRule {
  readonly rule: Rule;
  readonly group: RuleGroup;
  readonly pace: GroupPace;
  readonly query: RuleQuery;
  /** Its place among all rules, in the order of files, groups and rules. */
  readonly order: number;
}

/** How a rule has been doing. Durations in ms. */
export interface RuleStatistics {
  health: 'unknown' | 'ok' | 'err';
  lastError: string | null;
  /** Evaluation time of the first failure in a row; null while it succeeds. */
  failingSinceMs: number | null;
  lastEvaluationMs: number | null;
  lastDurationMs: number;
  /** The smoothed cost that its pace follows. */
  costMs: number;
  evaluations: number;
  /** How often it had to wait although it was dirty, and for how long the last time. */
  delays: number;
  lastDelayMs: number;
}

/** One loaded rule while it runs: its label sets, its time, its subscriptions. */
export class RuleRun {
  /** Replaced on reload where only the rule's surroundings have changed. */
  loaded: LoadedRule;
  instances: ReadonlyMap<string, Instance> = new Map();
  readonly provenance = new Provenance();
  readonly clock: EvaluationClock;
  readonly writer: SeriesWriter;
  readonly statistics: RuleStatistics = {
    health: 'unknown',
    lastError: null,
    failingSinceMs: null,
    lastEvaluationMs: null,
    lastDurationMs: 0,
    costMs: 0,
    evaluations: 0,
    delays: 0,
    lastDelayMs: 0,
  };
  newestSampleMs = 0;
  #subscriptions: Subscription[] = [];
  #wake: Timer | null = null;
  #stopped = false;
  #working: Promise<void> | null = null;

  /** @param lastEvaluationMs the newest evaluation time of the rule that this one replaces; 0: none */
  constructor(loaded: LoadedRule, outlet: RuleOutlet, lastEvaluationMs: number) {
    this.loaded = loaded;
    this.clock = new EvaluationClock(lastEvaluationMs);
    this.writer = new SeriesWriter(outlet);
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Tells of each append that can change the result; the samples' time and origin are taken note of first. */
  subscribe(feed: AppendFeed, onDirty: () => void): void {
    const labelsOf = (ref: number) => feed.labelsOf(ref);
    const listener = (notice: AppendNotice): void => {
      // What is too far ahead is not seen by the next evaluation, and must not move its time.
      const horizonMs = notice.origin.receivedAtMs + MAX_SAMPLE_LEAD_MS;
      for (const timeMs of notice.timestampsMs) {
        if (timeMs > this.newestSampleMs && timeMs <= horizonMs) this.newestSampleMs = timeMs;
      }
      this.provenance.note(notice, labelsOf);
      onDirty();
    };
    this.#subscriptions = this.loaded.query.selectors.map((matchers) => feed.onAppend(matchers, listener));
  }

  /** Has `wake` called by one timer: the newest one set. */
  wakeWith(timer: Timer | null): void {
    this.#wake?.cancel();
    this.#wake = timer;
  }

  /** Runs `work` when nothing else works on this rule's label sets any more: in this very turn if so now. */
  exclusively<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#working === null ? work() : this.#working.then(work);
    const settled: Promise<void> = result.then(
      () => this.#settle(settled),
      () => this.#settle(settled),
    );
    this.#working = settled;
    return result;
  }

  #settle(work: Promise<void>): void {
    if (this.#working === work) this.#working = null;
  }

  stop(): void {
    this.#stopped = true;
    for (const subscription of this.#subscriptions) subscription.stop();
    this.#subscriptions = [];
    this.wakeWith(null);
  }
}
