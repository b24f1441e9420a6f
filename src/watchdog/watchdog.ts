import type { EventBus } from '#eventbus';
import type { StateDatabase, StateTransaction } from '#storage';
import {
  isOutage,
  messageOf,
  momentOf,
  paced,
  Stretch,
  type Clock,
  type DocumentSource,
  type EventPayload,
  type Guard,
  type Logger,
  type PolicyMode,
  type Random,
  type SelfMetrics,
  type Subscription,
  type SystemEvent,
  type Timer,
  type Tracing,
} from '#telemetry';
import { DEFAULT_ACTION_LIMITS, type ActionLimits } from './actions/action-limits.ts';
import { ScaleOverrides } from './actions/scale/scale-overrides.ts';
import { TimedCalls } from './actions/timed-calls.ts';
import type { Suppression } from './guards/guards.ts';
import { StormWatch } from './guards/storm-watch.ts';
import { DEFAULT_STORM_LIMITS, type Storm, type StormLimits } from './guards/storm.ts';
import {
  DEFAULT_MAINTENANCE_LIMITS,
  MaintenanceWindows,
  type MaintenanceLimits,
} from './maintenance/maintenance-windows.ts';
import { PolicyRegistry } from './policies/policy-registry.ts';
import type { MatcherParser } from './policies/policy.ts';
import { targetText } from './policies/target.ts';
import type { AlertAuthority, AlertReader, AlertFacts, FleetActuator } from './ports.ts';
import {
  outlookOf,
  whyNotActing,
  withheldFrom,
  type Outlook,
  type OutlookParts,
  type Withheld,
} from './remediations/outlook.ts';
import { giveAttemptsBack } from './remediations/given-back.ts';
import { DEFAULT_MAX_OPEN_REMEDIATIONS, Planner } from './remediations/planner.ts';
import { ProvenHealth } from './remediations/proven-health.ts';
import type { RemediationDecisions } from './remediations/remediation-decisions.ts';
import { RemediationLog } from './remediations/remediation-log.ts';
import { RemediationRunner } from './remediations/remediation-runner.ts';
import { RemediationSpans } from './remediations/remediation-spans.ts';
import { RemediationTransitions } from './remediations/remediation-transitions.ts';
import { RepairSlots } from './remediations/repair-slots.ts';
import { readStarts } from './remediations/start-times.ts';
import { DEFAULT_SUSPICION_LIMITS, SelfSuspicion, type SelfSuspicionLimits } from './self-suspicion.ts';
import { createWatchdogCounters } from './watchdog-counters.ts';
import { WatchdogStates } from './watchdog-states.ts';

export interface WatchdogOptions {
  readonly database: StateDatabase;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly tracing: Tracing;
  readonly metrics: SelfMetrics;
  readonly fleet: FleetActuator;
  readonly alerts: AlertReader;
  readonly authority: AlertAuthority;
  /** Replaces every policy's own mode; null leaves them. */
  readonly modeOverride: PolicyMode | null;
  /** The query language's. */
  readonly parseMatcher: MatcherParser;
  readonly stormLimits?: StormLimits;
  readonly suspicionLimits?: SelfSuspicionLimits;
  readonly actionLimits?: ActionLimits;
  readonly maintenanceLimits?: MaintenanceLimits;
  readonly maxOpenRemediations?: number;
  /** Those that are asked, in this order; all where absent. */
  readonly guards?: readonly Guard[];
}

/** Policies that have been read and are not in force yet. */
export interface PreparedPolicies {
  readonly count: number;
  /** They are in force from this turn on. Nothing in it fails. */
  takeOver(): void;
}

/** Why the watchdog may be the one that is deaf. */
export interface Doubts {
  readonly storm: Storm | null;
  /** Wall ms until which it distrusts itself; null where it does not. */
  readonly suspectUntilMs: number | null;
}

const HEALTH_LOOK_EVERY_MS = 1000;
/** How often alerts are looked at again that got no remediation, for want of a target or of room. */
const RECONSIDER_EVERY_MS = 30_000;

/**
 * Follows the alerts, plans what the policies say, and sees each remediation through. It is told of alerts by the
 * event log alone, so that what happened while it was away is not missed.
 */
export class Watchdog {
  readonly policies: PolicyRegistry;
  readonly states: WatchdogStates;
  readonly maintenance: MaintenanceWindows;
  readonly #options: WatchdogOptions;
  readonly #runner: RemediationRunner;
  readonly #decisions: Pick<RemediationDecisions, 'foresee'>;
  readonly #planner: Planner;
  readonly #overrides: ScaleOverrides;
  readonly #slots = new RepairSlots();
  readonly #storm: StormWatch;
  readonly #calls: TimedCalls;
  readonly #suspicion: SelfSuspicion;
  readonly #health: ProvenHealth;
  #isLooking = false;
  /** Whether the log has told the end of the last self-suspicion. */
  #isTrusted = true;
  #timers: Timer[] = [];
  #subscriptions: Subscription[] = [];

  constructor(options: WatchdogOptions) {
    const { database, bus, clock, random, metrics, modeOverride, fleet } = options;
    const { stormLimits = DEFAULT_STORM_LIMITS } = options;
    const { actionLimits: limits = DEFAULT_ACTION_LIMITS, suspicionLimits = DEFAULT_SUSPICION_LIMITS } =
      options;
    this.#options = options;
    this.policies = new PolicyRegistry(modeOverride, options.parseMatcher);
    this.states = new WatchdogStates(database, bus);
    this.maintenance = new MaintenanceWindows({
      ...options,
      limits: options.maintenanceLimits ?? DEFAULT_MAINTENANCE_LIMITS,
      onEnded: () => this.#runner.wakeHeldBy('maintenance'),
    });
    this.#storm = new StormWatch({ clock, states: this.states, fleet, limits: stormLimits });
    this.#suspicion = new SelfSuspicion(clock, suspicionLimits, (reason) => this.#suspect(reason));
    this.#calls = new TimedCalls(clock, limits.timeLimitMs);
    const counters = createWatchdogCounters(metrics);
    this.#health = new ProvenHealth(clock);
    const spans = new RemediationSpans(options.tracing);
    const log = new RemediationLog({ database, bus, clock, random, counters, slots: this.#slots });
    this.#overrides = new ScaleOverrides({ ...options, calls: this.#calls, counters });
    const shared = { ...options, log, spans, counters, slots: this.#slots, policies: this.policies };
    const transitions = new RemediationTransitions({
      ...shared,
      states: this.states,
      maintenance: this.maintenance,
      health: this.#health,
      calls: this.#calls,
      limits,
      storm: (domains) => this.#storm.judge(domains),
      suspectUntilMs: () => this.#suspicion.untilMs(),
    });
    this.#decisions = transitions.decisions;
    this.#runner = new RemediationRunner({
      ...shared,
      transitions,
      orders: { fleet, overrides: this.#overrides, calls: this.#calls },
      onOutage: (reason) => this.#suspicion.outage(reason),
    });
    const { maxOpenRemediations = DEFAULT_MAX_OPEN_REMEDIATIONS } = options;
    this.#planner = new Planner({
      ...shared,
      runner: this.#runner,
      onPoolAlert: (alert) => this.#overrides.alertBegan(alert),
      maxOpenRemediations,
    });
  }

  async start(): Promise<void> {
    const { bus, clock, database } = this.#options;
    await this.states.start();
    await this.maintenance.start();
    this.#storm.start();
    // Whoever has just started trusts itself; a stall or an outage is what it notices while it runs.
    if (this.states.get('self_suspicion')) await this.#endSuspicion();
    this.#suspicion.start();
    const policies = this.policies.list();
    this.#slots.govern(policies, await readStarts(database, policies, momentOf(clock)));
    await this.#overrides.start();
    await this.#runner.resume();
    this.#subscriptions = [
      bus.consume({
        name: 'watchdog',
        types: ['monitor.alert.triggered', 'monitor.alert.resolved', 'fleet.task.blamed'],
        from: 'start',
        urgent: true,
        select: (events) => this.#concerning(events),
        handle: (tx, events) => this.#onEvents(tx, events),
      }),
    ];
    this.#subscriptions.push(bus.listen((event) => this.#onFleetEvent(event)));
    this.#timers = [
      clock.every(HEALTH_LOOK_EVERY_MS, () => void this.#lookAtHealth()),
      clock.every(RECONSIDER_EVERY_MS, () => void this.#planAgain()),
    ];
    await this.#planner.reconsiderAll();
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    for (const subscription of this.#subscriptions) subscription.stop();
    this.#suspicion.stop();
    this.#calls.close();
    await Promise.all([this.#runner.stop(), this.#overrides.stop()]);
  }

  /**
   * Reads new policies, all or none, and what they need to be in force. Nothing changes before they are taken over, which
   * cannot fail; then `reconsider` plans what they say about the alerts that fire already. What has been planned keeps its
   * steps; its mode and guards are the new ones.
   * @throws OmoiError `policy_file_invalid`; `database_failed`
   */
  async preparePolicies(sources: readonly DocumentSource[]): Promise<PreparedPolicies> {
    const { database, clock } = this.#options;
    const policies = await paced(this.policies.parse(sources), new Stretch(clock));
    const starts = await readStarts(database, policies, momentOf(clock));
    return {
      count: policies.length,
      takeOver: () => {
        this.#slots.govern(policies, starts);
        this.policies.replace(policies);
      },
    };
  }

  /** Plans and decides anew for the alerts that fire: what was missing (a policy, a pool) may be there now. */
  async reconsider(): Promise<void> {
    await this.#planner.reconsiderAll();
    this.#runner.wakeUndecided();
  }

  /** Whether a policy acts on an alert that has begun, or why none does, as far as memory knows. */
  outlookOf(event: AlertTriggered): Outlook {
    return outlookOf(alertOf(event), this.#outlookParts());
  }

  /** Why a policy does not act by itself; null where it does. */
  whyNotActing(policy: string): string | null {
    return whyNotActing(policy, this.policies);
  }

  /** What keeps the policies for an alert from a remediation of it; nothing where it does not fire. One read by its id. */
  async withheldFrom(alertId: string): Promise<readonly Withheld[]> {
    const alert = await this.#options.alerts.get(alertId);
    if (alert?.state !== 'firing') return [];
    return withheldFrom(alert, { ...this.#outlookParts(), noRoom: () => this.#planner.noRoom() });
  }

  #outlookParts(): OutlookParts {
    const { fleet } = this.#options;
    return { fleet, policies: this.policies, runner: this.#runner, decisions: this.#decisions };
  }

  /** How many remediations that have not ended stand in each state. */
  countOpen(): ReturnType<RemediationRunner['countOpen']> {
    return this.#runner.countOpen();
  }

  /** What the guard that holds a remediation back says at this moment; null where none does. */
  heldBy(remediationId: string): Suppression | null {
    return this.#runner.heldBy(remediationId);
  }

  /**
   * What keeps repairs of what is silent back in failure domains at this moment.
   * @param domains `pool:demo`, `host:web-1`
   */
  doubtsAbout(domains: readonly string[]): Doubts {
    const suspectUntilMs = this.#suspicion.untilMs();
    return {
      storm: this.#storm.judge(domains),
      suspectUntilMs: suspectUntilMs > this.#options.clock.wallMs() ? suspectUntilMs : null,
    };
  }

  /** The storms that are on, the first one first; while there is one, `states` has a storm, too. */
  storms(): readonly Storm[] {
    return this.#storm.list();
  }

  /** @throws OmoiError `unknown_remediation`, `remediation_settled` */
  approve(id: string, by: string): Promise<void> {
    return this.#runner.answer(id, { approved: true, by });
  }

  /** @throws OmoiError `unknown_remediation`, `remediation_settled` */
  reject(id: string, by: string): Promise<void> {
    return this.#runner.answer(id, { approved: false, by });
  }

  /** The database was away, whoever noticed it: what happened meanwhile is unknown, so nothing is repaired at once. */
  databaseFailed(reason: string): void {
    this.#suspicion.outage(reason);
  }

  /** Begins no remediation until somebody resumes. Where it is paused already, this reason stands in place of the first. */
  async pause(by: string, reason: string): Promise<void> {
    await this.states.pause({ reason, by });
    this.#runner.askThoseInLine();
  }

  /** Ends a pause, and a storm: a person has looked. */
  async resume(by: string): Promise<void> {
    await this.states.set('paused', { active: false, reason: 'resumed', by });
    this.#runner.wakeHeldBy('paused');
    if (await this.#storm.end(by)) this.#runner.wakeHeldBy('storm');
  }

  /** The events for which there is something to do: an alert without a policy costs no look at the database. */
  #concerning(events: readonly SystemEvent[]): readonly SystemEvent[] {
    const begun = new Set<string>();
    return events.filter((event) => {
      if (event.event_type === 'monitor.alert.triggered') {
        const { alert_id: alertId, labels } = event.payload;
        if (this.policies.forAlert(labels).length === 0) return false;
        begun.add(alertId);
        return true;
      }
      if (event.event_type === 'fleet.task.blamed') return true;
      if (event.event_type !== 'monitor.alert.resolved') return false;
      const { alert_id: alertId } = event.payload;
      const parts = [this.#planner, this.#overrides, this.#runner];
      return begun.has(alertId) || parts.some((part) => part.concerns(alertId));
    });
  }

  async #onEvents(tx: StateTransaction, events: readonly SystemEvent[]): Promise<void> {
    // First: an alert of the same agent counts what is left.
    for (const event of events)
      if (event.event_type === 'fleet.task.blamed') await this.#blamed(tx, event.payload);
    await this.#planner.plan(
      tx,
      events.flatMap((event) => (event.event_type === 'monitor.alert.triggered' ? [alertOf(event)] : [])),
    );
    for (const event of events) {
      if (event.event_type !== 'monitor.alert.resolved') continue;
      const { alert_id: alertId } = event.payload;
      const follow = (): void => {
        this.#planner.forget(alertId);
        this.#overrides.alertEnded(alertId);
        this.#runner.wakeAlert(alertId);
      };
      tx.afterCommit(follow);
      // The alert has ended, whatever becomes of the cursor.
      tx.afterRollback(follow);
    }
  }

  /** A task explains an end that was repaired before that was known. */
  async #blamed(
    tx: StateTransaction,
    { agent_id: agentId, generation }: EventPayload<'fleet.task.blamed'>,
  ): Promise<void> {
    const policies = this.policies.list().map(({ name }) => name);
    await giveAttemptsBack(tx, { agentId, generation }, policies);
    tx.afterCommit(() => this.#runner.readAgain(targetText({ kind: 'agent', id: agentId })));
  }

  /** An agent is not what it was: what a guard holds back because of it is decided again. */
  #onFleetEvent(event: SystemEvent): void {
    if (event.event_type !== 'fleet.agent.status_changed') return;
    const { agent_id: agentId, pool_id: poolId, to } = event.payload;
    this.#health.changed(agentId, to);
    this.#runner.wakeTarget(targetText({ kind: 'agent', id: agentId }));
    if (poolId !== null) this.#runner.wakeTarget(targetText({ kind: 'pool', id: poolId }));
  }

  async #planAgain(): Promise<void> {
    try {
      await this.#planner.reconsiderUnplanned();
    } catch (thrown) {
      this.#options.logger.warn(
        { error: messageOf(thrown) },
        'Alerts without a remediation not looked at again; tried again in 30 s',
      );
    }
  }

  /** Records what has begun or ended: a storm, a suspicion, a maintenance. One look at a time: a slow database is not asked twice. */
  async #lookAtHealth(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { clock, logger } = this.#options;
    try {
      if (this.#suspicion.untilMs() <= clock.wallMs()) await this.#trustAgain();
      const { hasBegun, hasEnded } = await this.#storm.record();
      if (hasEnded) this.#runner.wakeHeldBy('storm');
      if (hasBegun) this.#runner.askThoseInLine();
      await this.maintenance.endDue();
    } catch (thrown) {
      if (isOutage(thrown)) this.#suspicion.outage(thrown.message);
      else
        logger.warn({ error: messageOf(thrown) }, 'State of the watchdog not recorded; tried again in 1 s');
    } finally {
      this.#isLooking = false;
    }
  }

  #suspect(reason: string): void {
    const { logger } = this.#options;
    logger.warn(
      { reason },
      'No silent agent is repaired until all had time to be heard: Omoi itself stalled or lost its database',
    );
    this.#isTrusted = false;
    this.states.set('self_suspicion', { active: true, reason, by: 'watchdog' }).catch((thrown: unknown) => {
      // The line above has told of an outage.
      if (isOutage(thrown)) return;
      logger.warn({ error: messageOf(thrown) }, 'Self-suspicion not recorded; it holds all the same');
    });
  }

  async #trustAgain(): Promise<void> {
    await this.#endSuspicion();
    if (this.#isTrusted) return;
    this.#isTrusted = true;
    this.#options.logger.info({}, 'Agents had time to be heard: silent ones are repaired again');
  }

  async #endSuspicion(): Promise<void> {
    await this.states.set('self_suspicion', {
      active: false,
      reason: 'agents had time to be heard',
      by: 'watchdog',
    });
  }
}

type AlertTriggered = Extract<SystemEvent, { event_type: 'monitor.alert.triggered' }>;

function alertOf(event: AlertTriggered): AlertFacts {
  const { payload, traceparent } = event;
  return {
    alertId: payload.alert_id,
    ruleId: payload.rule_id,
    labels: payload.labels,
    severity: payload.severity,
    state: 'firing',
    cause: null,
    value: payload.current_value ?? Number.NaN,
    worse: null,
    maintained: payload.maintenance_id !== undefined,
    postedBy: payload.posted_by ?? null,
    traceparent,
  };
}
