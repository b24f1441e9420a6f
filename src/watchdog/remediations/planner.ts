import type { StateDatabase, StateTransaction } from '#storage';
import type { Logger } from '#telemetry';
import type { PoolAlert } from '../actions/scale/pool-alerts.ts';
import type { PolicyRegistry } from '../policies/policy-registry.ts';
import { resolveTarget } from '../policies/resolve-target.ts';
import { targetText } from '../policies/target.ts';
import type { AlertFacts, AlertReader, FleetActuator } from '../ports.ts';
import type { WatchdogCounters } from '../watchdog-counters.ts';
import type { RemediationLog } from './remediation-log.ts';
import type { RemediationRunner } from './remediation-runner.ts';

export interface PlannerParts {
  readonly database: StateDatabase;
  readonly logger: Logger;
  readonly fleet: FleetActuator;
  readonly alerts: AlertReader;
  readonly policies: PolicyRegistry;
  readonly log: RemediationLog;
  readonly runner: RemediationRunner;
  readonly counters: WatchdogCounters;
  /** Told of each pool that an alert concerns, as a policy sees it. */
  readonly onPoolAlert: (about: PoolAlert) => void;
  /** So many are held open; further alerts wait until others have ended. */
  readonly maxOpenRemediations: number;
}

export const DEFAULT_MAX_OPEN_REMEDIATIONS = 10_000;
/** Small, so that other transactions wait behind no more than this many plans. */
const MAX_ALERTS_PER_TRANSACTION = 50;
/** Alerts that got no remediation and are remembered one by one; beyond that all that fire are looked at again. */
const MAX_UNPLANNED_ALERTS = 10_000;

/** Plans what the policies say about alerts: one remediation for each policy, alert and target, once. */
export class Planner {
  readonly #parts: PlannerParts;
  /** Alerts that were left without a remediation that a policy wants for them. */
  readonly #unplanned = new Set<string>();
  /** There were more of them than are remembered. */
  #hasForgotten = false;
  /** A transaction that planned something failed, perhaps after its commit. */
  #isInDoubt = false;

  constructor(parts: PlannerParts) {
    this.#parts = parts;
  }

  /** An alert has begun to fire. An alert without a policy costs no look at the database. */
  async plan(tx: StateTransaction, alert: AlertFacts): Promise<void> {
    const { logger, counters } = this.#parts;
    for (const { policy, reason, message } of await this.#planAll(tx, alert)) {
      counters.unplanned(reason);
      logger.warn(
        { policy, alert_id: alert.alertId, traceparent: alert.traceparent },
        `No remediation planned for the alert, tried again every 30 s: ${message}`,
      );
    }
  }

  /** An alert has ended: it needs no remediation any more. */
  forget(alertId: string): void {
    this.#unplanned.delete(alertId);
  }

  /** Plans for all alerts that fire: the policies have changed, or the process has just started. */
  async reconsiderAll(): Promise<void> {
    this.#hasForgotten = false;
    this.#unplanned.clear();
    const { alerts, policies } = this.#parts;
    const firing = (await alerts.firing()).filter((alert) => policies.forAlert(alert.labels).length > 0);
    await this.#inBatches(firing, async (tx, batch) => {
      const planned = await this.#plannedFor(tx, batch);
      for (const { alertId } of batch) {
        // It may have ended since they were listed.
        const alert = await alerts.get(alertId, tx);
        if (alert?.state === 'firing') await this.#planAll(tx, alert, planned);
      }
    });
  }

  /** Plans for the alerts that were left without a remediation: what was missing may be there now. */
  async reconsiderUnplanned(): Promise<void> {
    if (this.#isInDoubt) await this.#takeUpUnknown();
    if (this.#hasForgotten) return this.reconsiderAll();
    await this.#inBatches([...this.#unplanned], async (tx, alertIds) => {
      for (const alertId of alertIds) {
        const alert = await this.#parts.alerts.get(alertId, tx);
        this.#unplanned.delete(alertId);
        if (alert?.state === 'firing') await this.#planAll(tx, alert);
      }
    });
  }

  /** Takes up what is on disk and of which the runner was not told. */
  async #takeUpUnknown(): Promise<void> {
    const { alerts, runner, onPoolAlert } = this.#parts;
    this.#isInDoubt = false;
    try {
      const ofPools = (await runner.takeUpMissing()).filter((row) => row.target_kind === 'pool');
      await this.#inBatches(ofPools, async (tx, batch) => {
        for (const { policy, target_id: poolId, alert_id: alertId } of batch) {
          // Read in the transaction, so that its end is told after this.
          const alert = await alerts.get(alertId, tx);
          if (alert?.state === 'firing') tx.afterCommit(() => onPoolAlert({ policy, poolId, alertId }));
        }
      });
    } catch (thrown) {
      this.#isInDoubt = true;
      throw thrown;
    }
  }

  async #inBatches<Item>(
    items: readonly Item[],
    work: (tx: StateTransaction, batch: readonly Item[]) => Promise<void>,
  ): Promise<void> {
    for (let at = 0; at < items.length; at += MAX_ALERTS_PER_TRANSACTION) {
      const batch = items.slice(at, at + MAX_ALERTS_PER_TRANSACTION);
      await this.#parts.database.transaction((tx) => work(tx, batch));
    }
  }

  /** The keys of what was planned for these alerts before. */
  async #plannedFor(tx: StateTransaction, alerts: readonly AlertFacts[]): Promise<ReadonlySet<string>> {
    const rows = await tx.db
      .selectFrom('remediations')
      .select(['policy', 'alert_id', 'target_kind', 'target_id'])
      .where(
        'alert_id',
        'in',
        alerts.map((alert) => alert.alertId),
      )
      .execute();
    return new Set(
      rows.map((row) =>
        keyOf(row.policy, row.alert_id, targetText({ kind: row.target_kind, id: row.target_id })),
      ),
    );
  }

  /**
   * Returns the policies that could not be followed.
   * @param planned keys of what is known to be planned already
   */
  async #planAll(
    tx: StateTransaction,
    alert: AlertFacts,
    planned: ReadonlySet<string> = new Set(),
  ): Promise<readonly Unplanned[]> {
    const { fleet, policies, log, runner, onPoolAlert, maxOpenRemediations } = this.#parts;
    const unplanned: Unplanned[] = [];
    for (const policy of policies.forAlert(alert.labels)) {
      const target = resolveTarget(policy, alert, fleet);
      if ('missing' in target) {
        unplanned.push({ policy: policy.name, reason: 'no_target', message: target.missing });
        continue;
      }
      if (target.kind === 'pool') {
        const about = { policy: policy.name, poolId: target.id, alertId: alert.alertId };
        tx.afterCommit(() => onPoolAlert(about));
      }
      if (planned.has(keyOf(policy.name, alert.alertId, targetText(target)))) continue;
      if (runner.openCount >= maxOpenRemediations) {
        const message = `${maxOpenRemediations} remediations are open (maxOpenRemediations)`;
        unplanned.push({ policy: policy.name, reason: 'max_open_remediations', message });
        continue;
      }
      const remediation = await log.plan(tx, { policy, alert, target });
      if (!remediation) continue;
      tx.afterCommit(() => runner.begin(remediation));
      // Where the commit failed nobody knows whether the row is there.
      tx.afterRollback(() => (this.#isInDoubt = true));
    }
    if (unplanned.length > 0) this.#remember(alert.alertId);
    return unplanned;
  }

  #remember(alertId: string): void {
    if (this.#unplanned.size < MAX_UNPLANNED_ALERTS) this.#unplanned.add(alertId);
    else this.#hasForgotten = true;
  }
}

interface Unplanned {
  readonly policy: string;
  readonly reason: 'no_target' | 'max_open_remediations';
  readonly message: string;
}

function keyOf(policy: string, alertId: string, target: string): string {
  return `${policy}\n${alertId}\n${target}`;
}
