import { boundOf, bucketsOf, round } from '../tsdb/numbers.ts';
import type { RuleTarget } from './fleet-target.ts';

/** What a server says of its rules, from its page of metrics. */
const NAMES = {
  omoi: {
    evaluations: 'omoi_rule_evaluations_total',
    failures: 'omoi_rule_evaluation_failures_total',
    missed: 'omoi_rule_group_iterations_missed_total',
    seconds: 'omoi_rule_evaluation_duration_seconds_sum',
  },
  prometheus: {
    evaluations: 'prometheus_rule_evaluations_total',
    failures: 'prometheus_rule_evaluation_failures_total',
    missed: 'prometheus_rule_group_iterations_missed_total',
    seconds: 'prometheus_rule_evaluation_duration_seconds_sum',
  },
} as const;
const LATENCY = 'omoi_rule_evaluation_latency_seconds';
const GROUP_DURATION = 'prometheus_rule_group_last_duration_seconds';

export type RuleReadings = Readonly<Record<string, number>>;

export class RuleCounters {
  readonly #target: RuleTarget;
  #page = '';

  constructor(target: RuleTarget) {
    this.#target = target;
  }

  async begin(): Promise<void> {
    this.#page = await this.#read();
  }

  /** Since the last look. @param seconds that have passed since then */
  async take(seconds: number): Promise<RuleReadings> {
    const before = this.#page;
    const after = (this.#page = await this.#read());
    const names = NAMES[this.#target.name];
    const since = (name: string): number => sumOf(after, name) - sumOf(before, name);
    const readings = {
      evaluations_per_s: round(since(names.evaluations) / seconds, 1),
      evaluation_failures: since(names.failures),
      missed_iterations: since(names.missed),
      evaluation_share: round(since(names.seconds) / seconds, 4),
    };
    if (this.#target.name === 'prometheus') {
      return { ...readings, group_duration_max_s: round(Math.max(0, ...valuesOf(after, GROUP_DURATION)), 3) };
    }
    const [from, to] = [bucketsOf(before, LATENCY), bucketsOf(after, LATENCY)];
    return {
      ...readings,
      delay_p50_below_s: boundOf(from, to, 0.5),
      delay_p99_below_s: boundOf(from, to, 0.99),
      waiting_rules: sumOf(after, 'omoi_rules_dirty'),
      longest_wait_s: round(sumOf(after, 'omoi_rule_evaluation_delay_seconds'), 2),
    };
  }

  async #read(): Promise<string> {
    return (await this.#target.client.page('/metrics')).toString('utf8');
  }
}

const sumOf = (page: string, name: string): number =>
  valuesOf(page, name).reduce((sum, value) => sum + value, 0);

const valuesOf = (page: string, name: string): number[] =>
  Array.from(page.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm')), ([, value]) => Number(value));
