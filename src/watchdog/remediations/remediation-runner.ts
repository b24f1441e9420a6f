import type { StateDatabase } from '#storage';
import {
  messageOf,
  OmoiError,
  type Clock,
  type Logger,
  type SelfMetrics,
  type Span,
  type Timer,
  type Tracing,
} from '#telemetry';
import { act } from '../actions/action.ts';
import type { ScaleClaims } from '../actions/scale-claims.ts';
import { decide } from '../guards/guards.ts';
import type { PolicyBook } from '../policies/policy-book.ts';
import type { Policy, PolicyStep } from '../policies/policy.ts';
import { targetText } from '../policies/target.ts';
import type { AlertBook, AlertFacts, FleetActuator } from '../ports.ts';
import type { StateBook } from '../state-book.ts';
import { RemediationSpans } from './remediation-spans.ts';
import type { RemediationLog } from './remediation-log.ts';
import type { Outcome, Remediation } from './remediation.ts';

export interface RunnerParts {
  readonly database: StateDatabase;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tracing: Tracing;
  readonly metrics: SelfMetrics;
  readonly fleet: FleetActuator;
  readonly alerts: AlertBook;
  readonly log: RemediationLog;
  readonly policies: PolicyBook;
  readonly states: StateBook;
  readonly claims: ScaleClaims;
  /** Whether much of the fleet is sick right now. */
  readonly storm: () => { readonly reason: string } | null;
  readonly suspectUntilMs: () => number;
  readonly onOutage: (reason: string) => void;
}

/** What to do next with a remediation, after one transition. */
type Next = 'again' | 'settled' | { readonly waitMs: number | null };

const RETRY_AFTER_FAILURE_MS = 1000;
/** A guard that lifts by an event is asked again at least this often. */
const MAX_GUARD_WAIT_MS = 30_000;
/** An alert may flutter while its remediation takes hold; only a rise beyond this share counts as worse. */
const WORSENED_SHARE = 0.5;

interface OpenCase {
  readonly alertId: string;
  timer: Timer | null;
}

/**
 * Carries remediations through their states. One transition at a time over all of them, so that what a guard has
 * counted is still true when the step starts.
 */
export class RemediationRunner {
  readonly #parts: RunnerParts;
  readonly #spans: RemediationSpans;
  readonly #open = new Map<string, OpenCase>();
  #turn: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    this.#spans = new RemediationSpans(parts.tracing);
    parts.metrics.gauge(
      'omoi_watchdog_open_remediations',
      'Remediations that have not ended.',
      () => this.#open.size,
    );
  }

  /** Starts the span of a remediation that is about to be planned; it goes into the row. */
  openSpan(policy: Policy, alert: AlertFacts, target: { readonly kind: string; readonly id: string }): Span {
    return this.#spans.open(alert.traceparent, {
      'omoi.policy': policy.name,
      'omoi.alert.id': alert.alertId,
      'omoi.target': targetText(target),
    });
  }

  /** A remediation has been planned. */
  begin(id: string, alertId: string, span: Span): void {
    this.#spans.keep(id, span);
    this.#open.set(id, { alertId, timer: null });
    this.#wake(id);
  }

  /** Takes up what was open when the last process ended. */
  async resume(): Promise<void> {
    for (const remediation of await this.#parts.log.open()) {
      this.#spans.resume(remediation.id, remediation.traceparent);
      this.#open.set(remediation.id, { alertId: remediation.alert_id, timer: null });
      this.#wake(remediation.id);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { timer } of this.#open.values()) timer?.cancel();
    await this.#turn;
    this.#spans.endAll();
  }

  wakeAll(): void {
    for (const id of this.#open.keys()) this.#wake(id);
  }

  wakeAlert(alertId: string): void {
    for (const [id, open] of this.#open) if (open.alertId === alertId) this.#wake(id);
  }

  async approve(id: string, by: string): Promise<void> {
    await this.#decided(id, (tx, remediation) => this.#parts.log.approve(tx, remediation, by));
    this.#wake(id);
  }

  async reject(id: string, by: string): Promise<void> {
    const ended = await this.#decided(id, (tx, remediation) =>
      this.#parts.log.end(tx, remediation, {
        state: 'cancelled',
        outcome: 'cancelled',
        reason: `rejected by ${by}`,
      }),
    );
    this.#close(ended);
  }

  #decided(
    id: string,
    change: (tx: Parameters<RemediationLog['read']>[0], remediation: Remediation) => Promise<Remediation>,
  ): Promise<Remediation> {
    const { database, log } = this.#parts;
    return this.#inTurn(() =>
      database.transaction(async (tx) => {
        const remediation = await log.read(tx, id);
        if (!remediation) throw new OmoiError('unknown_remediation', `there is no remediation ${id}`);
        if (remediation.state !== 'awaiting_approval') {
          throw new OmoiError(
            'remediation_settled',
            `remediation ${id} is ${remediation.state}, not awaiting_approval`,
          );
        }
        return change(tx, remediation);
      }),
    );
  }

  #wake(id: string): void {
    const open = this.#open.get(id);
    if (!open || this.#stopped) return;
    open.timer?.cancel();
    open.timer = null;
    void this.#inTurn(() => this.#advance(id));
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(work);
    this.#turn = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  /** Carries one remediation as far as it goes now. */
  async #advance(id: string): Promise<void> {
    const { logger, clock, onOutage } = this.#parts;
    try {
      let next: Next = 'again';
      while (next === 'again' && !this.#stopped) next = await this.#step(id);
      const open = this.#open.get(id);
      if (typeof next === 'string' || !open || this.#stopped) return;
      const waitMs = Math.min(next.waitMs ?? MAX_GUARD_WAIT_MS, MAX_GUARD_WAIT_MS);
      open.timer = clock.after(Math.max(waitMs, 1), () => this.#wake(id));
    } catch (thrown) {
      logger.error(
        { remediation_id: id, error: messageOf(thrown) },
        'A remediation could not go on and is tried again',
      );
      if (thrown instanceof OmoiError && thrown.retryable) onOutage(thrown.message);
      const open = this.#open.get(id);
      if (open) open.timer = clock.after(RETRY_AFTER_FAILURE_MS, () => this.#wake(id));
    }
  }

  async #step(id: string): Promise<Next> {
    const { database, alerts, policies } = this.#parts;
    const remediation = await database.reader
      .selectFrom('remediations')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    if (!remediation) return this.#forget(id);
    const alert = await alerts.get(remediation.alert_id);
    const policy = policies.get(remediation.policy);
    const step = policy?.steps[remediation.step];
    switch (remediation.state) {
      case 'planned':
        if (!alert || alert.state === 'resolved')
          return this.#cancel(remediation, 'the alert resolved before anything was done');
        if (!policy || !step)
          return this.#cancel(remediation, 'its policy is gone, or has no such step any more');
        return this.#decide(remediation, { policy, step, alert });
      case 'awaiting_approval':
        if (!alert || alert.state === 'resolved')
          return this.#cancel(remediation, 'the alert resolved before anybody approved');
        return { waitMs: null };
      case 'executing':
        return step
          ? this.#execute(remediation, step)
          : this.#giveUp(remediation, 'unknown', 'its policy is gone');
      case 'verifying':
        return this.#verify(remediation, alert, policy);
      case 'completed':
      case 'escalated':
      case 'cancelled':
        return this.#close(remediation);
    }
  }

  async #decide(
    remediation: Remediation,
    {
      policy,
      step,
      alert,
    }: { readonly policy: Policy; readonly step: PolicyStep; readonly alert: AlertFacts },
  ): Promise<Next> {
    const { database, log, states, fleet } = this.#parts;
    return database.transaction(async (tx): Promise<Next> => {
      const standing = await log.standing(tx, remediation, tx.nowMs - policy.guards.window);
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
        agent: remediation.target_kind === 'agent' ? fleet.agent(remediation.target_id) : null,
      });
      if (suppression) {
        await log.suppress(tx, remediation, suppression);
        return { waitMs: suppression.untilMs === null ? null : suppression.untilMs - tx.nowMs };
      }
      if (policy.mode === 'approve' && remediation.approved_by === null) {
        await log.awaitApproval(tx, remediation);
        return { waitMs: null };
      }
      await log.start(tx, remediation, { step, value: alert.value });
      return 'again';
    });
  }

  async #execute(remediation: Remediation, step: PolicyStep): Promise<Next> {
    const { database, log, fleet, claims, logger } = this.#parts;
    const span = this.#spans.child(remediation, `watchdog.step.${step.action}`);
    try {
      const detail = await act(step, remediation, { fleet, claims, traceparent: span.traceparent });
      span.setAttributes({ 'omoi.detail': detail });
      await database.transaction((tx) => log.acted(tx, remediation, { step, detail }));
      logger.info(
        { remediation_id: remediation.id, traceparent: span.traceparent },
        `${remediation.policy}: ${step.action} ${targetText({ kind: remediation.target_kind, id: remediation.target_id })}: ${detail}`,
      );
      return 'again';
    } catch (thrown) {
      span.fail(messageOf(thrown));
      if (!(thrown instanceof OmoiError) || thrown.retryable) throw thrown;
      await database.transaction((tx) => log.actionFailed(tx, remediation, thrown.message));
      return this.#stepOver(remediation, 'failed', thrown.message);
    } finally {
      span.end();
    }
  }

  async #verify(remediation: Remediation, alert: AlertFacts | null, policy: Policy | null): Promise<Next> {
    if (!alert || alert.state === 'resolved') return this.#verified(remediation, alert);
    const untilMs = remediation.verify_until_ms ?? 0;
    const leftMs = untilMs - this.#parts.clock.wallMs();
    if (leftMs > 0) return { waitMs: leftMs };
    const outcome = hasWorsened(remediation, alert) ? 'worsened' : 'no_effect';
    this.#verifySpan(remediation).fail(outcome);
    const reason = `the alert still fires after ${policy?.steps[remediation.step]?.action ?? 'the step'}`;
    return this.#stepOver(remediation, outcome, reason);
  }

  async #verified(remediation: Remediation, alert: AlertFacts | null): Promise<Next> {
    const { database, log } = this.#parts;
    const outcome = outcomeOf(alert?.cause ?? null);
    this.#verifySpan(remediation).setAttributes({ 'omoi.outcome': outcome });
    const reason = `the alert resolved: ${alert?.cause ?? 'its record is gone'}`;
    const ended = await database.transaction((tx) =>
      log.end(tx, remediation, { state: 'completed', outcome, reason }),
    );
    return this.#close(ended);
  }

  /** A span from the end of the action to now. */
  #verifySpan(remediation: Remediation): Span {
    const span = this.#spans.child(remediation, 'watchdog.verify', remediation.updated_at_ms);
    queueMicrotask(() => span.end());
    return span;
  }

  /** A step did not help: the next one, or the guardian. */
  async #stepOver(remediation: Remediation, outcome: Outcome, reason: string): Promise<Next> {
    const { database, log, policies } = this.#parts;
    const steps = policies.get(remediation.policy)?.steps.length ?? 0;
    if (remediation.step + 1 >= steps) return this.#giveUp(remediation, outcome, reason);
    await database.transaction((tx) => log.nextStep(tx, remediation, outcome));
    return 'again';
  }

  async #giveUp(remediation: Remediation, outcome: Outcome, reason: string): Promise<Next> {
    const { database, log, policies } = this.#parts;
    const guardian = policies.get(remediation.policy)?.guardian ?? 'operators';
    const ended = await database.transaction(async (tx) => {
      await log.escalated(tx, remediation, { guardian, reason });
      return log.end(tx, remediation, { state: 'escalated', outcome, reason });
    });
    return this.#close(ended);
  }

  async #cancel(remediation: Remediation, reason: string): Promise<Next> {
    const { database, log } = this.#parts;
    const ending = { state: 'cancelled', outcome: 'cancelled', reason } as const;
    return this.#close(await database.transaction((tx) => log.end(tx, remediation, ending)));
  }

  #close(ended: Remediation): Next {
    this.#spans.end(ended);
    this.#forget(ended.id);
    // What waited for this one, or for its place among those that may run, is decided again.
    queueMicrotask(() => this.wakeAll());
    return 'settled';
  }

  #forget(id: string): Next {
    this.#open.get(id)?.timer?.cancel();
    this.#open.delete(id);
    return 'settled';
  }
}

function hasWorsened(remediation: Remediation, alert: AlertFacts): boolean {
  const before = remediation.value_before;
  return before !== null && alert.value > before + Math.abs(before) * WORSENED_SHARE;
}

/** What an alert's end says about the repair: only a recovery proves that it worked. */
function outcomeOf(cause: string | null): Outcome {
  if (cause === 'recovered' || cause === 'remediated') return 'healed';
  return cause === 'manual' ? 'cancelled' : 'unknown';
}
