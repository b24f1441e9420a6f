import type { EventBus } from '#eventbus';
import type { StateDatabase, StateTransaction } from '#storage';
import {
  allSettled,
  createId,
  momentOf,
  OPEN_REMEDIATION_STATES,
  toRfc3339OrNull,
  type Clock,
  type Moment,
  type NewSystemEvent,
  type Random,
  type RemediationOutcome,
  type RemediationState,
} from '#telemetry';
import { finishAction, insertIntent, type ActionRow, type PassedGuard } from '../actions/action-rows.ts';
import type { Done } from '../actions/action.ts';
import type { PolicyStep } from '../actions/actions.ts';
import type { Suppression } from '../guards/guards.ts';
import type { AgentFacts, AlertFacts } from '../ports.ts';
import type { WatchdogCounters } from '../watchdog-counters.ts';
import { readLastEnd, type LastEnd } from './lineage.ts';
import { insertPlanned, plannedRemediation, type WantedRemediation } from './planned-remediations.ts';
import { mayBecome, alertNameOf, remediationRef, type Ending, type Remediation } from './remediation.ts';
import type { RepairSlots } from './repair-slots.ts';
import type { RecordedSuppression } from './transition.ts';

export interface RemediationLogParts {
  readonly database: StateDatabase;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly random: Random;
  readonly counters: WatchdogCounters;
  /** Told of each transition that is on disk. */
  readonly slots: RepairSlots;
}

/** A suppression's reason and end as they are shown are no older than this. */
const MAX_SUPPRESSION_AGE_MS = 30_000;
/** Plans, evidence and last outputs of so many take some megabytes at most. */
const maxRowsPerRead = 200;

/** What changes with a transition. */
type Change = Partial<Omit<Remediation, 'id' | 'state' | 'updated_at_ms'>>;

/** What is known of a step that did not help. */
export interface FailedStep {
  readonly outcome: RemediationOutcome;
  readonly reason: string;
  /** The end of what the process put out that did not come up. */
  readonly lastOutput: string | null;
}

/** The durable record of remediations: every transition is one transaction with its event. */
export class RemediationLog {
  readonly #parts: RemediationLogParts;

  constructor(parts: RemediationLogParts) {
    this.#parts = parts;
  }

  /**
   * Plans remediations, once for each policy, alert and target. They carry their alert's trace until they have a span of
   * their own.
   * @returns all of them, and once they are written those that had not been planned before
   */
  plan(
    tx: StateTransaction,
    wanted: readonly WantedRemediation[],
  ): { readonly planned: readonly Remediation[]; readonly written: Promise<readonly Remediation[]> } {
    const { random } = this.#parts;
    const now = this.now(tx);
    const planned = wanted.map((one) => plannedRemediation(one, now, createId('rem', now.wallMs, random)));
    return { planned, written: insertPlanned(tx, planned) };
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
    const noted = {
      generation: agent.generation,
      generation_since_ms: tx.nowMs,
      updated_at_ms: tx.nowMs,
      ...stampOf(this.now(tx)),
    };
    await tx.db.updateTable('remediations').set(noted).where('id', '=', remediation.id).execute();
    return { ...remediation, ...noted };
  }

  /** Now, by the transaction's time and the boot clock. */
  now(tx: StateTransaction): Moment {
    return momentOf(this.#parts.clock, tx.nowMs);
  }

  /** The last remediation of the same policy on the same target that acted; null where it never did. */
  lastEnd(tx: StateTransaction, remediation: Remediation): Promise<LastEnd | null> {
    return readLastEnd(tx, remediation, this.now(tx));
  }

  /** What a remediation had healed has come back. */
  async relapsed(tx: StateTransaction, remediation: Remediation, last: LastEnd): Promise<void> {
    const outcome = 'relapsed';
    const reason = `${last.reason ?? ''}; ${alertNameOf(remediation.rule_id)} came back on ${remediation.target_kind} ${remediation.target_id}`;
    const { policy, target } = remediationRef(remediation);
    const ref = { remediation_id: last.id, policy, alert_id: last.alertId, target };
    await allSettled([
      tx.db.updateTable('remediations').set({ outcome, reason }).where('id', '=', last.id).execute(),
      this.#parts.bus.append(tx, {
        event_type: 'watchdog.remediation.completed',
        entity_type: 'remediation',
        entity_id: last.id,
        payload: { ...ref, outcome, duration_ms: last.durationMs },
        traceparent: remediation.traceparent,
      }),
    ]);
    tx.afterCommit(() => this.#parts.counters.ended(outcome));
  }

  /**
   * Records that a guard holds a remediation back: one row a guard, written when it begins to hold and after that at
   * most every 30 s, where its reason or end has changed. The event is sent when the guard is new to the remediation.
   * @param held what is on record of the guard that held it back before
   */
  async suppress(
    tx: StateTransaction,
    remediation: Remediation,
    { suppression, held }: { readonly suppression: Suppression; readonly held: RecordedSuppression | null },
  ): Promise<RecordedSuppression> {
    const { suppressed: guard, reason, untilMs } = suppression;
    const isKnown = held?.suppressed === guard;
    const isSame = isKnown && held.reason === reason && held.untilMs === untilMs;
    if (isSame || (isKnown && tx.nowMs - held.recordedAtMs < MAX_SUPPRESSION_AGE_MS)) return held;
    const recorded = { ...suppression, recordedAtMs: tx.nowMs };
    const row = { reason, last_at_ms: tx.nowMs, until_ms: untilMs };
    const added = await tx.db
      .insertInto('watchdog_suppressions')
      .values({ ...row, remediation_id: remediation.id, guard, first_at_ms: tx.nowMs, count: 1 })
      .onConflict((conflict) => conflict.columns(['remediation_id', 'guard']).doNothing())
      .returning('guard')
      .executeTakeFirst();
    if (!added) {
      await tx.db
        .updateTable('watchdog_suppressions')
        .set((expression) => ({ ...row, count: expression('count', '+', isKnown ? 0 : 1) }))
        .where('remediation_id', '=', remediation.id)
        .where('guard', '=', guard)
        .execute();
      return recorded;
    }
    const { policy, alert_id, target } = remediationRef(remediation);
    const until = toRfc3339OrNull(untilMs);
    await this.#append(tx, remediation, {
      event_type: 'watchdog.remediation.suppressed',
      payload: { policy, alert_id, target, guard, reason, until },
    });
    tx.afterCommit(() => this.#parts.counters.suppressed(guard));
    return recorded;
  }

  /** Tells for each alert that nothing is planned, since no action could be taken on its target. */
  async impossible(
    tx: StateTransaction,
    alerts: readonly {
      readonly policy: string;
      readonly alert: Pick<AlertFacts, 'alertId' | 'traceparent'>;
      readonly target: string;
      readonly message: string;
    }[],
  ): Promise<void> {
    if (alerts.length === 0) return;
    const { bus, counters } = this.#parts;
    const guard = 'not_managed';
    const events = alerts.map(({ policy, alert: { alertId, traceparent }, target, message: reason }) => ({
      event_type: 'watchdog.remediation.suppressed' as const,
      entity_type: 'alert',
      entity_id: alertId,
      payload: { policy, alert_id: alertId, target, guard, reason, until: null } as const,
      traceparent,
    }));
    await bus.append(tx, ...events);
    tx.afterCommit(() => {
      for (let told = 0; told < events.length; told++) counters.suppressed(guard);
    });
  }

  /** Starts a step: the intent and its first attempt are on disk before anything is done. */
  async start(
    tx: StateTransaction,
    remediation: Remediation,
    begin: {
      readonly step: PolicyStep;
      /** Of the lineage, this one included. */
      readonly attempts: number;
      /** Behind all of the lineage that have ended. */
      readonly lineageOrder: number;
      readonly evidence: string;
      /** Of the alert. */
      readonly value: number;
      /** The generation that the agent has now; null for a pool. */
      readonly expectedGeneration: number | null;
      /** What each guard saw that let it begin. */
      readonly passed: readonly PassedGuard[];
    },
  ): Promise<{ readonly executing: Remediation; readonly action: ActionRow }> {
    const payload = { ...remediationRef(remediation), step: begin.step.action };
    // None waits for another's answer, here and below: they go to the database together.
    const [executing, action] = await allSettled([
      this.#move(tx, remediation, 'executing', {
        step_started_at_ms: tx.nowMs,
        value_before: Number.isFinite(begin.value) ? begin.value : null,
        step: remediation.step,
        attempts: begin.attempts,
        lineage_order: begin.lineageOrder,
        certain: remediation.certain,
        evidence: begin.evidence,
      }),
      insertIntent(tx, remediation, { ...begin, now: this.now(tx) }),
      remediation.step_started_at_ms === null
        ? this.#append(tx, remediation, { event_type: 'watchdog.remediation.started', payload })
        : this.#changed(tx, remediation, { to: 'executing', step: begin.step.action }),
    ]);
    return { executing, action };
  }

  async awaitApproval(tx: StateTransaction, remediation: Remediation): Promise<Remediation> {
    const [waiting] = await allSettled([
      this.#move(tx, remediation, 'awaiting_approval', {}),
      this.#changed(tx, remediation, { to: 'awaiting_approval', step: null }),
    ]);
    return waiting;
  }

  /** Nobody need be asked any more. @param approvedBy who has approved; null where the policy stopped asking */
  async proceed(
    tx: StateTransaction,
    remediation: Remediation,
    approvedBy: string | null,
  ): Promise<Remediation> {
    const [planned] = await allSettled([
      this.#move(tx, remediation, 'planned', { approved_by: approvedBy }),
      this.#changed(tx, remediation, { to: 'planned', step: null }),
    ]);
    return planned;
  }

  /** The step's action was done; from now on its effect is watched. */
  async acted(
    tx: StateTransaction,
    remediation: Remediation,
    acted: { readonly step: PolicyStep; readonly action: ActionRow; readonly done: Done },
  ): Promise<Remediation> {
    const { step, action, done } = acted;
    const [verifying] = await allSettled([
      this.#move(tx, remediation, 'verifying', {
        verify_until_ms: tx.nowMs + step.verify.within,
        generation: done.generation,
        generation_since_ms: null,
      }),
      finishAction(tx, action, { result: 'done', detail: done.detail }),
      this.#changed(tx, remediation, { to: 'verifying', step: step.action }),
    ]);
    return verifying;
  }

  /** The step's effect shows: it is watched for as long again, from the value that the alert has now. */
  async watchOn(
    tx: StateTransaction,
    remediation: Remediation,
    again: { readonly value: number; readonly withinMs: number },
  ): Promise<Remediation> {
    const change = {
      value_before: again.value,
      verify_until_ms: tx.nowMs + again.withinMs,
      updated_at_ms: tx.nowMs,
      ...stampOf(this.now(tx)),
    };
    await tx.db.updateTable('remediations').set(change).where('id', '=', remediation.id).execute();
    return { ...remediation, ...change };
  }

  /** The step did not help: back to planned, for the next one. */
  nextStep(tx: StateTransaction, remediation: Remediation, failed: FailedStep): Promise<Remediation> {
    return this.#planAgain(tx, remediation, { failed, change: { step: remediation.step + 1 } });
  }

  /** No step helped: back to planned, until no guard holds back that the guardian is told. */
  giveUpLater(tx: StateTransaction, remediation: Remediation, failed: FailedStep): Promise<Remediation> {
    return this.#planAgain(tx, remediation, { failed, change: { given_up_as: failed.outcome } });
  }

  /** It was to be given up, and a task turned out to have ended its agent: its last step is repeated. */
  async goOn(tx: StateTransaction, remediation: Remediation): Promise<Remediation> {
    const change = {
      given_up_as: null,
      step: remediation.step + 1,
      updated_at_ms: tx.nowMs,
      ...stampOf(this.now(tx)),
    };
    await tx.db.updateTable('remediations').set(change).where('id', '=', remediation.id).execute();
    return { ...remediation, ...change };
  }

  async #planAgain(
    tx: StateTransaction,
    remediation: Remediation,
    { failed, change }: { readonly failed: FailedStep; readonly change: Change },
  ): Promise<Remediation> {
    const [planned] = await allSettled([
      this.#move(tx, remediation, 'planned', {
        ...change,
        reason: `step ${remediation.step + 1}: ${failed.outcome}: ${failed.reason}`,
        last_output: failed.lastOutput,
        verify_until_ms: null,
      }),
      this.#changed(tx, remediation, { to: 'planned', step: null }),
    ]);
    return planned;
  }

  /** Ends a remediation: completed, escalated or cancelled. */
  async end(tx: StateTransaction, remediation: Remediation, ending: Ending): Promise<Remediation> {
    const { policy, alert_id, target, ...ref } = remediationRef(remediation);
    const about = { policy, alert_id, target };
    const completed = {
      ...about,
      ...ref,
      outcome: ending.outcome,
      duration_ms: tx.nowMs - remediation.planned_at_ms,
    };
    const [ended] = await allSettled([
      this.#move(tx, remediation, ending.state, {
        outcome: ending.outcome,
        reason: ending.reason,
        last_output: ending.lastOutput ?? remediation.last_output,
        ended_at_ms: tx.nowMs,
      }),
      ending.state === 'escalated' &&
        this.#append(tx, remediation, {
          event_type: 'watchdog.escalated',
          payload: {
            ...about,
            guardian: ending.guardian,
            reason: ending.reason,
            last_output: ending.lastOutput ?? remediation.last_output,
          },
        }),
      this.#append(tx, remediation, { event_type: 'watchdog.remediation.completed', payload: completed }),
    ]);
    tx.afterCommit(() => this.#parts.counters.ended(ending.outcome));
    return ended;
  }

  find(id: string): Promise<Remediation | undefined> {
    const { reader } = this.#parts.database;
    return reader.selectFrom('remediations').selectAll().where('id', '=', id).executeTakeFirst();
  }

  /** Which of these stand on disk, as a transaction sees it. @returns their ids */
  async writtenAmong(tx: StateTransaction, ids: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await tx.db.selectFrom('remediations').select('id').where('id', 'in', ids).execute();
    return new Set(rows.map(({ id }) => id));
  }

  /** The ids of those that have not ended, in the order in which they were planned: `maxOpenRemediations` at most. */
  async openIds(): Promise<readonly string[]> {
    const rows = await this.#parts.database.reader
      .selectFrom('remediations')
      .select('id')
      .where('state', 'in', OPEN_REMEDIATION_STATES)
      .orderBy('id')
      .execute();
    return rows.map(({ id }) => id);
  }

  /** Those of the ids that have not ended, in their order. Each carries its plan, so that a few are read at a time. */
  async open(ids: readonly string[]): Promise<readonly Remediation[]> {
    const found: Remediation[] = [];
    for (let at = 0; at < ids.length; at += maxRowsPerRead) {
      const rows = await this.#parts.database.reader
        .selectFrom('remediations')
        .selectAll()
        .where('id', 'in', ids.slice(at, at + maxRowsPerRead))
        .where('state', 'in', OPEN_REMEDIATION_STATES)
        .orderBy('id')
        .execute();
      found.push(...rows);
    }
    return found;
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
    const { traceparent } = remediation;
    const moved = { ...change, state, traceparent, updated_at_ms: tx.nowMs, ...stampOf(this.now(tx)) };
    await tx.db.updateTable('remediations').set(moved).where('id', '=', remediation.id).execute();
    const after = { ...remediation, ...moved };
    tx.afterCommit(() => this.#parts.slots.update(after));
    return after;
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

/** A moment as a row keeps it beside its wall time. */
function stampOf({ bootMs, bootId }: Moment): { readonly boot_ms: number; readonly boot_id: string } {
  return { boot_ms: Math.trunc(bootMs), boot_id: bootId };
}
