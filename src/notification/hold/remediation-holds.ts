import type { EventBus } from '#eventbus';
import type { StateDatabase, StateTables, StateTransaction } from '#storage';
import { parseLabels, type SelfMetrics, type SystemEvent } from '#telemetry';
import type { DecisionLog } from '../explain/decision-log.ts';
import type { Decision } from '../explain/decision.ts';
import type { AlertKnowledge } from '../groups/alert-knowledge.ts';
import type { AlertTriggered, RemediationOutlook, RoutedTo } from '../ports.ts';
import { holdMsOf } from '../stages/hold-stage.ts';
import {
  followed,
  HOLD_SCOPE,
  holdsBeyond,
  isVerdict,
  withoutPolicy,
  type Hold,
  type VerdictEvent,
} from './hold.ts';

/** So many alerts are held back at once; people are told of further ones at once. */
export const maxHeldAlerts = 10_000;

export interface HoldParts {
  readonly database: StateDatabase;
  readonly bus: EventBus;
  readonly metrics: SelfMetrics;
  readonly remediations: Pick<RemediationOutlook, 'outlookOf' | 'whyNotActing'>;
  readonly decisions: Pick<DecisionLog, 'record' | 'wasRecorded'>;
  /** An alert is held for a policy that does not act by itself any more. */
  readonly onOutdated: () => void;
}

/** What holds need to know of alerts while events are followed, as it was before these. */
export interface HoldContext extends AlertKnowledge {
  /** Where an alert goes; nowhere where no route holds anything back. */
  readonly routesOf: (event: AlertTriggered) => readonly RoutedTo[];
}

type Row = StateTables['notification_holds'];

/**
 * The alerts that are held back until the watchdog's verdict on them. In memory as on disk; memory follows the commit. The one owner
 * of the rows.
 */
export class RemediationHolds {
  readonly #parts: HoldParts;
  readonly #holds = new Map<string, Hold>();
  /** Those without a verdict, by policy and target. */
  readonly #byTarget = new Map<string, Set<string>>();
  /** How many have no verdict. */
  #held = 0;

  constructor(parts: HoldParts) {
    this.#parts = parts;
    parts.metrics.gauge(
      'omoi_notification_held_alerts',
      'Alerts of which nobody is told yet, because the watchdog repairs what they tell of.',
      () => this.#held,
    );
  }

  async start(): Promise<void> {
    const rows = await this.#parts.database.reader.selectFrom('notification_holds').selectAll().execute();
    for (const hold of rows.map(holdOf)) {
      this.#set(hold);
      if (hold.state !== 'held') this.#parts.decisions.wasRecorded(...decisionOf(hold));
    }
  }

  get(alertId: string): Hold | null {
    return this.#holds.get(alertId) ?? null;
  }

  /** Those events for which there is something to do: what is repaired and held back for nobody costs no transaction. */
  concerning(events: readonly SystemEvent[]): readonly SystemEvent[] {
    const mayHold = this.#held > 0 || events.some((event) => event.event_type === 'monitor.alert.triggered');
    return mayHold ? events : events.filter((event) => !isVerdict(event));
  }

  /** Follows events in their transaction. @returns the alerts whose verdict is there, of which memory knows after the commit */
  async follow(
    tx: StateTransaction,
    events: readonly SystemEvent[],
    context: HoldContext,
  ): Promise<readonly string[]> {
    const changed = new Map<string, Hold>();
    const healed = new Set<Hold>();
    const over = new Set<string>();
    let begunNow = 0;
    const current = (alertId: string): Hold | null => changed.get(alertId) ?? this.get(alertId);
    const isOver = (alertId: string): boolean => over.has(alertId) || context.isOver(alertId);
    for (const event of events) {
      if (event.event_type === 'monitor.alert.triggered') {
        const room = maxHeldAlerts - this.#held - begunNow;
        const begun = current(event.payload.alert_id) ? null : this.#begin(event, context, room);
        if (!begun) continue;
        begunNow++;
        changed.set(begun.alertId, begun);
      } else if (event.event_type === 'monitor.alert.resolved') {
        const { alert_id: alertId } = event.payload;
        const hold = current(alertId);
        if (hold?.state === 'healed' && !isOver(alertId)) healed.add(hold);
        over.add(alertId);
      } else if (isVerdict(event)) {
        for (const alertId of this.#concernedBy(event, changed)) {
          const hold = current(alertId);
          const next = hold && followed(hold, event);
          if (!next) continue;
          changed.set(alertId, next);
          if (next.state === 'healed' && isOver(alertId)) healed.add(next);
        }
      }
    }
    if (changed.size > 0) await write(tx, [...changed.values()].map(rowOf));
    // Who was told when the deadline was over, or when a reload had brought it forward, has heard of it.
    const unheard = [...healed].filter(
      ({ alertId, receivers, untilMs }) => untilMs > tx.nowMs && !context.isTold(alertId, receivers),
    );
    if (unheard.length > 0) await this.#parts.bus.append(tx, ...unheard.map(healedEvent));
    tx.afterCommit(() => this.#changed(changed.values()));
    return [...changed.values()].flatMap(({ alertId, state }) => (state === 'held' ? [] : alertId));
  }

  /** Those that are held by policies that do not act by themselves any more. */
  ofPoliciesThatDoNotAct(): readonly string[] {
    const idle = new Map<string, boolean>();
    return [...this.#holds.values()].flatMap((hold) => {
      if (hold.state !== 'held') return [];
      const isIdle = idle.get(hold.policy) ?? this.#isIdle(hold);
      idle.set(hold.policy, isIdle);
      return isIdle ? [hold.alertId] : [];
    });
  }

  /**
   * Ends the holds of those whose policies do not act by themselves any more, in a transaction.
   * @param alertIds at most 200
   * @returns those of which people are to be told, of which memory knows after the commit
   */
  async release(tx: StateTransaction, alertIds: readonly string[]): Promise<readonly string[]> {
    const changed = alertIds.flatMap((alertId) => {
      const hold = this.get(alertId);
      const why = hold && this.#parts.remediations.whyNotActing(hold.policy);
      const next = hold && why !== null ? withoutPolicy(hold, why) : null;
      return next ?? [];
    });
    if (changed.length === 0) return [];
    await write(tx, changed.map(rowOf));
    tx.afterCommit(() => this.#changed(changed));
    return changed.map(({ alertId }) => alertId);
  }

  #changed(holds: Iterable<Hold>): void {
    let isOutdated = false;
    for (const hold of holds) {
      this.#set(hold);
      if (hold.state !== 'held') this.#parts.decisions.record(...decisionOf(hold));
      // Its policy may have changed while it was written.
      else if (this.#isIdle(hold)) isOutdated = true;
    }
    if (isOutdated) this.#parts.onOutdated();
  }

  /** Whether the policy that an alert is held for does not act by itself any more. */
  #isIdle({ policy }: Pick<Hold, 'policy'>): boolean {
    return this.#parts.remediations.whyNotActing(policy) !== null;
  }

  /** Notification is done with alerts: their rows go, in a transaction. @param alertIds at most 500 */
  async remove(tx: StateTransaction, alertIds: readonly string[]): Promise<void> {
    const known = alertIds.filter((alertId) => this.#holds.has(alertId));
    if (known.length === 0) return;
    await tx.db.deleteFrom('notification_holds').where('alert_id', 'in', known).execute();
    tx.afterCommit(() => {
      for (const alertId of known) this.#forget(alertId);
    });
  }

  /** The hold of an alert that has begun; null where people are told at once. @param room how many more may be held */
  #begin(event: AlertTriggered, context: HoldContext, room: number): Hold | null {
    const { alert_id: alertId, severity, labels } = event.payload;
    const holding = context.routesOf(event).flatMap(({ route }) => {
      const holdMs = holdMsOf(route, severity);
      return holdMs === null ? [] : { receiver: route.receiver, untilMs: Date.parse(event.at) + holdMs };
    });
    if (holding.length === 0) return null;
    const untilMs = Math.max(...holding.map((one) => one.untilMs));
    const outlook = this.#parts.remediations.outlookOf(event);
    const notHeld = (reason: string): null => {
      this.#parts.decisions.record(...decisionOf({ alertId, state: 'not held', reason }));
      return null;
    };
    if (!outlook.acts) return notHeld(outlook.reason);
    const { policy, target, heldBy } = outlook;
    if (heldBy && holdsBeyond(heldBy, untilMs)) return notHeld(`${policy} is held back: ${heldBy.reason}`);
    if (room <= 0) return notHeld(`${maxHeldAlerts} alerts are held back already`);
    const receivers = [...new Set(holding.map(({ receiver }) => receiver))];
    const reason = `${policy} works on ${target}`;
    return {
      alertId,
      policy,
      target,
      severity,
      labels,
      receivers,
      untilMs,
      state: 'held',
      steps: [],
      reason,
    };
  }

  /** The alerts that are held, and that an event may say something about. */
  *#concernedBy(event: VerdictEvent, changed: ReadonlyMap<string, Hold>): Iterable<string> {
    if (event.payload.alert_id !== null) yield event.payload.alert_id;
    if (event.event_type !== 'watchdog.remediation.completed') return;
    if (event.payload.outcome !== 'relapsed') return;
    const { policy, target } = event.payload;
    yield* this.#byTarget.get(placeOf({ policy, target })) ?? [];
    for (const hold of changed.values()) {
      if (hold.policy === policy && hold.target === target) yield hold.alertId;
    }
  }

  #set(hold: Hold): void {
    this.#forget(hold.alertId);
    this.#holds.set(hold.alertId, hold);
    if (hold.state !== 'held') return;
    this.#held++;
    const place = placeOf(hold);
    const there = this.#byTarget.get(place);
    if (there) there.add(hold.alertId);
    else this.#byTarget.set(place, new Set([hold.alertId]));
  }

  #forget(alertId: string): void {
    const hold = this.#holds.get(alertId);
    this.#holds.delete(alertId);
    if (hold?.state !== 'held') return;
    this.#held--;
    const place = placeOf(hold);
    const there = this.#byTarget.get(place);
    there?.delete(alertId);
    if (there?.size === 0) this.#byTarget.delete(place);
  }
}

/** What is said of an alert, and under what it is kept. */
function decisionOf({
  alertId,
  state: decision,
  reason,
}: Pick<Hold, 'alertId' | 'reason'> & { readonly state: string }): readonly [Decision, string] {
  return [{ alertId, stage: 'hold', decision, receiver: null, notificationId: null, reason }, HOLD_SCOPE];
}

function placeOf({ policy, target }: Pick<Hold, 'policy' | 'target'>): string {
  return `${policy}\n${target}`;
}

function healedEvent({ alertId, severity, labels, policy, target, reason, receivers }: Hold) {
  return {
    event_type: 'notification.held_and_healed' as const,
    entity_type: 'alert',
    entity_id: alertId,
    payload: {
      alert_id: alertId,
      severity,
      labels: { ...labels },
      policy,
      target,
      summary: reason,
      receivers: [...receivers],
    },
    traceparent: null,
  };
}

async function write(tx: StateTransaction, rows: readonly Row[]): Promise<void> {
  await tx.db
    .insertInto('notification_holds')
    .values(rows)
    .onConflict((conflict) =>
      conflict.column('alert_id').doUpdateSet((row) => ({
        state: row.ref('excluded.state'),
        steps: row.ref('excluded.steps'),
        reason: row.ref('excluded.reason'),
      })),
    )
    .execute();
}

function rowOf(hold: Hold): Row {
  return {
    alert_id: hold.alertId,
    policy: hold.policy,
    target: hold.target,
    severity: hold.severity,
    labels: JSON.stringify(hold.labels),
    receivers: JSON.stringify(hold.receivers),
    until_ms: hold.untilMs,
    state: hold.state,
    steps: JSON.stringify(hold.steps),
    reason: hold.reason,
  };
}

function holdOf(row: Row): Hold {
  return {
    alertId: row.alert_id,
    policy: row.policy,
    target: row.target,
    severity: row.severity,
    labels: parseLabels(row.labels),
    // These lists are written by `rowOf` alone.
    receivers: JSON.parse(row.receivers) as string[],
    untilMs: row.until_ms,
    state: row.state,
    steps: JSON.parse(row.steps) as string[],
    reason: row.reason,
  };
}
