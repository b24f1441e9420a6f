import type { StateTransaction } from '#storage';
import { backoffMs, type Clock, type Random } from '#telemetry';
import type { ActionLimits } from '../actions/action-limits.ts';
import {
  countAttempt,
  finishAction,
  putOff,
  readAction,
  sinceIntentMs,
  type ActionRow,
} from '../actions/action-rows.ts';
import type { PolicyStep } from '../actions/actions.ts';
import type { OrderResult, StepOrder } from '../actions/step-order.ts';
import type { AgentFacts, AlertFacts, AlertReader, FleetActuator } from '../ports.ts';
import type { WatchdogCounters } from '../watchdog-counters.ts';
import type { ProvenHealth } from './proven-health.ts';
import type { RemediationDecisions } from './remediation-decisions.ts';
import type { FailedStep, RemediationLog } from './remediation-log.ts';
import type { RemediationSpans } from './remediation-spans.ts';
import type { Ending, Remediation } from './remediation.ts';
import { again, isOver, planOf, wait, type Next, type RecordedSuppression } from './transition.ts';
import {
  healthyForMsOf,
  judgeRestart,
  judgeScale,
  outcomeBetweenSteps,
  withdrawalOf,
  type Verdict,
} from './verdict.ts';

export interface StepParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly alerts: AlertReader;
  readonly log: RemediationLog;
  readonly spans: RemediationSpans;
  readonly counters: WatchdogCounters;
  readonly limits: ActionLimits;
  readonly fleet: FleetActuator;
  readonly health: ProvenHealth;
}

export type StepDecisions = Pick<RemediationDecisions, 'holdBack' | 'holdsGivingUp' | 'holdsRepeating'>;

/** What a verification goes by, beside what the fleet knows. */
interface Seen {
  readonly alert: AlertFacts | null;
  /** What an agent that is not well put out last; empty where there is nothing, null where nobody looked. */
  readonly lastOutput: string | null;
}

/** A step that has started: it is ordered, its answer is recorded, its effect is judged. */
export class RemediationSteps {
  readonly #parts: StepParts;
  readonly #decisions: StepDecisions;
  /** Monotonic. */
  readonly #watchesSinceMs: number;

  constructor(parts: StepParts, decisions: StepDecisions) {
    this.#parts = parts;
    this.#decisions = decisions;
    this.#watchesSinceMs = parts.clock.monotonicMs();
  }

  /**
   * Orders once more what stands in the intent, after a crash or an attempt that failed. It is only looked whether it was done
   * where the alert has ended, where there were enough attempts, and where a guard holds that did not when the step began:
   * then it is ordered once that has lifted.
   */
  async execute(
    tx: StateTransaction,
    remediation: Remediation,
    { alert, held }: { readonly alert: AlertFacts | null; readonly held: RecordedSuppression | null },
  ): Promise<Next> {
    const { step } = planOf(remediation);
    const action = await readAction(tx.db, remediation);
    const look = { kind: 'order', remediation, order: { remediation, step, action, kind: 'look' } } as const;
    if (isOver(alert) || action.attempts >= this.#parts.limits.maxAttempts) return look;
    const repeating = this.#decisions.holdsRepeating(remediation, this.#parts.log.now(tx));
    if (repeating === 'no_policy') return look;
    if (repeating) {
      return held ? this.#decisions.holdBack(tx, remediation, { suppression: repeating, held }) : look;
    }
    const leftMs = this.#untilNextAttemptMs(tx, action);
    if (leftMs > 0) return wait(remediation, leftMs);
    const counted = await countAttempt(tx, action);
    return { kind: 'order', remediation, order: { remediation, step, action: counted, kind: 'act' } };
  }

  /** Both times are kept as they were on the wall clock when the intent was written. */
  #untilNextAttemptMs(tx: StateTransaction, action: ActionRow): number {
    if (action.next_attempt_at_ms === null) return 0;
    return action.next_attempt_at_ms - action.intended_at_ms - sinceIntentMs(action, this.#parts.log.now(tx));
  }

  /** Records what came of an order. */
  async settle(tx: StateTransaction, order: StepOrder, result: OrderResult): Promise<Next> {
    const { remediation, step, action, kind } = order;
    if (result.kind === 'done') {
      if (kind === 'act') this.#count(tx, order, 'done');
      return again(await this.#parts.log.acted(tx, remediation, { step, action, done: result }));
    }
    if (kind === 'look' || result.kind === 'not_done') return this.#lookedInVain(tx, order, result);
    return this.#fellThrough(tx, order, result);
  }

  /** Judges what has become of the step. */
  async verify(tx: StateTransaction, remediation: Remediation, seen: Seen): Promise<Next> {
    const { spans, log, health } = this.#parts;
    const { alert, lastOutput } = seen;
    const { step } = planOf(remediation);
    const verdict = this.#judge(tx, remediation, { alert, step });
    if (verdict.kind === 'open') return wait(remediation, verdict.leftMs);
    if (verdict.kind === 'improving') {
      const { value } = verdict;
      return again(await log.watchOn(tx, remediation, { value, withinMs: step.verify.within }));
    }
    // What the process put out is read before a transaction: the next one has it.
    if (verdict.kind === 'ineffective' && lastOutput === null) return again(remediation);
    const { outcome, reason } = verdict;
    tx.afterCommit(() => {
      health.forget(remediation.target_id);
      spans.verified(remediation, { outcome, isIneffective: verdict.kind === 'ineffective' });
    });
    if (verdict.kind === 'over') {
      return this.#end(tx, remediation, { state: 'completed', outcome, reason });
    }
    const because = { outcome, reason, lastOutput: lastOutput === '' ? null : lastOutput };
    // The symptom is gone, and what caused it is not: the alert that follows counts on where this one ends.
    if (isOver(alert)) return this.#end(tx, remediation, { state: 'completed', ...because });
    return this.#stepOver(tx, remediation, because);
  }

  #judge(
    tx: StateTransaction,
    remediation: Remediation,
    { alert, step }: { readonly alert: AlertFacts | null; readonly step: PolicyStep },
  ): Verdict {
    const { fleet, health, log, clock } = this.#parts;
    const now = log.now(tx);
    const watchedForMs = clock.monotonicMs() - this.#watchesSinceMs;
    if (remediation.target_kind === 'pool') {
      return judgeScale({ remediation, alert, pool: fleet.pool(remediation.target_id), watchedForMs }, now);
    }
    const agent = fleet.agent(remediation.target_id);
    const wellForMs = agent && health.wellForMs(agent);
    const healthyForMs = healthyForMsOf(step.verify.healthy_for, agent);
    return judgeRestart({ remediation, alert, agent, wellForMs, healthyForMs, watchedForMs }, now);
  }

  /** An attempt failed, or gave no answer: another one follows, as long as there may be one. */
  async #fellThrough(
    tx: StateTransaction,
    order: StepOrder,
    result: Extract<OrderResult, { message: string }>,
  ): Promise<Next> {
    const { remediation, action } = order;
    const { message: detail, kind } = result;
    const mayRepeat = kind === 'unknown' || result.retryable;
    if (mayRepeat && action.attempts < this.#parts.limits.maxAttempts) {
      this.#count(tx, order, 'retried');
      return this.#putOff(tx, order, result);
    }
    this.#count(tx, order, kind);
    if (kind === 'failed') {
      await finishAction(tx, action, { result: 'failed', detail });
      const agent = this.#agentOf(remediation);
      const withdrawal = agent && withdrawalOf(agent);
      // Somebody was faster than the order.
      if (withdrawal) {
        const { outcome, reason } = withdrawal;
        return this.#end(tx, remediation, { state: 'completed', outcome, reason });
      }
      return this.#stepOver(tx, remediation, { outcome: 'failed', reason: detail, lastOutput: null });
    }
    await putOff(tx, action, { result: 'unknown', detail, nextAttemptAtMs: action.intended_at_ms });
    return again(remediation);
  }

  async #putOff(
    tx: StateTransaction,
    { remediation, action }: StepOrder,
    result: Extract<OrderResult, { message: string }>,
  ): Promise<Next> {
    const { random, limits } = this.#parts;
    const pauses = { firstMs: limits.minRetryDelayMs, maxMs: limits.maxRetryDelayMs };
    const delayMs = backoffMs(action.attempts, pauses, random);
    const sinceMs = Math.ceil(sinceIntentMs(action, this.#parts.log.now(tx)));
    await putOff(tx, action, {
      result: result.kind === 'unknown' ? 'unknown' : null,
      detail: result.message,
      nextAttemptAtMs: action.intended_at_ms + sinceMs + delayMs,
    });
    return wait(remediation, delayMs);
  }

  /** No attempt is seen to have done it, and none follows for now: the alert has ended, there were too many, or a guard holds. */
  async #lookedInVain(tx: StateTransaction, order: StepOrder, result: OrderResult): Promise<Next> {
    const { remediation, action } = order;
    // An attempt without an answer may still take effect.
    const isKnown = result.kind === 'not_done' && action.result !== 'unknown';
    const alert = await this.#parts.alerts.get(remediation.alert_id, tx);
    if (isOver(alert)) {
      if (isKnown) return this.#takeBack(tx, remediation, { action, alert });
      return this.#abandon(tx, remediation, { action, ending: unknownSince('the alert resolved') });
    }
    if (action.attempts < this.#parts.limits.maxAttempts) {
      const repeating = this.#decisions.holdsRepeating(remediation, this.#parts.log.now(tx));
      if (repeating === 'no_policy') {
        const reason = 'its policy is gone';
        const ending: Ending = isKnown
          ? { state: 'cancelled', outcome: 'cancelled', reason }
          : unknownSince(reason);
        return this.#abandon(tx, remediation, { action, ending });
      }
      if (!repeating) return again(remediation);
      return this.#decisions.holdBack(tx, remediation, { suppression: repeating, held: null });
    }
    const reason = `no answer after ${action.attempts} attempts: ${action.detail ?? 'each was interrupted'}`;
    this.#count(tx, order, 'unknown');
    await finishAction(tx, action, { result: 'unknown', detail: reason });
    return this.#stepOver(tx, remediation, { outcome: 'unknown', reason, lastOutput: null });
  }

  /** The alert ended after the step had started, and before it was done. */
  #takeBack(
    tx: StateTransaction,
    remediation: Remediation,
    { action, alert }: { readonly action: ActionRow; readonly alert: AlertFacts | null },
  ): Promise<Next> {
    if (remediation.reason !== null) {
      const reason = `the alert resolved after ${remediation.reason ?? 'a step'}, before the next step was done`;
      return this.#abandon(tx, remediation, {
        action,
        ending: {
          state: 'completed',
          outcome: outcomeBetweenSteps(remediation, { alert, agent: this.#agentOf(remediation) }),
          reason,
        },
      });
    }
    const reason = 'the alert resolved before the step was done';
    return this.#abandon(tx, remediation, {
      action,
      ending: { state: 'cancelled', outcome: 'cancelled', reason },
    });
  }

  /** Ends a remediation whose intent is not followed any more. */
  async #abandon(
    tx: StateTransaction,
    remediation: Remediation,
    { action, ending }: { readonly action: ActionRow; readonly ending: Ending },
  ): Promise<Next> {
    const result = ending.outcome === 'unknown' && action.result === 'unknown' ? 'unknown' : 'withdrawn';
    await finishAction(tx, action, { result, detail: action.detail ?? ending.reason });
    return this.#end(tx, remediation, ending);
  }

  /** A step did not help: the next one, or the guardian, once no guard says that it is doubtful whether it helped. */
  async #stepOver(tx: StateTransaction, remediation: Remediation, because: FailedStep): Promise<Next> {
    const { log } = this.#parts;
    const { steps, guardian, max_attempts: maxAttempts } = planOf(remediation);
    const { step, attempts } = remediation;
    // What ended again is tried as often as one whose alert went and came back, which repeats the last step: it is by chance
    // which of the two is seen.
    const hasStep = step + 1 < steps.length || this.#hasEndedAgain(remediation, because);
    const mayGoOn = hasStep && attempts < maxAttempts;
    // The new generation got the task that had ended the one before: that is no fault of the step.
    if (mayGoOn || this.#isExplained(remediation)) {
      return again(await log.nextStep(tx, remediation, because));
    }
    const isOpen = (this.#agentOf(remediation)?.suspicionLeftMs ?? 0) > 0;
    if (isOpen || this.#decisions.holdsGivingUp(remediation, log.now(tx))) {
      return again(await log.giveUpLater(tx, remediation, because));
    }
    return this.#end(tx, remediation, { state: 'escalated', guardian, ...because });
  }

  /** Whether the step was done, and the process that it started has ended. */
  #hasEndedAgain(remediation: Remediation, { outcome }: FailedStep): boolean {
    const wasDone = outcome === 'no_effect' || outcome === 'worsened';
    return wasDone && this.#agentOf(remediation)?.status === 'FAILED';
  }

  /** Whether a task explains why the agent is ill again. It is parked after its attempts, so this comes to an end. */
  #isExplained(remediation: Remediation): boolean {
    const agent = this.#agentOf(remediation);
    return agent !== null && agent.blamedTaskId !== null;
  }

  #agentOf({ target_kind: kind, target_id: id }: Remediation): AgentFacts | null {
    return kind === 'agent' ? this.#parts.fleet.agent(id) : null;
  }

  async #end(tx: StateTransaction, remediation: Remediation, ending: Ending): Promise<Next> {
    return { kind: 'ended', remediation: await this.#parts.log.end(tx, remediation, ending) };
  }

  #count(tx: StateTransaction, { step }: StepOrder, result: 'done' | 'failed' | 'unknown' | 'retried'): void {
    tx.afterCommit(() => this.#parts.counters.acted(step.action, result));
  }
}

function unknownSince(why: string): Ending {
  return {
    state: 'completed',
    outcome: 'unknown',
    reason: `${why}; whether the step was done is not known`,
  };
}
