import type { EventBus } from '#eventbus';
import type { RuleTemplateHost, TemplateSample } from '#gotemplate';
import type { StateDatabase } from '#storage';
import {
  type AppendFeed,
  type Clock,
  type Logger,
  type Random,
  type SampleSink,
  type SelfMetrics,
  type Subscription,
  type Tracing,
} from '#telemetry';
import { AlertBook } from './alerts/alert-book.ts';
import { EpisodeJournal } from './alerts/episode-journal.ts';
import { remediationFollower } from './alerts/remediation-follower.ts';
import { RuleMemory } from './alerts/rule-memory.ts';
import { AlertingEvaluation } from './evaluation/alerting-evaluation.ts';
import { EvaluationBudget } from './evaluation/evaluation-budget.ts';
import { EvaluationScheduler } from './evaluation/evaluation-scheduler.ts';
import { GroupTicker } from './evaluation/group-ticker.ts';
import { RuleEvaluator } from './evaluation/rule-evaluator.ts';
import type { RuleQuery } from './evaluation/rule-query.ts';
import type { RuleRun } from './evaluation/rule-run.ts';
import { restoreInstances } from './lifecycle/restore.ts';
import { overviewOf, type GroupOverview } from './overview.ts';
import { DEFAULT_ALERTING_OPTIONS, type AlertingOptions } from './options.ts';
import { RuleBook, type RuleChange } from './rules/rule-book.ts';

/** Prepares expressions for evaluation against the samples that rules see. */
export interface RuleQueries {
  /** @throws OmoiError `query_invalid` */
  prepare(expr: string): RuleQuery;
  /** What a template's `query` gives. @throws where it can't be answered from memory */
  queryNow(expr: string, timeMs: number): readonly TemplateSample[];
}

export interface AlertingEngineParts {
  readonly database: StateDatabase;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly tracing: Tracing;
  readonly metrics: SelfMetrics;
  readonly queries: RuleQueries;
  readonly feed: AppendFeed;
  readonly sink: SampleSink;
  readonly options?: Partial<AlertingOptions>;
}

/** Rules, evaluated as their data arrives, and the alerts they raise. */
export interface Alerting {
  readonly rules: RuleBook;
  readonly alerts: AlertBook;
  readonly options: AlertingOptions;
  /** The loaded groups with the state and health of their rules. */
  overview(): readonly GroupOverview[];
  /** Takes up what was remembered and begins to evaluate. Load the rules first. */
  start(): Promise<void>;
  /** Resolves when nothing is evaluated any more and what has to be remembered is on disk. */
  stop(): Promise<void>;
}

export function assembleAlerting(parts: AlertingEngineParts): Alerting {
  const { bus, clock, database, logger, metrics, sink } = parts;
  const options: AlertingOptions = { ...DEFAULT_ALERTING_OPTIONS, ...parts.options };
  const journal = new EpisodeJournal(database, bus);
  const memory = new RuleMemory({ database, clock, logger });
  let graceUntilMs = 0;
  const hostAt = (timeMs: number): RuleTemplateHost => ({
    externalUrl: options.externalUrl,
    timeMs,
    query: (expr) => parts.queries.queryNow(expr, timeMs),
  });
  const evaluation = new AlertingEvaluation({
    ...parts,
    options,
    journal,
    memory,
    hostAt,
  });
  const evaluator = new RuleEvaluator({
    clock,
    logger,
    metrics,
    alerting: evaluation,
    graceUntilMs: () => graceUntilMs,
    wakeAt: (run, timeMs) => {
      const delayMs = Math.max(1, Math.ceil(timeMs - clock.wallMs()));
      run.wakeWith(clock.after(delayMs, () => scheduler.mark(run, { repeat: false })));
    },
  });
  const scheduler = new EvaluationScheduler({
    clock,
    metrics,
    budget: new EvaluationBudget(options.evaluationShare, options.evaluationBurstMs),
    evaluate: (run, how) => evaluator.evaluate(run, how),
  });
  const conduct = new RuleConduct({ ...parts, options, scheduler });
  const rules = new RuleBook({
    clock,
    database,
    journal,
    outlet: {
      sink,
      refused: metrics.counter(
        'omoi_rule_samples_refused_total',
        'Samples of rules that the store did not take.',
      ),
    },
    options,
    prepare: (expr) => parts.queries.prepare(expr),
    onSwap: (change) => {
      for (const { loaded } of change.removed)
        memory.remember({ key: loaded.rule.key, instances: new Map() });
      conduct.swap(change, rules);
    },
  });
  metrics.gauge(
    'omoi_rule_traced_series_forgotten',
    'Series whose trace a rule forgot because it remembers only so many.',
    () => [...rules.runs.values()].reduce((sum, run) => sum + run.provenance.forgotten, 0),
  );
  const alerts = new AlertBook({
    database,
    bus,
    clock,
    journal,
    memory,
    findRun: (ruleKey) => rules.runs.get(ruleKey),
    onChange: (run) => scheduler.mark(run, { repeat: true }),
  });
  let follower: Subscription | null = null;
  return {
    rules,
    alerts,
    options,
    overview: () =>
      overviewOf(rules, {
        defaultIntervalMs: options.defaultIntervalMs,
        expansion: { externalLabels: options.externalLabels, host: hostAt(clock.wallMs()) },
      }),
    async start() {
      await restore({ rules, memory, journal, clock, options });
      graceUntilMs = clock.wallMs() + options.startupGraceMs;
      memory.start();
      follower = bus.consume(remediationFollower(bus));
      conduct.start(rules);
    },
    async stop() {
      conduct.stop(rules);
      scheduler.stop();
      follower?.stop();
      await Promise.all([...rules.runs.values()].map((run) => run.exclusively(async () => {})));
      await memory.stop();
    },
  };
}

/** Takes the label sets up where they were left; episodes whose rule is gone end. */
async function restore(parts: {
  readonly rules: RuleBook;
  readonly memory: RuleMemory;
  readonly journal: EpisodeJournal;
  readonly clock: Clock;
  readonly options: AlertingOptions;
}): Promise<void> {
  const { firing, states } = await parts.memory.recall();
  const nowMs = Math.floor(parts.clock.wallMs());
  const alertingRun = (key: string): RuleRun | undefined => {
    const run = parts.rules.runs.get(key);
    return run?.loaded.rule.kind === 'alerting' ? run : undefined;
  };
  const orphans = firing.filter((row) => !alertingRun(row.rule_key));
  if (orphans.length > 0) {
    await parts.journal.write(
      [],
      orphans.map((row) => ({ alertId: row.id, cause: 'manual', resolvedAtMs: nowMs })),
    );
  }
  const firingByRule = Map.groupBy(firing, (row) => row.rule_key);
  const statesByRule = Map.groupBy(states, (row) => row.rule_key);
  for (const key of new Set([...firingByRule.keys(), ...statesByRule.keys()])) {
    const run = alertingRun(key);
    if (run) {
      run.instances = restoreInstances(
        { firing: firingByRule.get(key) ?? [], states: statesByRule.get(key) ?? [] },
        { nowMs, outageToleranceMs: parts.options.outageToleranceMs },
      );
    }
    parts.memory.remember({ key, instances: run?.instances ?? new Map() });
  }
}

interface ConductParts {
  readonly clock: Clock;
  readonly metrics: SelfMetrics;
  readonly feed: AppendFeed;
  readonly options: AlertingOptions;
  readonly scheduler: EvaluationScheduler;
}

/** Connects the loaded rules with what makes them dirty: arriving samples, and their groups' intervals. */
class RuleConduct {
  readonly #parts: ConductParts;
  #tickers: readonly GroupTicker[] = [];
  #running = false;

  constructor(parts: ConductParts) {
    this.#parts = parts;
  }

  start(rules: RuleBook): void {
    this.#running = true;
    this.#begin([...rules.runs.values()]);
    this.#setTickers(rules);
  }

  /** Part of a reload: those that ended say goodbye to their series, the new ones begin. */
  swap(change: RuleChange, rules: RuleBook): void {
    if (!this.#running) return;
    for (const run of change.ended) this.#endSeries(run);
    this.#begin(change.begun);
    this.#setTickers(rules);
  }

  stop(rules: RuleBook): void {
    this.#running = false;
    for (const ticker of this.#tickers) ticker.stop();
    for (const run of rules.runs.values()) run.stop();
  }

  #begin(runs: readonly RuleRun[]): void {
    const { feed, scheduler } = this.#parts;
    for (const run of runs) {
      if (run.loaded.pace.onArrival) run.subscribe(feed, () => scheduler.mark(run, { repeat: false }));
      scheduler.mark(run, { repeat: true });
    }
  }

  #setTickers(rules: RuleBook): void {
    const { clock, options, scheduler, metrics } = this.#parts;
    const missed = metrics.counter(
      'omoi_rule_group_iterations_missed_total',
      'Group intervals that came round while the interval before was still being evaluated.',
    );
    for (const ticker of this.#tickers) ticker.stop();
    const byGroup = Map.groupBy(
      rules.runs.values(),
      ({ loaded }) => `${loaded.group.file};${loaded.group.name}`,
    );
    this.#tickers = [...byGroup].map(([identity, runs]) => {
      const intervalMs = runs[0]?.loaded.group.intervalMs ?? options.defaultIntervalMs;
      const ticker = new GroupTicker(clock, { intervalMs, identity }, () => {
        if (runs.some((run) => scheduler.isWaiting(run))) missed.add(1, { group: identity });
        for (const run of runs) scheduler.mark(run, { repeat: true });
      });
      ticker.start();
      return ticker;
    });
  }

  #endSeries(run: RuleRun): void {
    const { clock } = this.#parts;
    const nowMs = clock.wallMs();
    run.writer.write([], {
      timeMs: run.clock.next(nowMs, 0),
      repeat: false,
      origin: {
        source: 'rule',
        traceparent: null,
        receivedAtMs: nowMs,
        receivedMonotonicMs: clock.monotonicMs(),
      },
    });
  }
}
