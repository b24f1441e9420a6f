import type { EventBus } from '#eventbus';
import type { StateDatabase, StateTransaction } from '#storage';
import { createId, toRfc3339, type NewSystemEvent, type Random } from '#telemetry';
import { finishAction, insertIntent, type ActionRow } from '../actions/action-rows.ts';
import type { Done } from '../actions/action.ts';
import type { Suppression } from '../guards/guards.ts';
import type { Policy, PolicyStep } from '../policies/policy.ts';
import { writePlan } from '../policies/remediation-plan.ts';
import type { Target } from '../policies/target.ts';
import type { AgentFacts, AlertFacts } from '../ports.ts';
import type { WatchdogCounters } from '../watchdog-counters.ts';
import {
  mayBecome,
  OPEN_STATES,
  remediationRef,
  type Ending,
  type Outcome,
  type Remediation,
  type RemediationState,
} from './remediation.ts';

export interface RemediationLogParts {
  readonly database: StateDatabase;
  readonly bus: EventBus;
  readonly random: Random;
  readonly counters: WatchdogCounters;
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
      readonly policy: Policy;
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
        policy: plan.policy.name,
        alert_id: alert.alertId,
        rule_id: alert.ruleId,
        target_kind: target.kind,
        target_id: target.id,
        pool_id: target.poolId,
        state: 'planned',
        plan: writePlan(plan.policy),
        step: 0,
        outcome: null,
        generation: target.kind === 'agent' ? target.generation : null,
        generation_since_ms: target.kind === 'agent' && target.spawning ? tx.nowMs : null,
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

  /** Notes a generation that came up since the remediation last looked, and that it had not asked for. */
  async noteGeneration(
    tx: StateTransaction,
    remediation: Remediation,
    agent: AgentFacts | null,
  ): Promise<Remediation> {
    if (!agent || remediation.generation === null || agent.generation <= remediation.generation) {
      return remediation;
    }
    const noted = { generation: agent.generation, generation_since_ms: tx.nowMs };
    await tx.db.updateTable('remediations').set(noted).where('id', '=', remediation.id).execute();
    return { ...remediation, ...noted };
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
    tx.afterCommit(() => this.#parts.counters.suppressed(guard));
  }

  /** Starts a step: the intent is on disk before anything is done. */
  async start(
    tx: StateTransaction,
    remediation: Remediation,
    begin: {
      readonly step: PolicyStep;
      /** Of the alert. */
      readonly value: number;
      /** The generation that the agent has now; null for a pool. */
      readonly expectedGeneration: number | null;
    },
  ): Promise<void> {
    await insertIntent(tx, remediation, begin);
    await this.#move(tx, remediation, 'executing', {
      step_started_at_ms: tx.nowMs,
      value_before: Number.isFinite(begin.value) ? begin.value : null,
    });
    const payload = { ...remediationRef(remediation), step: begin.step.action };
    if (remediation.step === 0) {
      await this.#append(tx, remediation, { event_type: 'watchdog.remediation.started', payload });
    } else {
      await this.#changed(tx, remediation, { to: 'executing', step: begin.step.action });
    }
  }

  async awaitApproval(tx: StateTransaction, remediation: Remediation): Promise<void> {
    await this.#move(tx, remediation, 'awaiting_approval', {});
    await this.#changed(tx, remediation, { to: 'awaiting_approval', step: null });
  }

  /** Nobody need be asked any more. @param approvedBy who has approved; null where the policy stopped asking */
  async proceed(
    tx: StateTransaction,
    remediation: Remediation,
    approvedBy: string | null,
  ): Promise<Remediation> {
    const planned = await this.#move(tx, remediation, 'planned', { approved_by: approvedBy });
    await this.#changed(tx, remediation, { to: 'planned', step: null });
    return planned;
  }

  /** The step's action was done; from now on its effect is watched. */
  async acted(
    tx: StateTransaction,
    remediation: Remediation,
    acted: { readonly step: PolicyStep; readonly action: ActionRow; readonly done: Done },
  ): Promise<void> {
    const { step, action, done } = acted;
    await finishAction(tx, action, { result: 'done', detail: done.detail });
    await this.#move(tx, remediation, 'verifying', {
      verify_until_ms: tx.nowMs + step.verify.within,
      generation: done.generation,
      generation_since_ms: null,
    });
    await this.#changed(tx, remediation, { to: 'verifying', step: step.action });
  }

  /** The step did not help: back to planned, for the next one. */
  async nextStep(tx: StateTransaction, remediation: Remediation, outcome: Outcome): Promise<void> {
    await this.#move(tx, remediation, 'planned', {
      step: remediation.step + 1,
      reason: `step ${remediation.step + 1}: ${outcome}`,
      verify_until_ms: null,
    });
    await this.#changed(tx, remediation, { to: 'planned', step: null });
  }

  /** Ends a remediation: completed, escalated or cancelled. */
  async end(tx: StateTransaction, remediation: Remediation, ending: Ending): Promise<Remediation> {
    const ended = await this.#move(tx, remediation, ending.state, {
      outcome: ending.outcome,
      reason: ending.reason,
      ended_at_ms: tx.nowMs,
    });
    const ref = remediationRef(remediation);
    if (ending.state === 'escalated') {
      const { policy, alert_id, target } = ref;
      await this.#append(tx, remediation, {
        event_type: 'watchdog.escalated',
        payload: { alert_id, policy, target, guardian: ending.guardian, reason: ending.reason },
      });
    }
    await this.#append(tx, remediation, {
      event_type: 'watchdog.remediation.completed',
      payload: { ...ref, outcome: ending.outcome, duration_ms: tx.nowMs - remediation.planned_at_ms },
    });
    tx.afterCommit(() => this.#parts.counters.ended(ending.outcome));
    return ended;
  }

  find(id: string): Promise<Remediation | undefined> {
    const { reader } = this.#parts.database;
    return reader.selectFrom('remediations').selectAll().where('id', '=', id).executeTakeFirst();
  }

  async open(): Promise<readonly Remediation[]> {
    return this.#parts.database.reader
      .selectFrom('remediations')
      .selectAll()
      .where('state', 'in', OPEN_STATES)
      .orderBy('planned_at_ms')
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
