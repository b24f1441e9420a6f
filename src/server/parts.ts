import { hostname } from 'node:os';
import {
  createAlerting,
  type Alerting,
  type AlertingOptions,
  type LoadReport,
  type PreviewSettings,
} from '#alerting';
import type { AlertmanagerView, Reloaded, RuleRelations, RuleSources } from '#api';
import { createEventBus, type EventBus } from '#eventbus';
import { createFleet, Pools, type Fleet, type PoolParts, type Runtime, type WorkerConnection } from '#fleet';
import { createMonitor, type Monitor } from '#monitor';
import {
  Notification,
  OnCallOverrides,
  prepareNotification,
  SignedLinks,
  Silences,
  DEFAULT_SILENCE_LIMITS,
  type NotificationConfiguration,
  type PreparedNotification,
} from '#notification';
import { createEngine, parseMatcher, parseSelector, type Engine } from '#promql';
import { takeUpState, tellHeldTransactions, type StateDatabase } from '#storage';
import {
  messageOf,
  OmoiError,
  traceIdOf,
  type Clock,
  type DocumentSource,
  type Guard,
  type Logger,
  type Matcher,
  type Random,
  type SelfMetrics,
  type SteadyClock,
  type Tracing,
} from '#telemetry';
import type { Tsdb } from '#tsdb';
import { RemediationArchive, Watchdog } from '#watchdog';
import { createAlertAuthority, type GrantOf } from './alert-authority.ts';
import { createAlertReader } from './alert-reader.ts';
import { createAlertmanagerView } from './alertmanager-view.ts';
import { AlertSenders } from './alert-senders.ts';
import type { Config } from './config/schema.ts';
import { createFleetActuator } from './fleet-actuator.ts';
import type { Lifecycle } from './lifecycle.ts';
import { createNotifiedAlerts, alertPage } from './notified-alerts.ts';
import { noticeOutages } from './noticed-outages.ts';
import type { ReceiverNetwork } from './receiver-network.ts';
import { firstWarnings, noReceiverNetwork, readRouting, type PreparedRouting } from './routing.ts';
import { createRuleSources } from './rule-sources.ts';
import { ruleRelations } from './rule-relations.ts';
import { rulesHaveStopped } from './rules-have-stopped.ts';
import { continueSampleClock, tellSampleClockLead } from './sample-clock.ts';
import { urlForOthers } from './public-address.ts';
import { readWithShipped, SHIPPED_POLICIES, SHIPPED_RULES } from './shipped.ts';

/** What the parts stand on: all time, chance and I/O come from here. */
export interface Ground {
  readonly clock: Clock;
  /** What samples are dated by and rules are evaluated at: on the same clock, but it never goes back. */
  readonly sampleClock: SteadyClock;
  readonly random: Random;
  readonly state: StateDatabase;
  readonly tsdb: Tsdb;
  readonly tracing: Tracing;
  readonly metrics: SelfMetrics;
  readonly runtimes: readonly Runtime[];
  /** Whether agents are heard and what they say can be written; always, where absent. */
  readonly listens?: () => boolean;
  /** When people and agents reach this server; from the beginning where absent. */
  readonly reachable?: Promise<unknown>;
  /** 256 bits that nobody can guess. */
  readonly createSecret: () => string;
  readonly agentTokens: PoolParts['agentTokens'];
  /** How receivers of messages are reached; nobody is where absent. */
  readonly receivers?: ReceiverNetwork;
  /** Whether a routing that names what is not built is refused, at the start and at reloads. */
  readonly isStrict?: boolean;
  /** For whom senders of samples may speak. */
  readonly grantOf: GrantOf;
  logger(component: string): Logger;
}

/** All parts but listeners and network clients. */
export interface Parts {
  readonly bus: EventBus;
  readonly engine: Engine;
  readonly fleet: Fleet;
  readonly pools: Pools;
  readonly monitor: Monitor;
  readonly alerting: Alerting;
  readonly notification: Notification;
  readonly silences: Silences;
  readonly links: SignedLinks;
  readonly onCallOverrides: OnCallOverrides;
  readonly alertmanagerView: AlertmanagerView;
  /** Reads and checks who is told of alerts. @throws OmoiError `routing_invalid` */
  readonly prepareRouting: (config: Config) => Promise<PreparedRouting>;
  readonly watchdog: Watchdog;
  readonly remediations: RemediationArchive;
  /** Rules as they are written. @param reload takes the files over */
  readonly ruleSources: (reload: () => Promise<Reloaded>) => RuleSources;
  /** What a rule stands on, and what stands on it; null where it is not loaded. */
  readonly relationsOf: (ruleKey: string) => Promise<RuleRelations | null>;
}

export interface PartsOptions {
  readonly config: Config;
  readonly ground: Ground;
  readonly lifecycle: Lifecycle;
  /** Where workers find this server; read when one is started. */
  readonly connection: WorkerConnection;
  /** Which guards the watchdog asks; all of them where absent. A simulation leaves one out, to see what it is for. */
  readonly guards?: readonly Guard[];
}

/**
 * Builds and starts the parts in the order of the data; the pools are left to be started once workers can find the
 * server. Rules and policies are read first: a broken file starts nothing.
 * @throws OmoiError `rule_file_invalid`, `policy_file_invalid`, `database_failed`, …
 */
export async function startParts(options: PartsOptions): Promise<Parts> {
  const { config, ground, lifecycle, connection } = options;
  const { sampleClock, random, tsdb, tracing, metrics, runtimes } = ground;
  const ruleFiles = await readRuleFiles(config);
  const policyFiles = await readPolicyFiles(config);
  const receivers = ground.receivers ?? noReceiverNetwork(ground.clock, random);
  const { files, environment } = receivers;
  const routingSource = { files, environment, isStrict: ground.isStrict === true };
  const routing = await readRouting(config, routingSource);

  const clock = await takeUpState(ground.state, ground.clock);
  await continueSampleClock(ground);
  const toldLead = tellSampleClockLead(ground);
  lifecycle.started('sample clock', () => toldLead.stop());

  const database = noticeOutages(ground.state, (reason) => watchdog.databaseFailed(reason));
  const base = { clock, random, tracing, metrics };
  /** What a part of that name writes to, and its log. */
  const of = (owner: string) => {
    const logger = ground.logger(owner);
    return { database: tellHeldTransactions(database, { owner, clock, logger, metrics }), logger };
  };
  const bus = createEventBus({ ...base, ...of('eventbus') });
  lifecycle.started('eventbus', () => bus.stop());

  const engine = createEngine({ clock, features: new Set(config.promql.features) });
  // What Omoi starts runs where Omoi does.
  const host = hostname();
  const fleet = createFleet({
    ...base,
    ...of('fleet'),
    bus,
    host,
    limits: {
      maxAgentsPerToken: config.access.max_agents_per_token,
      endedAgentShownMs: config.fleet.forget_after,
    },
    ...(ground.listens && { listens: ground.listens }),
  });
  const pools = new Pools(
    {
      ...base,
      ...of('fleet'),
      bus,
      host,
      generations: fleet.generations,
      drains: fleet.heartbeats,
      agents: fleet.agents,
      activity: fleet.feed,
      silence: fleet.heartbeats,
      tasks: fleet.tasks,
      runtimes,
      agentTokens: ground.agentTokens,
      maxAgents: fleet.limits.maxAgents,
      startLimits: { startsPerSecond: config.fleet.starts_per_second },
    },
    connection,
  );
  const monitor = createMonitor({
    ...base,
    ...of('monitor'),
    clock: sampleClock,
    bus,
    fleet: fleet.feed,
    sink: tsdb,
    store: tsdb,
    feed: tsdb,
    metadata: tsdb,
    ...watchedSeries(config),
    expectedAgents: config.fleet.expected,
  });
  const alerting = createAlerting({
    ...base,
    ...of('alerting'),
    clock: sampleClock,
    bus,
    engine,
    source: tsdb,
    sink: tsdb,
    options: alertingOptions(config),
    maintenanceOf: (labels) => watchdog.maintenance.ofLabels(labels),
  });
  const told = of('notification');
  const silences = new Silences({ ...base, ...told, bus, limits: DEFAULT_SILENCE_LIMITS });
  const onCallOverrides = new OnCallOverrides({ ...base, ...told, bus });
  const prepare = (configuration: NotificationConfiguration): PreparedNotification =>
    prepareNotification(configuration, {
      logger: told.logger,
      toolsOf: (one) => receivers.toolsOf(one),
      silences: {
        silencesOf: (labels, wallMs) => silences.silencesOf(labels, wallMs),
        lookUp: (labels) => silences.lookUp(labels),
      },
      maintenanceOf: (labels) => watchdog.maintenance.ofLabels(labels),
      overrides: onCallOverrides,
      clock,
    });
  // Any port that is free is known when the server listens.
  const externalUrlAt = (listensOn: string): string =>
    externalUrlOf(config, config.http.port === 0 && listensOn !== '' ? new URL(listensOn).port : null);
  let reached = { listensOn: '', url: externalUrlAt('') };
  const externalUrl = (): string => {
    const listensOn = connection.url;
    if (reached.listensOn !== listensOn) reached = { listensOn, url: externalUrlAt(listensOn) };
    return reached.url;
  };
  const remediations = new RemediationArchive(database);
  const notified = createNotifiedAlerts({
    database,
    remediations,
    externalUrl,
    externalLabels: alerting.options.externalLabels,
  });
  const links = new SignedLinks({
    clock,
    ...told,
    alerts: notified,
    silences,
    acknowledge: (alertId, by) => alerting.handling.acknowledge(alertId, by),
    createSecret: ground.createSecret,
  });
  const notification = new Notification(
    {
      ...base,
      ...told,
      bus,
      silences,
      alerts: notified,
      evaluatesRules: () => rulesHaveStopped(alerting, sampleClock),
      remediations: {
        outlookOf: (event) => watchdog.outlookOf(event),
        whyNotActing: (policy) => watchdog.whyNotActing(policy),
        onPoliciesChanged: (listener) => watchdog.policies.onReplaced(listener),
      },
      externalUrl,
      acknowledgeAllOf: (subject, about) =>
        `${externalUrl()}/n/${links.tokenFor('acknowledge_message', { subject, ...about })}`,
      ...(ground.reachable && { reachable: ground.reachable }),
      linksOf: ({ alertId, traceparent }, { receiver, atMs }) => {
        const page = alertPage(externalUrl(), alertId);
        const traceId = traceIdOf(traceparent);
        const about = { subject: alertId, receiver, atMs };
        const linkTo = (action: 'acknowledge' | 'silence'): string =>
          `${externalUrl()}/n/${links.tokenFor(action, about)}`;
        return {
          alert: page,
          acknowledge: linkTo('acknowledge'),
          silence: linkTo('silence'),
          trace: traceId === null ? null : `${externalUrl()}/traces/${traceId}`,
        };
      },
    },
    prepare(routing),
  );
  const senders = new AlertSenders(alerting, tsdb);
  const watchdog = new Watchdog({
    ...base,
    ...of('watchdog'),
    bus,
    fleet: createFleetActuator(fleet, pools, host),
    alerts: createAlertReader(alerting, database),
    authority: createAlertAuthority(senders, ground.grantOf),
    modeOverride: config.watchdog.mode ?? null,
    ...(options.guards && { guards: options.guards }),
    parseMatcher,
  });
  await watchdog.policies.load(policyFiles, clock);

  await fleet.start();
  lifecycle.started('fleet', () => fleet.stop());
  await monitor.start();
  lifecycle.started('monitor', () => monitor.stop());
  await loadRules(alerting, ruleFiles, ground.logger('server'));
  await alerting.start();
  lifecycle.started('alerting', () => alerting.stop());
  await silences.start();
  lifecycle.started('silences', () => silences.stop());
  // It knows of pauses and open remediations once it has started: notification asks it whether it repairs.
  await watchdog.start();
  lifecycle.started('watchdog', () => watchdog.stop());
  await links.start();
  await onCallOverrides.start();
  await notification.start();
  lifecycle.started('notification', () => notification.stop());

  return {
    bus,
    engine,
    fleet,
    pools,
    monitor,
    alerting,
    notification,
    silences,
    links,
    onCallOverrides,
    alertmanagerView: createAlertmanagerView({
      notification,
      silences,
      alerts: notified,
      clock,
      startedAtMs: clock.wallMs(),
    }),
    async prepareRouting(next) {
      const read = await readRouting(next, routingSource);
      const prepared = prepare(read);
      return { warnings: firstWarnings(read), takeOver: () => notification.take(prepared) };
    },
    watchdog,
    remediations,
    ruleSources: (reload) =>
      createRuleSources({
        engine,
        source: tsdb,
        clock,
        alerting,
        reload,
        ...previewSettings(alerting.options),
      }),
    relationsOf: ruleRelations({ alerting, senders, store: tsdb, watchdog, clock }),
  };
}

function previewSettings({
  externalLabels,
  externalUrl,
  defaultIntervalMs,
}: AlertingOptions): Pick<PreviewSettings, 'externalLabels' | 'externalUrl' | 'defaultIntervalMs'> {
  return { externalLabels, externalUrl, defaultIntervalMs };
}

/** Takes rules over, and logs what is allowed in them and hardly meant. @param onTaken as `LoadedRules.load` has it */
export async function loadRules(
  { rules }: Pick<Alerting, 'rules'>,
  files: readonly DocumentSource[],
  logger: Logger,
  onTaken?: () => void,
): Promise<LoadReport> {
  const report = await rules.load(files, onTaken);
  for (const warning of report.warnings) logger.warn({ warning }, 'Rule file loaded, with a warning');
  return report;
}

/** The shipped rule files and those of the configuration. @throws OmoiError `rule_file_invalid` for a path that cannot be read */
export function readRuleFiles({ alerting }: Config): Promise<readonly DocumentSource[]> {
  const { rule_files: paths, disable: disabled } = alerting;
  return readWithShipped(SHIPPED_RULES, { paths, disabled, code: 'rule_file_invalid' });
}

/** Likewise of policies. @throws OmoiError `policy_file_invalid` for a path that cannot be read */
export function readPolicyFiles({ watchdog }: Config): Promise<readonly DocumentSource[]> {
  const { policy_files: paths, disable: disabled } = watchdog;
  return readWithShipped(SHIPPED_POLICIES, { paths, disabled, code: 'policy_file_invalid' });
}

/** The series that detectors watch by configuration. @throws OmoiError `config_invalid` */
export function watchedSeries({
  monitor,
}: Config): Pick<Parameters<typeof createMonitor>[0], 'watch' | 'bounds'> {
  return {
    watch: monitor.watch.map((selector) => matchersOf('monitor.watch', selector)),
    bounds: monitor.bounds.map(({ selector, p95 }) => ({
      matchers: matchersOf('monitor.bounds', selector),
      p95,
    })),
  };
}

/** @throws OmoiError `config_invalid` for what is no selector, and for one that every series matches */
function matchersOf(key: string, text: string): readonly Matcher[] {
  const refused = (reason: string): OmoiError =>
    new OmoiError('config_invalid', `${key}: "${text}" ${reason}; write queue_depth{queue="mail"}`);
  try {
    const { matchers } = parseSelector(text);
    if (!matchers.every((matcher) => matcher.matches(''))) return matchers;
  } catch (thrown) {
    throw refused(`is no selector: ${messageOf(thrown)}`);
  }
  throw refused('is matched by every series');
}

/** Where people reach Omoi, without a slash at the end. @param listensOn its port, where that is not the configured one */
function externalUrlOf(config: Config, listensOn: string | null = null): string {
  const { http } = config;
  const port = listensOn ?? http.port;
  return urlForOthers(config, port) ?? `http://${http.host}:${port}`;
}

function alertingOptions(config: Config): Partial<AlertingOptions> {
  const { alerting } = config;
  return {
    resolveStabilityMs: alerting.resolve_stability,
    defaultIntervalMs: alerting.evaluation_interval,
    defaultQueryOffsetMs: alerting.rule_query_offset,
    evaluationShare: alerting.evaluation_share,
    maxRules: alerting.max_rules,
    externalLabels: alerting.external_labels,
    externalUrl: externalUrlOf(config),
    groups: Object.fromEntries(
      Object.entries(alerting.groups).map(([name, group]) => [
        name,
        {
          evaluate: group.evaluate,
          ...(group.resolve_stability === undefined ? {} : { resolveStabilityMs: group.resolve_stability }),
        },
      ]),
    ),
  };
}
