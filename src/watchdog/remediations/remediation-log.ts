import type { EventBus } from '#eventbus';
import type { StateDatabase, StateTransaction } from '#storage';
import { createId, toRfc3339, type NewSystemEvent, type Random } from '#telemetry';
import type { Suppression } from '../guards/guards.ts';
import type { PolicyStep } from '../policies/policy.ts';
import type { Target } from '../policies/target.ts';
import type { AlertFacts } from '../ports.ts';
import {
  BUSY_STATES,
  mayBecome,
  OPEN_STATES,
  remediationRef,
  type Outcome,
  type Remediation,
  type RemediationState,
} from './remediation.ts';

export interface RemediationLogParts {
  readonly database: StateDatabase;
  readonly bus: EventBus;
  readonly random: Random;
}

/** What changes with a transition. */
type Change = Partial<Omit<Remediation, 'id' | 'state' | 'updated_at_ms'>>;

/** The durable record of remediations: every transition is one transaction with its event. */
export class RemediationLog {
  readonly #parts: RemediationLogParts;

  constructor(parts: RemediationLogParts) {
    this.#parts = parts;
  }

  /** Plans a remediation once for each policy, alert and target; null where it was planned before. */
  async plan(
    tx: StateTransaction,
    plan: {
      readonly policy: string;
      readonly alert: AlertFacts;
      readonly target: Target;
      readonly traceparent: string | null;
    },
  ): Promise<string | null> {
    const id = createId('rem', tx.nowMs, this.#parts.random);
    const { alert, target } = plan;
    const inserted = await tx.db
      .insertInto('remediations')
      .values({
        id,
        policy: plan.policy,
        alert_id: alert.alertId,
        rule_id: alert.ruleId,
        target_kind: target.kind,
        target_id: target.id,
        pool_id: target.poolId,
        state: 'planned',
        step: 0,
        outcome: null,
        expected_generation: target.kind === 'agent' ? target.generation : null,
        value_before: null,
        planned_at_ms: tx.nowMs,
        step_started_at_ms: null,
        verify_until_ms: null,
        ended_at_ms: null,
        approved_by: null,
        reason: null,
        traceparent: plan.traceparent,
        updated_at_ms: tx.nowMs,
      })
      .onConflict((conflict) =>
        conflict.columns(['policy', 'alert_id', 'target_kind', 'target_id']).doNothing(),
      )
      .returning('id')
      .executeTakeFirst();
    return inserted?.id ?? null;
  }

  /** Records that a guard holds a remediation back; the event is sent when the guard is new to it. */
  async suppress(tx: StateTransaction, remediation: Remediation, suppression: Suppression): Promise<void> {
    const { suppressed: guard, reason, untilMs } = suppression;
    const known = await tx.db
      .selectFrom('watchdog_suppressions')
      .select('count')
      .where('remediation_id', '=', remediation.id)
      .where('guard', '=', guard)
      .executeTakeFirst();
    if (known) {
      await tx.db
        .updateTable('watchdog_suppressions')
        .set({ reason, last_at_ms: tx.nowMs, count: known.count + 1, until_ms: untilMs })
        .where('remediation_id', '=', remediation.id)
        .where('guard', '=', guard)
        .execute();
      return;
    }
    await tx.db
      .insertInto('watchdog_suppressions')
      .values({
        remediation_id: remediation.id,
        guard,
        reason,
        first_at_ms: tx.nowMs,
        last_at_ms: tx.nowMs,
        count: 1,
        until_ms: untilMs,
      })
      .execute();
    const { policy, alert_id, target } = remediationRef(remediation);
    await this.#append(tx, remediation, {
      event_type: 'watchdog.remediation.suppressed',
      payload: {
        policy,
        alert_id,
        target,
        guard,
        reason,
        until: untilMs === null ? null : toRfc3339(untilMs),
      },
    });
  }

  /** Starts a step: the intent is on disk before anything is done. */
  async start(
    tx: StateTransaction,
    remediation: Remediation,
    begin: { readonly step: PolicyStep; readonly value: number },
  ): Promise<Remediation> {
    await tx.db
      .insertInto('watchdog_actions')
      .values({
        id: actionId(remediation),
        remediation_id: remediation.id,
        step: remediation.step,
        action: begin.step.action,
        params: JSON.stringify(begin.step),
        intended_at_ms: tx.nowMs,
        finished_at_ms: null,
        result: null,
        detail: null,
      })
      .execute();
    const started = await this.#move(tx, remediation, 'executing', {
      step_started_at_ms: tx.nowMs,
      value_before: Number.isFinite(begin.value) ? begin.value : null,
    });
    const payload = { ...remediationRef(remediation), step: begin.step.action };
    if (remediation.step === 0) {
      await this.#append(tx, remediation, { event_type: 'watchdog.remediation.started', payload });
    } else {
      await this.#changed(tx, remediation, { to: 'executing', step: begin.step.action });
    }
    return started;
  }

  async awaitApproval(tx: StateTransaction, remediation: Remediation): Promise<Remediation> {
    await this.#changed(tx, remediation, { to: 'awaiting_approval', step: null });
    return this.#move(tx, remediation, 'awaiting_approval', {});
  }

  async approve(tx: StateTransaction, remediation: Remediation, by: string): Promise<Remediation> {
    await this.#changed(tx, remediation, { to: 'planned', step: null });
    return this.#move(tx, remediation, 'planned', { approved_by: by });
  }

  /** The step's action was done; from now on its effect is watched. */
  async acted(
    tx: StateTransaction,
    remediation: Remediation,
    done: { readonly step: PolicyStep; readonly detail: string },
  ): Promise<Remediation> {
    await this.#finishAction(tx, remediation, { result: 'done', detail: done.detail });
    await this.#changed(tx, remediation, { to: 'verifying', step: done.step.action });
    return this.#move(tx, remediation, 'verifying', { verify_until_ms: tx.nowMs + done.step.verify.within });
  }

  async actionFailed(tx: StateTransaction, remediation: Remediation, detail: string): Promise<void> {
    await this.#finishAction(tx, remediation, { result: 'failed', detail });
  }

  /** The step did not help: back to planned, for the next one. */
  async nextStep(tx: StateTransaction, remediation: Remediation, outcome: Outcome): Promise<Remediation> {
    await this.#changed(tx, remediation, { to: 'planned', step: null });
    return this.#move(tx, remediation, 'planned', {
      step: remediation.step + 1,
      reason: `step ${remediation.step + 1}: ${outcome}`,
      verify_until_ms: null,
    });
  }

  /** Ends a remediation: completed, escalated or cancelled. */
  async end(
    tx: StateTransaction,
    remediation: Remediation,
    ending: {
      readonly state: 'completed' | 'escalated' | 'cancelled';
      readonly outcome: Outcome;
      readonly reason: string;
    },
  ): Promise<Remediation> {
    const ended = await this.#move(tx, remediation, ending.state, {
      outcome: ending.outcome,
      reason: ending.reason,
      ended_at_ms: tx.nowMs,
    });
    await this.#append(tx, remediation, {
      event_type: 'watchdog.remediation.completed',
      payload: {
        ...remediationRef(remediation),
        outcome: ending.outcome,
        duration_ms: tx.nowMs - remediation.planned_at_ms,
      },
    });
    return ended;
  }

  async escalated(
    tx: StateTransaction,
    remediation: Remediation,
    to: { readonly guardian: string; readonly reason: string },
  ): Promise<void> {
    const { policy, alert_id, target } = remediationRef(remediation);
    await this.#append(tx, remediation, {
      event_type: 'watchdog.escalated',
      payload: { alert_id, policy, target, guardian: to.guardian, reason: to.reason },
    });
  }

  read(tx: StateTransaction, id: string): Promise<Remediation | undefined> {
    return tx.db.selectFrom('remediations').selectAll().where('id', '=', id).executeTakeFirst();
  }

  async open(): Promise<readonly Remediation[]> {
    return this.#parts.database.reader
      .selectFrom('remediations')
      .selectAll()
      .where('state', 'in', OPEN_STATES)
      .orderBy('planned_at_ms')
      .execute();
  }

  /** What the guards need to know of other remediations. */
  async standing(
    tx: StateTransaction,
    remediation: Remediation,
    sinceMs: number,
  ): Promise<{
    busyWith: string | null;
    lastEndedAtMs: number | null;
    running: number;
    startsMs: readonly number[];
  }> {
    const busy = await tx.db
      .selectFrom('remediations')
      .select(['id', 'policy', 'target_kind', 'target_id', 'pool_id'])
      .where('state', 'in', BUSY_STATES)
      .execute();
    const others = busy.filter((other) => other.id !== remediation.id);
    const last = await tx.db
      .selectFrom('remediations')
      .select((select) => select.fn.max('ended_at_ms').as('at'))
      .where('policy', '=', remediation.policy)
      .where('target_kind', '=', remediation.target_kind)
      .where('target_id', '=', remediation.target_id)
      .where('id', '!=', remediation.id)
      .where('step_started_at_ms', 'is not', null)
      .executeTakeFirst();
    const starts = await tx.db
      .selectFrom('watchdog_actions')
      .innerJoin('remediations', 'remediations.id', 'watchdog_actions.remediation_id')
      .select('watchdog_actions.intended_at_ms')
      .where('remediations.policy', '=', remediation.policy)
      .where('watchdog_actions.intended_at_ms', '>', sinceMs)
      .orderBy('watchdog_actions.intended_at_ms')
      .execute();
    return {
      busyWith: others.find((other) => sharesTarget(other, remediation))?.id ?? null,
      lastEndedAtMs: last?.at ?? null,
      running: others.filter((other) => other.policy === remediation.policy).length,
      startsMs: starts.map((start) => start.intended_at_ms),
    };
  }

  async #finishAction(
    tx: StateTransaction,
    remediation: Remediation,
    result: { readonly result: 'done' | 'failed'; readonly detail: string },
  ): Promise<void> {
    await tx.db
      .updateTable('watchdog_actions')
      .set({ ...result, finished_at_ms: tx.nowMs })
      .where('id', '=', actionId(remediation))
      .execute();
  }

  async #move(
    tx: StateTransaction,
    remediation: Remediation,
    state: RemediationState,
    change: Change,
  ): Promise<Remediation> {
    if (!mayBecome(remediation.state, state)) {
      throw new Error(`a remediation that is ${remediation.state} cannot become ${state}`);
    }
    const moved = { ...change, state, updated_at_ms: tx.nowMs };
    await tx.db.updateTable('remediations').set(moved).where('id', '=', remediation.id).execute();
    return { ...remediation, ...moved };
  }

  #changed(
    tx: StateTransaction,
    remediation: Remediation,
    change: { readonly to: RemediationState; readonly step: string | null },
  ): Promise<void> {
    return this.#append(tx, remediation, {
      event_type: 'watchdog.remediation.changed',
      payload: { ...remediationRef(remediation), from: remediation.state, ...change },
    });
  }

  #append(
    tx: StateTransaction,
    remediation: Remediation,
    event: Pick<NewSystemEvent, 'event_type' | 'payload'>,
  ): Promise<void> {
    // The pair of type and payload comes from a member of the union; splitting it off loses the tie.
    return this.#parts.bus.append(tx, {
      ...event,
      entity_type: 'remediation',
      entity_id: remediation.id,
      traceparent: remediation.traceparent,
    } as NewSystemEvent);
  }
}

export function actionId(remediation: Pick<Remediation, 'id' | 'step'>): string {
  return `${remediation.id}-${remediation.step + 1}`;
}

type TargetColumns = Pick<Remediation, 'target_kind' | 'target_id' | 'pool_id'>;

/** The same target, or a pool and one of its agents. Two agents of one pool do not exclude each other. */
function sharesTarget(a: TargetColumns, b: TargetColumns): boolean {
  if (a.target_kind === b.target_kind) return a.target_id === b.target_id;
  return a.pool_id !== null && a.pool_id === b.pool_id;
}
