import {
  backoffMs,
  messageOf,
  SerialQueue,
  type Clock,
  type Logger,
  type Random,
  type SelfMetrics,
  type Span,
  type Timer,
} from '#telemetry';
import { carryOut, isOutage, type OrderParts, type StepOrder } from '../actions/step-order.ts';
import { targetText } from '../policies/target.ts';
import type { WatchdogCounters } from '../watchdog-counters.ts';
import type { Next, RemediationCourse } from './remediation-course.ts';
import type { RemediationLog } from './remediation-log.ts';
import type { RemediationSpans } from './remediation-spans.ts';
import type { Remediation } from './remediation.ts';

export interface RunnerParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly log: RemediationLog;
  readonly course: RemediationCourse;
  readonly spans: RemediationSpans;
  readonly orders: OrderParts;
  readonly counters: WatchdogCounters;
  readonly onOutage: (reason: string) => void;
}

/** A guard that lifts by an event is asked again at least this often. */
const MAX_GUARD_WAIT_MS = 30_000;
/** The pauses between tries to write a transition: without end, for only the database can stand in its way. */
const TRANSITION_RETRY = { firstMs: 1000, maxMs: 30_000 };

/** A remediation that has not ended, in memory. */
interface OpenCase {
  readonly alertId: string;
  /** `agent:w-1` */
  readonly target: string;
  timer: Timer | null;
  /** Its turn will come. */
  isQueued: boolean;
  /** The fleet has been asked and has not answered: nothing else is done with it. */
  isOrdering: boolean;
  /** Transitions in a row that could not be written. */
  failures: number;
}

/**
 * Carries remediations through their states. One transition at a time over all of them, so that what a guard has
 * counted is still true when the step starts; what the fleet is asked runs beside that, each for itself.
 */
export class RemediationRunner {
  readonly #parts: RunnerParts;
  readonly #open = new Map<string, OpenCase>();
  readonly #turns = new SerialQueue();
  #stopped = false;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    parts.metrics.gauge(
      'omoi_watchdog_open_remediations',
      'Remediations that have not ended.',
      () => this.#open.size,
    );
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** A remediation has been planned. */
  begin(id: string, about: { readonly alertId: string; readonly target: string }, span: Span): void {
    this.#parts.spans.keep(id, span);
    this.#add(id, about);
  }

  /** Takes up what was open when the last process ended. */
  async resume(): Promise<void> {
    for (const remediation of await this.#parts.log.open()) {
      this.#parts.spans.resume(remediation.id, remediation.traceparent);
      this.#add(remediation.id, { alertId: remediation.alert_id, target: targetOf(remediation) });
    }
  }

  /** What the fleet is being asked is not waited for: it is looked into at the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { timer } of this.#open.values()) timer?.cancel();
    await this.#turns.settled();
    this.#parts.spans.endAll();
  }

  wakeAll(): void {
    for (const id of this.#open.keys()) this.#wake(id);
  }

  wakeAlert(alertId: string): void {
    for (const [id, open] of this.#open) if (open.alertId === alertId) this.#wake(id);
  }

  /** @param target `agent:w-1` */
  wakeTarget(target: string): void {
    for (const [id, open] of this.#open) if (open.target === target) this.#wake(id);
  }

  /** @throws OmoiError `unknown_remediation`, `remediation_settled` */
  async answer(id: string, answer: { readonly approved: boolean; readonly by: string }): Promise<void> {
    await this.#inTurn(async () => this.#follow(id, await this.#parts.course.answer(id, answer)));
  }

  #add(id: string, about: { readonly alertId: string; readonly target: string }): void {
    this.#open.set(id, { ...about, timer: null, isQueued: false, isOrdering: false, failures: 0 });
    this.#wake(id);
  }

  #wake(id: string): void {
    const open = this.#open.get(id);
    if (!open || open.isQueued || open.isOrdering || this.#stopped) return;
    open.timer?.cancel();
    open.timer = null;
    open.isQueued = true;
    void this.#inTurn(async () => {
      open.isQueued = false;
      if (!open.isOrdering) await this.#attempt(id, () => this.#advance(id));
    });
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#turns.run(work);
  }

  /** Carries one remediation as far as it goes now. */
  async #advance(id: string): Promise<void> {
    let next: Next = { kind: 'again' };
    while (next.kind === 'again' && !this.#stopped) next = await this.#parts.course.next(id);
    this.#follow(id, next);
  }

  #follow(id: string, next: Next): void {
    const open = this.#open.get(id);
    if (!open || this.#stopped) return;
    open.failures = 0;
    switch (next.kind) {
      case 'again':
        this.#wake(id);
        break;
      case 'wait':
        this.#wakeLater(id, Math.min(next.waitMs ?? MAX_GUARD_WAIT_MS, MAX_GUARD_WAIT_MS));
        break;
      case 'order':
        open.isOrdering = true;
        void this.#order(id, next.order);
        break;
      case 'ended':
        this.#close(id, next.remediation);
        break;
    }
  }

  /** Asks the fleet, outside of the turn, and records its answer in turn. */
  async #order(id: string, order: StepOrder): Promise<void> {
    const { course, spans, orders, logger, onOutage } = this.#parts;
    const span = spans.step(order.remediation, order.step.action);
    const result = await carryOut(order, span, orders);
    logger.info(
      { remediation_id: id, result: result.kind, traceparent: span.traceparent },
      `${order.remediation.policy}: ${order.step.action} ${targetOf(order.remediation)}: ${
        result.kind === 'done' ? result.detail : 'message' in result ? result.message : 'was not done'
      }`,
    );
    if (result.kind === 'failed' && result.outage) onOutage(result.message);
    await this.#inTurn(async () => {
      const open = this.#open.get(id);
      if (!open || this.#stopped) return;
      open.isOrdering = false;
      await this.#attempt(id, async () => this.#follow(id, await course.settle(order, result)));
    });
  }

  /** A transition that can't be written is made again from what stands in the database. */
  async #attempt(id: string, transition: () => Promise<void>): Promise<void> {
    const { logger, random, counters, onOutage } = this.#parts;
    try {
      await transition();
    } catch (thrown) {
      const open = this.#open.get(id);
      if (!open || this.#stopped) return;
      open.failures++;
      const delayMs = backoffMs(open.failures, TRANSITION_RETRY, random);
      counters.transitionFailed();
      logger.error(
        {
          remediation_id: id,
          error: messageOf(thrown),
          failures: open.failures,
          retry_in_ms: Math.round(delayMs),
        },
        'A remediation could not go on and is tried again',
      );
      if (isOutage(thrown)) onOutage(messageOf(thrown));
      this.#wakeLater(id, delayMs);
    }
  }

  #wakeLater(id: string, delayMs: number): void {
    const open = this.#open.get(id);
    if (!open) return;
    open.timer?.cancel();
    open.timer = this.#parts.clock.after(Math.max(delayMs, 1), () => this.#wake(id));
  }

  #close(id: string, ended: Remediation | null): void {
    this.#open.get(id)?.timer?.cancel();
    this.#open.delete(id);
    if (!ended) return;
    this.#parts.spans.end(ended);
    // What waited for this one, or for its place among those that may run, is decided again.
    if (ended.step_started_at_ms !== null) this.wakeAll();
  }
}

function targetOf(remediation: Remediation): string {
  return targetText({ kind: remediation.target_kind, id: remediation.target_id });
}
