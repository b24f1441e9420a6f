import type { StateDatabase, StateTransaction } from '#storage';
import { backoffMs, type Clock, OmoiError, type Random } from '#telemetry';
import type { ActionLimits } from '../actions/action-limits.ts';
import { countAttempt, finishAction, putOff, readAction, type ActionRow } from '../actions/action-rows.ts';
import type { OrderResult, StepOrder } from '../actions/step-order.ts';
import { decide } from '../guards/guards.ts';
import type { PolicyBook } from '../policies/policy-book.ts';
import type { Policy, PolicyStep } from '../policies/policy.ts';
import { readPlan, type RemediationPlan } from '../policies/remediation-plan.ts';
import type { AlertReader, AlertFacts, FleetActuator } from '../ports.ts';
import type { StateBook } from '../state-book.ts';
import type { WatchdogCounters } from '../watchdog-counters.ts';
import type { RemediationLog } from './remediation-log.ts';
import type { RemediationSpans } from './remediation-spans.ts';
import type { Outcome, Remediation } from './remediation.ts';
import { readStanding } from './standing.ts';
import { judgeStep } from './verdict.ts';

export interface CourseParts {
  readonly database: StateDatabase;
  readonly clock: Clock;
  readonly random: Random;
  readonly fleet: FleetActuator;
  readonly alerts: AlertReader;
  readonly log: RemediationLog;
  readonly spans: RemediationSpans;
  readonly policies: PolicyBook;
  readonly states: StateBook;
  readonly counters: WatchdogCounters;
  readonly limits: ActionLimits;
  /** Whether much of the fleet is sick right now. */
  readonly storm: () => { readonly reason: string } | null;
  readonly suspectUntilMs: () => number;
}

/** What follows from one transition. */
export type Next =
  | { readonly kind: 'again' }
  /** Until an event or, where a time is given, until it has passed. */
  | { readonly kind: 'wait'; readonly waitMs: number | null }
  | { readonly kind: 'order'; readonly order: StepOrder }
  /** Null where the row is gone. */
  | { readonly kind: 'ended'; readonly remediation: Remediation | null };

const AGAIN: Next = { kind: 'again' };

/**
 * The transitions of remediations. Each is one transaction; nothing is asked of the fleet in here but what it knows
 * from memory. Whoever calls sees to it that no two transitions overlap.
 */
export class RemediationCourse {
  readonly #parts: CourseParts;

  constructor(parts: CourseParts) {
    this.#parts = parts;
  }

  /** Makes the next transition of a remediation, if there is one now. */
  async next(id: string): Promise<Next> {
    const { log, alerts } = this.#parts;
    const remediation = await log.find(id);
    if (!remediation) return { kind: 'ended', remediation: null };
    const alert = await alerts.get(remediation.alert_id);
    switch (remediation.state) {
      case 'planned':
        return isOver(alert) ? this.#withdraw(remediation) : this.#decide(remediation, alert);
      case 'awaiting_approval':
        return isOver(alert) ? this.#withdraw(remediation) : this.#await(remediation);
      case 'executing':
        return this.#execute(remediation, alert);
      case 'verifying':
        return this.#verify(remediation, alert);
      case 'completed':
      case 'escalated':
      case 'cancelled':
        return { kind: 'ended', remediation };
    }
  }

  /** Records what came of an order. */
  async settle({ remediation, step, action, kind }: StepOrder, result: OrderResult): Promise<Next> {
    const { database, log, counters } = this.#parts;
    if (result.kind === 'done') {
      if (kind === 'act') counters.acted(step.action, 'done');
      await database.transaction((tx) => log.acted(tx, remediation, { step, action, done: result }));
      return AGAIN;
    }
    if (kind === 'look' || result.kind === 'not_done') return this.#lookedInVain(remediation, action, result);
    const mayRepeat = result.kind === 'unknown' || result.retryable;
    if (mayRepeat && action.attempts < this.#parts.limits.maxAttempts) {
      counters.acted(step.action, 'retried');
      return this.#putOff(action, result);
    }
    counters.acted(step.action, result.kind);
    const { message: detail } = result;
    if (result.kind === 'failed') {
      return database.transaction(async (tx) => {
        await finishAction(tx, action, { result: 'failed', detail });
        return this.#stepOver(tx, remediation, { outcome: 'failed', reason: detail });
      });
    }
    await database.transaction((tx) =>
      putOff(tx, action, { result: 'unknown', detail, nextAttemptAtMs: tx.nowMs }),
    );
    return AGAIN;
  }

  /** Ends a remediation that awaits approval, or lets it go on. @throws OmoiError `unknown_remediation`, `remediation_settled` */
  async answer(id: string, answer: { readonly approved: boolean; readonly by: string }): Promise<Next> {
    const { database, log } = this.#parts;
    const remediation = await log.find(id);
    if (!remediation) throw new OmoiError('unknown_remediation', `there is no remediation ${id}`);
    if (remediation.state !== 'awaiting_approval') {
      const message = `remediation ${id} is ${remediation.state}, not awaiting_approval`;
      throw new OmoiError('remediation_settled', message);
    }
    if (!answer.approved) return this.#cancel(remediation, `rejected by ${answer.by}`);
    await database.transaction((tx) => log.proceed(tx, remediation, answer.by));
    return AGAIN;
  }

  /** Whether it may run is what the policy says now; what would run was written down when it was planned. */
  async #decide(remediation: Remediation, alert: AlertFacts): Promise<Next> {
    const { database, policies } = this.#parts;
    const policy = policies.get(remediation.policy);
    if (!policy) return this.#cancel(remediation, 'its policy is gone');
    const { step } = planOf(remediation);
    return database.transaction((tx) => this.#decideIn(tx, remediation, { policy, step, alert }));
  }

  async #decideIn(
    tx: StateTransaction,
    planned: Remediation,
    {
      policy,
      step,
      alert,
    }: { readonly policy: Policy; readonly step: PolicyStep; readonly alert: AlertFacts },
  ): Promise<Next> {
    const { log, states, fleet } = this.#parts;
    const agent = planned.target_kind === 'agent' ? fleet.agent(planned.target_id) : null;
    const remediation = await log.noteGeneration(tx, planned, agent);
    const { generation_since_ms: generationSinceMs } = remediation;
    const standing = await readStanding(tx, remediation, tx.nowMs - policy.guards.window);
    const suppression = decide({
      nowMs: tx.nowMs,
      policy,
      paused: states.get('paused'),
      storm: this.#parts.storm(),
      suspectUntilMs: this.#parts.suspectUntilMs(),
      busyWith: standing.busyWith,
      lastEndedAtMs: standing.lastEndedAtMs,
      running: standing.running,
      startsInWindowMs: standing.startsMs,
      agent,
      // A restart by somebody else gets as long to take effect as one of the policy's own.
      newGenerationUntilMs: generationSinceMs === null ? null : generationSinceMs + step.verify.within,
    });
    if (suppression) {
      await log.suppress(tx, remediation, suppression);
      return wait(suppression.untilMs === null ? null : suppression.untilMs - tx.nowMs);
    }
    if (policy.mode === 'approve' && remediation.approved_by === null) {
      await log.awaitApproval(tx, remediation);
      return wait(null);
    }
    const expectedGeneration = agent?.generation ?? null;
    await log.start(tx, remediation, { step, value: alert.value, expectedGeneration });
    return AGAIN;
  }

  async #await(remediation: Remediation): Promise<Next> {
    const { database, log, policies } = this.#parts;
    const policy = policies.get(remediation.policy);
    if (!policy) return this.#cancel(remediation, 'its policy is gone');
    if (policy.mode === 'approve') return wait(null);
    await database.transaction((tx) => log.proceed(tx, remediation, null));
    return AGAIN;
  }

  /**
   * A step has started. What stands in the intent is ordered once more after a crash, too, but never for an alert
   * that has ended: then it is only looked whether it was done.
   */
  async #execute(remediation: Remediation, alert: AlertFacts | null): Promise<Next> {
    const { database, limits } = this.#parts;
    const { step } = planOf(remediation);
    const action = await readAction(database.reader, remediation);
    if (isOver(alert) && action.attempts === 0) return this.#takeBack(remediation, action);
    if (isOver(alert) || action.attempts >= limits.maxAttempts) {
      return { kind: 'order', order: { remediation, step, action, kind: 'look' } };
    }
    return database.transaction(async (tx) => {
      const leftMs = (action.next_attempt_at_ms ?? 0) - tx.nowMs;
      if (leftMs > 0) return wait(leftMs);
      const counted = await countAttempt(tx, action);
      return { kind: 'order', order: { remediation, step, action: counted, kind: 'act' } };
    });
  }

  /** An attempt failed, or gave no answer: another one follows. */
  async #putOff(action: ActionRow, result: Extract<OrderResult, { message: string }>): Promise<Next> {
    const { database, random, limits } = this.#parts;
    const delayMs = backoffMs(
      action.attempts,
      { firstMs: limits.minRetryDelayMs, maxMs: limits.maxRetryDelayMs },
      random,
    );
    await database.transaction((tx) =>
      putOff(tx, action, {
        result: result.kind === 'unknown' ? 'unknown' : null,
        detail: result.message,
        nextAttemptAtMs: Math.round(tx.nowMs + delayMs),
      }),
    );
    return wait(delayMs);
  }

  /** No attempt is seen to have done it, and none follows: the alert has ended, or there were too many. */
  async #lookedInVain(remediation: Remediation, action: ActionRow, result: OrderResult): Promise<Next> {
    const { database, alerts, counters } = this.#parts;
    // An attempt without an answer may still take effect.
    const isKnown = result.kind === 'not_done' && action.result !== 'unknown';
    if (isOver(await alerts.get(remediation.alert_id))) {
      if (isKnown) return this.#takeBack(remediation, action);
      const reason = 'the alert resolved; whether the step was done is not known';
      return this.#end(remediation, { state: 'completed', outcome: 'unknown', reason }, action);
    }
    const reason = `no answer after ${action.attempts} attempts: ${action.detail ?? 'each was interrupted'}`;
    return database.transaction(async (tx) => {
      tx.afterCommit(() => counters.acted(planOf(remediation).step.action, 'unknown'));
      await finishAction(tx, action, { result: 'unknown', detail: reason });
      return this.#stepOver(tx, remediation, { outcome: 'unknown', reason });
    });
  }

  async #verify(remediation: Remediation, alert: AlertFacts | null): Promise<Next> {
    const { database, spans } = this.#parts;
    const { verdict, next } = await database.transaction(async (tx) => {
      const judged = judgeStep(remediation, alert, tx.nowMs);
      return { verdict: judged, next: await this.#follow(tx, remediation, judged) };
    });
    if (verdict.kind !== 'open') {
      spans.verified(remediation, { outcome: verdict.outcome, isVain: verdict.kind === 'vain' });
    }
    return next;
  }

  async #follow(
    tx: StateTransaction,
    remediation: Remediation,
    verdict: ReturnType<typeof judgeStep>,
  ): Promise<Next> {
    switch (verdict.kind) {
      case 'open':
        return wait(verdict.leftMs);
      case 'over': {
        const { outcome, reason } = verdict;
        const ended = await this.#parts.log.end(tx, remediation, { state: 'completed', outcome, reason });
        return { kind: 'ended', remediation: ended };
      }
      case 'vain': {
        const reason = `the alert still fires after ${planOf(remediation).step.action}`;
        return this.#stepOver(tx, remediation, { outcome: verdict.outcome, reason });
      }
    }
  }

  /** A step did not help: the next one, or the guardian. */
  async #stepOver(
    tx: StateTransaction,
    remediation: Remediation,
    because: { readonly outcome: Outcome; readonly reason: string },
  ): Promise<Next> {
    const { log } = this.#parts;
    const { steps, guardian } = planOf(remediation);
    if (remediation.step + 1 < steps.length) {
      await log.nextStep(tx, remediation, because.outcome);
      return AGAIN;
    }
    const ended = await log.end(tx, remediation, { state: 'escalated', guardian, ...because });
    return { kind: 'ended', remediation: ended };
  }

  /** The alert ended while nothing was being done about it. */
  #withdraw(remediation: Remediation): Promise<Next> {
    if (remediation.step === 0) {
      return this.#cancel(remediation, 'the alert resolved before anything was done');
    }
    const reason = `the alert resolved after ${remediation.reason ?? 'a step'}, before the next step`;
    return this.#end(remediation, { state: 'completed', outcome: 'unknown', reason });
  }

  /** The alert ended after the step had started, and before it was done. */
  #takeBack(remediation: Remediation, action: ActionRow): Promise<Next> {
    if (remediation.step > 0) {
      const reason = `the alert resolved after ${remediation.reason ?? 'a step'}, before the next step was done`;
      return this.#end(remediation, { state: 'completed', outcome: 'unknown', reason }, action);
    }
    const reason = 'the alert resolved before the step was done';
    return this.#end(remediation, { state: 'cancelled', outcome: 'cancelled', reason }, action);
  }

  #cancel(remediation: Remediation, reason: string): Promise<Next> {
    return this.#end(remediation, { state: 'cancelled', outcome: 'cancelled', reason });
  }

  /** @param action the intent that is not followed any more */
  async #end(
    remediation: Remediation,
    ending: {
      readonly state: 'completed' | 'cancelled';
      readonly outcome: Outcome;
      readonly reason: string;
    },
    action: ActionRow | null = null,
  ): Promise<Next> {
    const { database, log } = this.#parts;
    const ended = await database.transaction(async (tx) => {
      const result = ending.outcome === 'unknown' && action?.result === 'unknown' ? 'unknown' : 'withdrawn';
      if (action) await finishAction(tx, action, { result, detail: action.detail ?? ending.reason });
      return log.end(tx, remediation, ending);
    });
    return { kind: 'ended', remediation: ended };
  }
}

function wait(waitMs: number | null): Next {
  return { kind: 'wait', waitMs };
}

function isOver(alert: AlertFacts | null): alert is null | (AlertFacts & { readonly state: 'resolved' }) {
  return alert === null || alert.state === 'resolved';
}

function planOf(remediation: Remediation): RemediationPlan & { readonly step: PolicyStep } {
  const plan = readPlan(remediation.plan);
  const step = plan.steps[remediation.step];
  if (!step) throw new Error(`the plan of remediation ${remediation.id} has no step ${remediation.step + 1}`);
  return { ...plan, step };
}
