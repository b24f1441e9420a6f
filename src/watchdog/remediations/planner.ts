import type { StateDatabase, StateTransaction } from '#storage';
import type { Logger } from '#telemetry';
import type { PolicyBook } from '../policies/policy-book.ts';
import { resolveTarget, targetText } from '../policies/target.ts';
import type { AlertReader, AlertFacts, FleetActuator } from '../ports.ts';
import type { WatchdogCounters } from '../watchdog-counters.ts';
import type { RemediationLog } from './remediation-log.ts';
import type { RemediationRunner } from './remediation-runner.ts';
import type { RemediationSpans } from './remediation-spans.ts';

export interface PlannerParts {
  readonly database: StateDatabase;
  readonly logger: Logger;
  readonly fleet: FleetActuator;
  readonly alerts: AlertReader;
  readonly policies: PolicyBook;
  readonly log: RemediationLog;
  readonly runner: RemediationRunner;
  readonly spans: RemediationSpans;
  readonly counters: WatchdogCounters;
  /** So many are held open; further alerts wait until others have ended. */
  readonly maxOpenRemediations: number;
}

export const DEFAULT_MAX_OPEN_REMEDIATIONS = 10_000;
/** Small, so that other transactions wait behind no more than this many plans. */
const MAX_ALERTS_PER_TRANSACTION = 50;

/** Plans what the policies say about alerts: one remediation for each policy, alert and target, once. */
export class Planner {
  readonly #parts: PlannerParts;
  /** Whether an alert was left without the remediation that a policy wants for it. */
  #isIncomplete = false;

  constructor(parts: PlannerParts) {
    this.#parts = parts;
  }

  get isIncomplete(): boolean {
    return this.#isIncomplete;
  }

  /** An alert has begun to fire. */
  async plan(tx: StateTransaction, alert: AlertFacts): Promise<void> {
    const { logger, counters } = this.#parts;
    for (const { policy, reason, message } of await this.#planAll(tx, alert)) {
      counters.unplanned(reason);
      logger.warn(
        { policy, alert_id: alert.alertId, traceparent: alert.traceparent },
        `A policy can't be followed for now: ${message}`,
      );
    }
  }

  /** Plans for all alerts that fire: after the policies have changed, or what was missing may be there now. */
  async reconsider(): Promise<void> {
    const firing = await this.#parts.alerts.firing();
    this.#isIncomplete = false;
    for (let at = 0; at < firing.length; at += MAX_ALERTS_PER_TRANSACTION) {
      const alerts = firing.slice(at, at + MAX_ALERTS_PER_TRANSACTION);
      await this.#parts.database.transaction(async (tx) => {
        for (const alert of alerts) await this.#planAll(tx, alert);
      });
    }
  }

  /** Returns the policies that could not be followed. */
  async #planAll(tx: StateTransaction, alert: AlertFacts): Promise<readonly Unplanned[]> {
    const { fleet, policies, log, runner, spans, maxOpenRemediations } = this.#parts;
    const unplanned: Unplanned[] = [];
    for (const policy of policies.forAlert(alert.labels)) {
      const target = resolveTarget(policy, alert, fleet);
      if ('missing' in target) {
        unplanned.push({ policy: policy.name, reason: 'no_target', message: target.missing });
        continue;
      }
      if (runner.openCount >= maxOpenRemediations) {
        const message = `${maxOpenRemediations} remediations are open (maxOpenRemediations)`;
        unplanned.push({ policy: policy.name, reason: 'max_open_remediations', message });
        continue;
      }
      const span = spans.open(alert.traceparent, {
        'omoi.policy': policy.name,
        'omoi.alert.id': alert.alertId,
        'omoi.target': targetText(target),
      });
      const id = await log.plan(tx, { policy, alert, target, traceparent: span.traceparent });
      if (id === null) continue;
      tx.afterCommit(() => runner.begin(id, { alertId: alert.alertId, target: targetText(target) }, span));
    }
    if (unplanned.length > 0) this.#isIncomplete = true;
    return unplanned;
  }
}

interface Unplanned {
  readonly policy: string;
  readonly reason: 'no_target' | 'max_open_remediations';
  readonly message: string;
}
