import type { EventBus } from '#eventbus';
import type { StateDatabase, StateTransaction } from '#storage';
import {
  messageOf,
  OmoiError,
  type Clock,
  type Logger,
  type Random,
  type SelfMetrics,
  type Subscription,
  type SystemEvent,
  type Timer,
  type Tracing,
} from '#telemetry';
import { ScaleClaims } from './actions/scale-claims.ts';
import {
  DEFAULT_STORM_LIMITS,
  judgeStorm,
  NO_STORM,
  type StormLimits,
  type StormState,
} from './guards/storm.ts';
import { PolicyBook } from './policies/policy-book.ts';
import type { PolicyMode } from './policies/policy.ts';
import { resolveTarget } from './policies/target.ts';
import type { AlertBook, AlertFacts, FleetActuator } from './ports.ts';
import { RemediationLog } from './remediations/remediation-log.ts';
import { RemediationRunner } from './remediations/remediation-runner.ts';
import { DEFAULT_SUSPICION_LIMITS, SelfSuspicion, type SelfSuspicionLimits } from './self-suspicion.ts';
import { StateBook } from './state-book.ts';

export interface WatchdogOptions {
  readonly database: StateDatabase;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly tracing: Tracing;
  readonly metrics: SelfMetrics;
  readonly fleet: FleetActuator;
  readonly alerts: AlertBook;
  /** Replaces every policy's own mode; null leaves them. */
  readonly modeOverride: PolicyMode | null;
  readonly stormLimits?: StormLimits;
  readonly suspicionLimits?: SelfSuspicionLimits;
}

const HEALTH_LOOK_EVERY_MS = 1000;

/**
 * Follows the alerts, plans what the policies say, and sees each remediation through. It is told of alerts by the
 * event log alone, so that what happened while it was away is not missed.
 */
export class Watchdog {
  readonly policies: PolicyBook;
  readonly states: StateBook;
  readonly #options: WatchdogOptions;
  readonly #log: RemediationLog;
  readonly #runner: RemediationRunner;
  readonly #claims: ScaleClaims;
  readonly #suspicion: SelfSuspicion;
  #storm: StormState = NO_STORM;
  #timers: Timer[] = [];
  #subscriptions: Subscription[] = [];

  constructor(options: WatchdogOptions) {
    const { database, bus, clock, random, modeOverride } = options;
    this.#options = options;
    this.policies = new PolicyBook(modeOverride);
    this.states = new StateBook(database, bus);
    this.#log = new RemediationLog({ database, bus, random });
    this.#claims = new ScaleClaims(options);
    this.#suspicion = new SelfSuspicion(
      clock,
      options.suspicionLimits ?? DEFAULT_SUSPICION_LIMITS,
      (reason) => this.#suspect(reason),
    );
    this.#runner = new RemediationRunner({
      ...options,
      log: this.#log,
      policies: this.policies,
      states: this.states,
      claims: this.#claims,
      storm: () => this.#judgeStorm(),
      suspectUntilMs: () => this.#suspicion.untilMs(),
      onOutage: (reason) => this.#suspicion.outage(reason),
    });
  }

  async start(): Promise<void> {
    const { bus, clock } = this.#options;
    await this.states.start();
    const storm = this.states.get('storm');
    if (storm) this.#storm = { active: true, reason: storm.reason, calmSinceMs: null };
    // Whoever has just started trusts itself; a stall or an outage is what it notices while it runs.
    if (this.states.get('self_suspicion')) await this.#endSuspicion();
    this.#suspicion.start();
    await this.#claims.start();
    await this.#runner.resume();
    this.#subscriptions = [
      bus.consume({
        name: 'watchdog',
        types: ['monitor.alert.triggered', 'monitor.alert.resolved'],
        from: 'start',
        handle: (tx, event) => this.#onAlertEvent(tx, event),
      }),
    ];
    this.#timers = [clock.every(HEALTH_LOOK_EVERY_MS, () => void this.#lookAtHealth())];
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    for (const subscription of this.#subscriptions) subscription.stop();
    this.#suspicion.stop();
    await this.#runner.stop();
    await this.#claims.stop();
  }

  /** Plans anew for the alerts that fire, after the policies have changed. */
  async reconsider(): Promise<void> {
    const firing = await this.#options.alerts.firing();
    await this.#options.database.transaction(async (tx) => {
      for (const alert of firing) await this.#plan(tx, alert);
    });
    this.#runner.wakeAll();
  }

  /** @throws OmoiError `unknown_remediation`, `remediation_settled` */
  approve(id: string, by: string): Promise<void> {
    return this.#runner.approve(id, by);
  }

  /** @throws OmoiError `unknown_remediation`, `remediation_settled` */
  reject(id: string, by: string): Promise<void> {
    return this.#runner.reject(id, by);
  }

  async pause(by: string, reason: string): Promise<void> {
    await this.states.set('paused', { active: true, reason, by });
  }

  async resume(by: string): Promise<void> {
    await this.states.set('paused', { active: false, reason: 'resumed', by });
    this.#runner.wakeAll();
  }

  async #onAlertEvent(tx: StateTransaction, event: SystemEvent): Promise<void> {
    if (event.event_type === 'monitor.alert.triggered') {
      await this.#plan(tx, alertOf(event));
    } else if (event.event_type === 'monitor.alert.resolved') {
      const { alert_id: alertId } = event.payload;
      tx.afterCommit(() => this.#runner.wakeAlert(alertId));
    }
    tx.afterCommit(() => this.#claims.wake());
  }

  async #plan(tx: StateTransaction, alert: AlertFacts): Promise<void> {
    const { fleet, logger } = this.#options;
    for (const policy of this.policies.forAlert(alert.labels)) {
      const target = resolveTarget(policy, alert, fleet);
      if ('missing' in target) {
        logger.warn(
          { policy: policy.name, alert_id: alert.alertId, traceparent: alert.traceparent },
          `A policy has no target: ${target.missing}`,
        );
        continue;
      }
      const span = this.#runner.openSpan(policy, alert, target);
      const { traceparent } = span;
      const id = await this.#log.plan(tx, { policy: policy.name, alert, target, traceparent });
      if (id !== null) tx.afterCommit(() => this.#runner.begin(id, alert.alertId, span));
    }
  }

  /** The storm as it is at this moment: alerts may come faster than the regular look. */
  #judgeStorm(): StormState | null {
    const { fleet, clock, stormLimits: limits = DEFAULT_STORM_LIMITS } = this.#options;
    this.#storm = judgeStorm(this.#storm, fleet.health(), { ms: clock.monotonicMs(), limits });
    return this.#storm.active ? this.#storm : null;
  }

  /** Records what has begun or ended: a storm, a suspicion. */
  async #lookAtHealth(): Promise<void> {
    const { clock, logger } = this.#options;
    const storm = this.#judgeStorm();
    try {
      if (this.#suspicion.untilMs() <= clock.wallMs()) await this.#endSuspicion();
      if ((storm !== null) === (this.states.get('storm') !== null)) return;
      const reason = storm?.reason ?? 'health is back and has stayed';
      await this.states.set('storm', { active: storm !== null, reason, by: 'watchdog' });
      this.#runner.wakeAll();
    } catch (thrown) {
      logger.warn({ error: messageOf(thrown) }, 'The state of the watchdog could not be recorded');
      if (thrown instanceof OmoiError && thrown.retryable) this.#suspicion.outage(thrown.message);
    }
  }

  #suspect(reason: string): void {
    const { logger } = this.#options;
    logger.warn({ reason }, 'The watchdog distrusts itself and holds still');
    this.states
      .set('self_suspicion', { active: true, reason, by: 'watchdog' })
      .catch((thrown: unknown) =>
        logger.warn({ error: messageOf(thrown) }, 'The suspicion could not be recorded'),
      );
  }

  async #endSuspicion(): Promise<void> {
    await this.states.set('self_suspicion', {
      active: false,
      reason: 'agents had time to be heard',
      by: 'watchdog',
    });
  }
}

function alertOf(event: Extract<SystemEvent, { event_type: 'monitor.alert.triggered' }>): AlertFacts {
  const { payload, traceparent } = event;
  return {
    alertId: payload.alert_id,
    ruleId: payload.rule_id,
    labels: payload.labels,
    severity: payload.severity,
    state: 'firing',
    cause: null,
    value: payload.current_value ?? Number.NaN,
    traceparent,
  };
}
