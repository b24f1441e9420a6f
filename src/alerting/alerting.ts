import type { EventBus } from '#eventbus';
import type { RuleTemplateHost, TemplateSample } from '#gotemplate';
import type { PromqlFeatures } from '#promql';
import type { StateDatabase } from '#storage';
import {
  Stretch,
  type AppendFeed,
  type Clock,
  type Logger,
  type Random,
  type SelfMetrics,
  type Subscription,
  type Tracing,
} from '#telemetry';
import {
  activeAlertsOf,
  activeAlertOf,
  pageOfActiveAlerts,
  type ActiveAlert,
  type ActiveAlertContext,
  type ActiveAlertPage,
  type ListedAlert,
  type ActiveAlertQuery,
} from './active-alerts.ts';
import { ruleOfAlert, type AlertRule } from './alert-rule.ts';
import { AlertHandling } from './alerts/alert-handling.ts';
import { POSTED_RULE_KEY, type AlertRow } from './alerts/alert-row.ts';
import { AlertStore } from './alerts/alert-store.ts';
import { EpisodeWriter, type MaintenanceOf } from './alerts/episode-writer.ts';
import { remediationFollower } from './alerts/remediation-follower.ts';
import { Snoozes } from './alerts/snoozes.ts';
import { EvaluationBudget } from './evaluation/evaluation-budget.ts';
import { EvaluationLoop, type TickedGroup } from './evaluation/evaluation-loop.ts';
import { RuleIntake } from './evaluation/rule-intake.ts';
import type { RuleSink } from './evaluation/rule-outlet.ts';
import type { RuleQuery } from './evaluation/rule-query.ts';
import { SeriesHolders } from './evaluation/series-holders.ts';
import { runInTurn, runSliced } from './evaluation/sliced-work.ts';
import {
  groupOverview,
  overviewOf,
  ruleOverview,
  type GroupOverview,
  type OverviewContext,
} from './overview.ts';
import { ruleHistory, type RuleHistory } from './rule-history.ts';
import { listRules, type RuleList, type RuleListQuery } from './rule-list.ts';
import { PostedAlerts } from './posted/posted-alerts.ts';
import { DEFAULT_ALERTING_OPTIONS, type AlertingOptions } from './options.ts';
import { LoadedRules, type RuleChange } from './rules/loaded-rules.ts';
import { AlertEvaluation } from './state/alert-evaluation.ts';
import { endLeftAlertSeries } from './state/left-alert-series.ts';
import { endOrphan, readSavedRules } from './state/restore-rules.ts';
import { ruleCounters } from './state/rule-health.ts';
import { RuleSaver } from './state/rule-saver.ts';
import { RuleState, type RuleStateParts } from './state/rule-state.ts';

/** Prepares expressions for evaluation against the samples that rules see. */
export interface RuleQueries {
  /** What of the experimental language is on. */
  readonly features: PromqlFeatures;
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
  readonly sink: RuleSink;
  readonly options?: Partial<AlertingOptions>;
  /** Alerts that begin in a maintenance are marked with it. */
  readonly maintenanceOf?: MaintenanceOf;
}

/** Rules, evaluated as their data arrives, and the alerts they raise. */
export interface Alerting {
  readonly rules: LoadedRules;
  readonly alerts: AlertStore;
  /** What people do about them while they fire. */
  readonly handling: AlertHandling;
  /** Those that others post. */
  readonly posted: PostedAlerts;
  readonly options: AlertingOptions;
  /** The loaded groups with the health of their rules. */
  overview(): Promise<readonly GroupOverview[]>;
  /** The rules that fit, in pages. @throws OmoiError `invalid_cursor` */
  listRules(query: RuleListQuery): Promise<RuleList>;
  /** One rule in its group; null where it is not loaded. */
  ruleOverview(ruleKey: string): GroupOverview | null;
  /** When a rule fired; null where it is not loaded. Wall time in ms. */
  ruleHistory(
    ruleKey: string,
    span: { readonly fromMs: number; readonly toMs: number },
  ): Promise<RuleHistory | null>;
  /** The rule of an alert as it is loaded now; null where it is not any more. */
  ruleOf(alert: AlertRow): AlertRule | null;
  /** What is pending or firing of a rule; nothing where it is not loaded. */
  activeAlerts(ruleKey: string): Promise<readonly ActiveAlert[]>;
  /** What is pending or firing of all rules, in pages. @throws OmoiError `invalid_request` */
  pageOfActiveAlerts(query: ActiveAlertQuery): Promise<ActiveAlertPage>;
  /** One of them with its rule, by the id that the page gives; null where it is neither pending nor firing any more. */
  activeAlert(activeId: string): { readonly alert: ListedAlert; readonly rule: AlertRule } | null;
  /** Takes up what was remembered and begins to evaluate. Load the rules first. */
  start(): Promise<void>;
  /** Resolves when nothing is evaluated any more and what has to be remembered is on disk. */
  stop(): Promise<void>;
}

/** What the parts below make of the options: times, texts and metrics that rules share. */
function ruleParts(
  parts: AlertingEngineParts,
  shared: Pick<RuleStateParts, 'episodes' | 'evaluation' | 'onUnsaved'>,
): RuleStateParts {
  const { metrics, sink } = parts;
  const refused = metrics.counter(
    'omoi_rule_samples_refused_total',
    'Samples of rules that the store did not take.',
  );
  return {
    ...parts,
    ...shared,
    outlet: { sink, refused, holders: new SeriesHolders() },
    counters: ruleCounters(metrics),
  };
}

export function assembleAlerting(parts: AlertingEngineParts): Alerting {
  const { bus, clock, database, metrics } = parts;
  const options: AlertingOptions = { ...DEFAULT_ALERTING_OPTIONS, ...parts.options };
  const episodes = new EpisodeWriter(database, bus, parts.maintenanceOf);
  let graceUntilMs = 0;
  let isRunning = false;
  const hostAt = (timeMs: number): RuleTemplateHost => ({
    externalUrl: options.externalUrl,
    timeMs,
    query: (expr) => parts.queries.queryNow(expr, timeMs),
  });
  const evaluation = new AlertEvaluation({ ...parts, options, hostAt, graceUntilMs: () => graceUntilMs });
  const budget = new EvaluationBudget(parts.clock, {
    share: options.evaluationShare,
    burstMs: options.evaluationBurstMs,
  });
  const loop = new EvaluationLoop({ ...parts, budget });
  const intake = new RuleIntake(loop);
  const ofRules = ruleParts(parts, { episodes, evaluation, onUnsaved: (rule) => saver.add(rule) });
  const rules: LoadedRules = new LoadedRules({
    database,
    clock,
    options,
    features: parts.queries.features,
    prepare: (expr) => parts.queries.prepare(expr),
    createState: (definition) => new RuleState(definition, ofRules),
    onChange: (change) =>
      handOver(change, { clock, loop, intake, isRunning, groups: tickedGroups(rules, options) }),
  });
  const saver = new RuleSaver({ ...parts, rules: () => rules.states.values() });
  metrics.gauge(
    'omoi_rule_traced_series_forgotten',
    'Series whose trace a rule forgot because it remembers only so many.',
    () => [...rules.states.values()].reduce((sum, rule) => sum + rule.forgottenTraces, 0),
  );
  const posted = new PostedAlerts({ ...parts, episodes });
  const snoozes = new Snoozes(parts);
  const alerts = new AlertStore({
    ...parts,
    episodes,
    findOwner(ruleKey) {
      if (ruleKey === POSTED_RULE_KEY) return posted;
      const rule = rules.find(ruleKey);
      return rule && { resolveByHand: (alertId) => resolveByHand(rule, alertId, loop) };
    },
  });
  const reading = (): ActiveAlertContext => ({
    clock,
    expansion: { externalLabels: options.externalLabels, host: hostAt(clock.wallMs()) },
  });
  const overviewing: OverviewContext = {
    clock,
    defaultIntervalMs: options.defaultIntervalMs,
    paceOf: (rule) => loop.paceOf(rule),
  };
  let follower: Subscription | null = null;
  return {
    rules,
    alerts,
    handling: new AlertHandling({ ...parts, snoozes }),
    posted,
    options,
    overview: () => overviewOf(rules, overviewing),
    listRules: (query) => listRules(rules, query, overviewing),
    ruleOverview(ruleKey) {
      const state = rules.states.get(ruleKey);
      return state
        ? groupOverview(state.definition.group, [ruleOverview(state, overviewing)], overviewing)
        : null;
    },
    async ruleHistory(ruleKey, span) {
      const state = rules.states.get(ruleKey);
      return state ? ruleHistory(database, state, span) : null;
    },
    ruleOf: (alert) => ruleOfAlert(rules, alert),
    async activeAlerts(ruleKey) {
      const rule = rules.states.get(ruleKey);
      return rule ? activeAlertsOf(rule, reading()) : [];
    },
    pageOfActiveAlerts: (query) => pageOfActiveAlerts(rules, query, reading()),
    activeAlert: (activeId) => activeAlertOf(rules, activeId, reading()),
    async start() {
      await restore(rules, ofRules, { loop, options, queries: parts.queries });
      graceUntilMs = clock.wallMs() + options.startupGraceMs;
      await posted.start();
      await snoozes.start();
      saver.start();
      follower = bus.consume(remediationFollower(bus));
      isRunning = true;
      await Promise.all([...rules.states.values()].map((rule) => intake.take(rule)));
      loop.setGroups(tickedGroups(rules, options));
    },
    async stop() {
      isRunning = false;
      loop.stop();
      follower?.stop();
      await posted.stop();
      await snoozes.stop();
      await Promise.all([...rules.states.values()].map((rule) => rule.settled()));
      await saver.stop();
    },
  };
}

/**
 * Where it failed it is unknown whether the alert has ended: the rule is evaluated, which reads first what is on disk,
 * so that its series do not go on under an alert that is over until new data or the group's interval come.
 */
async function resolveByHand(rule: RuleState, alertId: string, loop: EvaluationLoop): Promise<void> {
  try {
    await rule.resolveByHand(alertId, () => loop.slices());
  } catch (thrown) {
    loop.mark(rule, { repeat: false });
    throw thrown;
  }
}

/** Takes the label sets up where they were left; episodes whose rule is gone end, and series whose episode has. */
async function restore(
  rules: LoadedRules,
  ofRules: RuleStateParts,
  {
    loop,
    options,
    queries,
  }: { readonly loop: EvaluationLoop; readonly options: AlertingOptions; readonly queries: RuleQueries },
): Promise<void> {
  const { clock, counters, database } = ofRules;
  const saved = await readSavedRules(database);
  const times = { nowMs: Math.floor(clock.wallMs()), outageToleranceMs: options.outageToleranceMs };
  for (const [key, rows] of saved) {
    const rule = rules.states.get(key);
    if (rule?.definition.rule.kind === 'alerting') await rule.restore(rows, times, () => loop.slices());
    else {
      const ending = endOrphan(key, rows, { ...ofRules, uncommitted: counters.uncommitted });
      await runSliced(ending, loop.slices());
    }
  }
  const left = { ...ofRules, alerts: queries.prepare('ALERTS'), rules: [...rules.states.values()] };
  await runInTurn(endLeftAlertSeries({ ...left, saved: saved.values() }), () => loop.slices());
}

/**
 * A reload: the rules that are there go on under their new definitions, in the order of their own queues. Thousands are
 * handed over in several turns of the event loop.
 */
async function handOver(
  { added, changed, removed }: RuleChange,
  to: {
    readonly clock: Clock;
    readonly loop: EvaluationLoop;
    readonly intake: RuleIntake<RuleState>;
    readonly isRunning: boolean;
    readonly groups: readonly TickedGroup[];
  },
): Promise<void> {
  const { loop, intake, isRunning } = to;
  const stretch = new Stretch(to.clock);
  const begun: Promise<void>[] = [];
  if (isRunning) loop.setGroups(to.groups);
  for (const { rule, definition } of changed) {
    begun.push(rule.redefine(definition).then(() => (isRunning ? intake.take(rule) : undefined)));
    if (stretch.isOver) await stretch.pause();
  }
  // Who reads what a recording rule has written ends before it: none finds data missing that the reload has taken away.
  for (const rule of [...removed.filter(isAlerting), ...removed.filter((rule) => !isAlerting(rule))]) {
    begun.push(loop.retire(rule));
    if (stretch.isOver) await stretch.pause();
  }
  for (const rule of isRunning ? added : []) {
    begun.push(intake.take(rule));
    if (stretch.isOver) await stretch.pause();
  }
  await Promise.all(begun);
}

function isAlerting({ definition }: RuleState): boolean {
  return definition.rule.kind === 'alerting';
}

function tickedGroups(rules: LoadedRules, options: AlertingOptions): readonly TickedGroup[] {
  const { defaultIntervalMs } = options;
  return rules.groups.map((group) => ({
    identity: `${group.file};${group.name}`,
    intervalMs: group.intervalMs ?? defaultIntervalMs,
    rules: group.rules.flatMap(({ key }) => rules.states.get(key) ?? []),
  }));
}
