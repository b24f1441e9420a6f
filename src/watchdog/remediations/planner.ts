import type { StateDatabase, StateTransaction } from '#storage';
import { GUARDS, type Guard, type Logger } from '#telemetry';
import type { PoolAlert } from '../actions/scale/pool-alerts.ts';
import { notManagedReason } from '../guards/guards.ts';
import type { PolicyRegistry } from '../policies/policy-registry.ts';
import { resolveTarget } from '../policies/resolve-target.ts';
import { targetText } from '../policies/target.ts';
import type { AlertFacts, AlertReader, FleetActuator } from '../ports.ts';
import type { WatchdogCounters } from '../watchdog-counters.ts';
import type { WantedRemediation } from './planned-remediations.ts';
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
  readonly guards?: readonly Guard[];
}

export const DEFAULT_MAX_OPEN_REMEDIATIONS = 10_000;
/** Small, so that other transactions wait behind no more than this many plans. */
const MAX_ALERTS_PER_TRANSACTION = 50;
/** Alerts that got no remediation and are remembered one by one; beyond that all that fire are looked at again. */
const MAX_UNPLANNED_ALERTS = 10_000;
/** Alerts about agents that Omoi did not start; of more it is only looked at the next start or reload whether it has since. */
const MAX_IMPOSSIBLE_ALERTS = 100_000;

/** Plans what the policies say about alerts: one remediation for each policy, alert and target, once. */
export class Planner {
  readonly #parts: PlannerParts;
  /** Alerts that were left without a remediation that a policy wants for them. */
  readonly #unplanned = new Set<string>();
  /** Alerts about agents that are external, by id, and the agent: it may come to run in a pool while the alert fires. */
  readonly #impossible = new Map<string, string>();
  /** There were more of them than are remembered. */
  #hasForgotten = false;
  /** A transaction that planned something failed, perhaps after its commit. */
  #isInDoubt = false;

  constructor(parts: PlannerParts) {
    this.#parts = parts;
  }

  /** Alerts have begun to fire. One without a policy costs no look at the database. */
  async plan(tx: StateTransaction, alerts: readonly AlertFacts[]): Promise<void> {
    const { logger, counters } = this.#parts;
    const unplanned = await this.#planAll(tx, alerts);
    await this.#tellImpossible(tx, unplanned);
    for (const { reason } of unplanned) counters.unplanned(reason);
    const possible = unplanned.filter(({ reason }) => reason !== 'not_managed');
    // Thousands may begin to fire at once: one line for all that want the same and lack the same.
    const alike = Map.groupBy(possible, ({ policy, reason }) => `${policy}\n${reason}`);
    for (const [first, ...others] of alike.values()) {
      if (!first) continue;
      const { policy, alert, message } = first;
      const more = others.length === 0 ? '' : `, nor for ${others.length} more alerts`;
      logger.warn(
        { policy, alert_id: alert.alertId, alerts: others.length + 1, traceparent: alert.traceparent },
        `No remediation planned for the alert${more}, tried again every 30 s: ${message}`,
      );
    }
  }

  /** What cannot be done is told once for each alert, and costs nothing more: no row, no try, no line in the log each. */
  async #tellImpossible(tx: StateTransaction, unplanned: readonly Unplanned[]): Promise<void> {
    const { log, logger } = this.#parts;
    const impossible = unplanned.filter((one) => one.reason === 'not_managed');
    await log.impossible(tx, impossible);
    const [first] = impossible;
    if (!first) return;
    logger.warn(
      { policy: first.policy, alert_id: first.alert.alertId, alerts: impossible.length },
      `No remediation planned: ${first.message}`,
    );
  }

  /** Whether an alert was left without a remediation that a policy wants for it. */
  concerns(alertId: string): boolean {
    return this.#unplanned.has(alertId) || this.#impossible.has(alertId);
  }

  /** Why no further remediation is planned; null where there is room. @param more that are about to be */
  noRoom(more = 0): string | null {
    const { runner, maxOpenRemediations } = this.#parts;
    if (runner.openCount + more < maxOpenRemediations) return null;
    return `${maxOpenRemediations} remediations are open (maxOpenRemediations)`;
  }

  /** An alert has ended: it needs no remediation any more. */
  forget(alertId: string): void {
    this.#unplanned.delete(alertId);
    this.#impossible.delete(alertId);
  }

  /** Plans for all alerts that fire: the policies have changed, or the process has just started. */
  async reconsiderAll(): Promise<void> {
    this.#hasForgotten = false;
    this.#unplanned.clear();
    this.#impossible.clear();
    try {
      await this.#planForFiring();
    } catch (thrown) {
      // Which of them have a plan is not known any more.
      this.#hasForgotten = true;
      throw thrown;
    }
  }

  async #planForFiring(): Promise<void> {
    const { alerts, policies } = this.#parts;
    const firing = (await alerts.firing()).filter((alert) => policies.forAlert(alert.labels).length > 0);
    await this.#inBatches(firing, async (tx, batch) => {
      const planned = await this.#plannedFor(tx, batch);
      // Some may have ended since they were listed.
      const stillFiring = await alerts.firingAmong(
        tx,
        batch.map(({ alertId }) => alertId),
      );
      await this.#planAll(tx, stillFiring, planned);
    });
  }

  /** Plans for the alerts that were left without a remediation: what was missing may be there now. */
  async reconsiderUnplanned(): Promise<void> {
    if (this.#isInDoubt) await this.#takeUpUnknown();
    if (this.#hasForgotten) return this.reconsiderAll();
    const alerts = new Set([...this.#unplanned, ...this.#nowPossible()]);
    await this.#inBatches([...alerts], async (tx, alertIds) => {
      const firing = await this.#parts.alerts.firingAmong(tx, alertIds);
      const unplanned = new Set((await this.#planAll(tx, firing)).map(({ alert }) => alert.alertId));
      // Where it is rolled back they are looked at again.
      tx.afterCommit(() => {
        for (const alertId of alertIds) if (!unplanned.has(alertId)) this.forget(alertId);
      });
    });
  }

  /** Alerts about agents that were external and run in a pool now, as far as memory tells. */
  #nowPossible(): readonly string[] {
    const { fleet } = this.#parts;
    return [...this.#impossible].flatMap(([alertId, agentId]) =>
      fleet.agent(agentId)?.managed === true ? [alertId] : [],
    );
  }

  /** Takes up what is on disk and of which the runner was not told. */
  async #takeUpUnknown(): Promise<void> {
    const { alerts, runner, onPoolAlert } = this.#parts;
    this.#isInDoubt = false;
    try {
      const ofPools = (await runner.takeUpMissing()).filter((row) => row.target_kind === 'pool');
      await this.#inBatches(ofPools, async (tx, batch) => {
        // Read in the transaction, so that their ends are told after this.
        const firing = await alerts.firingAmong(
          tx,
          batch.map((row) => row.alert_id),
        );
        const firingIds = new Set(firing.map((alert) => alert.alertId));
        for (const { policy, target_id: poolId, alert_id: alertId } of batch) {
          if (firingIds.has(alertId)) tx.afterCommit(() => onPoolAlert({ policy, poolId, alertId }));
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
    alerts: readonly AlertFacts[],
    planned: ReadonlySet<string> = new Set(),
  ): Promise<readonly Unplanned[]> {
    const { log, runner } = this.#parts;
    const { wanted, unplanned } = this.#look(tx, alerts, planned);
    await runner.takeOn(tx, log.plan(tx, wanted));
    // Where the commit failed nobody knows whether the rows are there.
    if (wanted.length > 0) tx.afterRollback(() => (this.#isInDoubt = true));
    for (const one of unplanned) {
      if (one.reason === 'not_managed') this.#rememberImpossible(one.alert.alertId, one.agentId);
      else this.#remember(one.alert.alertId);
    }
    return unplanned;
  }

  /** What the policies want for the alerts, as far as memory tells. */
  #look(
    tx: StateTransaction,
    alerts: readonly AlertFacts[],
    planned: ReadonlySet<string>,
  ): { readonly wanted: readonly WantedRemediation[]; readonly unplanned: readonly Unplanned[] } {
    const { fleet, policies, onPoolAlert, guards = GUARDS } = this.#parts;
    const sparesExternals = guards.includes('not_managed');
    const wanted: WantedRemediation[] = [];
    const unplanned: Unplanned[] = [];
    for (const alert of alerts) {
      for (const policy of policies.forAlert(alert.labels)) {
        const about = { policy: policy.name, alert };
        const target = resolveTarget(policy, alert, fleet);
        if ('missing' in target) {
          unplanned.push({ ...about, reason: 'no_target', message: target.missing });
          continue;
        }
        if (sparesExternals && target.kind === 'agent' && !target.managed) {
          const message = notManagedReason({ agentId: target.id }, policy);
          const external = { agentId: target.id, target: targetText(target) };
          unplanned.push({ ...about, reason: 'not_managed', message, ...external });
          continue;
        }
        if (target.kind === 'pool') {
          const poolAlert = { policy: policy.name, poolId: target.id, alertId: alert.alertId };
          tx.afterCommit(() => onPoolAlert(poolAlert));
        }
        if (planned.has(keyOf(policy.name, alert.alertId, targetText(target)))) continue;
        const full = this.noRoom(wanted.length);
        if (full !== null) {
          unplanned.push({ ...about, reason: 'max_open_remediations', message: full });
          continue;
        }
        wanted.push({ policy, alert, target });
      }
    }
    return { wanted, unplanned };
  }

  #remember(alertId: string): void {
    if (this.#unplanned.size < MAX_UNPLANNED_ALERTS) this.#unplanned.add(alertId);
    else this.#hasForgotten = true;
  }

  #rememberImpossible(alertId: string, agentId: string): void {
    if (this.#impossible.size < MAX_IMPOSSIBLE_ALERTS) this.#impossible.set(alertId, agentId);
  }
}

type Unplanned = {
  readonly policy: string;
  readonly alert: AlertFacts;
  readonly message: string;
} & (
  | { readonly reason: 'no_target' | 'max_open_remediations' }
  | { readonly reason: 'not_managed'; readonly agentId: string; readonly target: string }
);

function keyOf(policy: string, alertId: string, target: string): string {
  return `${policy}\n${alertId}\n${target}`;
}
