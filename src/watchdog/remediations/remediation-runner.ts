import type { StateTransaction } from '#storage';
import {
  allSettled,
  backoffMs,
  KeyedSerialQueue,
  isOutage,
  messageOf,
  OmoiError,
  type Clock,
  type Logger,
  type Random,
  type SelfMetrics,
} from '#telemetry';
import { carryOut, type OrderParts, type StepOrder } from '../actions/step-order.ts';
import type { Suppression } from '../guards/guards.ts';
import type { WatchdogCounters } from '../watchdog-counters.ts';
import { FairQueue } from './fair-queue.ts';
import { FirstDecisions } from './first-decisions.ts';
import { GuardWaits, type EndedGuard } from './guard-waits.ts';
import { OpenRemediations, type OpenRemediation } from './open-remediations.ts';
import type { RemediationLog } from './remediation-log.ts';
import type { RemediationSpans } from './remediation-spans.ts';
import type { RemediationTransitions } from './remediation-transitions.ts';
import { isBusy, type Remediation } from './remediation.ts';
import type { RepairSlots } from './repair-slots.ts';
import type { Next } from './transition.ts';

export interface RunnerParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly log: RemediationLog;
  readonly slots: RepairSlots;
  readonly transitions: RemediationTransitions;
  readonly spans: RemediationSpans;
  readonly orders: OrderParts;
  readonly counters: WatchdogCounters;
  readonly onOutage: (reason: string) => void;
}

/** So many decisions share a transaction: a new alert finds the database free, however many wait for theirs. */
const MAX_DECISIONS_AT_ONCE = 32;
/** The pauses between tries to write a transition: without end, for only the database can stand in its way. */
const TRANSITION_RETRY = { firstMs: 1000, maxMs: 30_000 };

/**
 * Carries remediations through their states: one transition at a time on each target, and targets side by side. The
 * slots see to it that those who decide at once do not count on the same place. Decisions of those that are held back
 * go through a fair queue; what is at work on a target goes past it.
 */
export class RemediationRunner {
  readonly #parts: RunnerParts;
  readonly #open = new OpenRemediations();
  readonly #turns = new KeyedSerialQueue<string>();
  readonly #decisions: FairQueue;
  readonly #waits: GuardWaits;
  readonly #first: FirstDecisions;
  #stopped = false;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    this.#decisions = new FairQueue({ maxRunning: MAX_DECISIONS_AT_ONCE, logger: parts.logger });
    const { clock, random } = parts;
    this.#waits = new GuardWaits({
      clock,
      random,
      decisions: parts.transitions.decisions,
      find: (id) => this.#open.get(id),
      wake: (open, calledFrom) => this.#wake(open, calledFrom),
    });
    this.#first = new FirstDecisions({
      ...parts,
      turns: this.#turns,
      isWaiting: (planned) => this.#decisions.isWaiting(newLaneOf(planned)),
    });
    parts.metrics.gauge(
      'omoi_watchdog_open_remediations',
      'Remediations that have not ended.',
      () => this.#open.size,
    );
  }

  get openCount(): number {
    return this.#open.size;
  }

  countOpen(): ReturnType<OpenRemediations['countByState']> {
    return this.#open.countByState();
  }

  /**
   * What the guard that holds a remediation back says now, which may be more than its row does: a longer maintenance may have
   * begun since. Null where none holds it.
   */
  heldBy(id: string): Suppression | null {
    const { row = null, heldBy = null } = this.#open.get(id) ?? {};
    if (heldBy === null) return null;
    return (row && this.#parts.transitions.decisions.stillHeldBy(row, heldBy.suppressed)) ?? heldBy;
  }

  /** Those of an alert that have not ended, with what holds each of them back. */
  openOf(alertId: string): readonly Pick<OpenRemediation, 'policy' | 'row' | 'subject' | 'heldBy'>[] {
    return this.#open.ofAlert(alertId);
  }

  /** Remediations are planned by a transaction. A few are decided in it at once, so that a repair starts with its plan. */
  async takeOn(
    tx: StateTransaction,
    { planned, written }: ReturnType<RemediationLog['plan']>,
  ): Promise<void> {
    const [rows, decided] = await allSettled([written, this.#first.decide(tx, planned, written)]);
    for (const remediation of rows) {
      const first = decided.get(remediation.id);
      tx.afterCommit(() => {
        // A look for what is missing may have found it first.
        if (this.#open.get(remediation.id)) return;
        if (first) this.#follow(this.#open.add(first.remediation), first.next);
        else this.#begin(remediation);
      });
    }
  }

  #begin(planned: Remediation): void {
    const traceparent = this.#parts.spans.begin(planned, 'planned');
    this.#wake(this.#open.add({ ...planned, traceparent }));
  }

  /** Takes up what was open when the last process ended. */
  async resume(): Promise<void> {
    const { log, slots, transitions } = this.#parts;
    transitions.decisions.start();
    const rows = await log.open(await log.openIds());
    slots.start(rows);
    for (const row of rows) this.#wake(this.#takeUp(row));
  }

  /** Takes up what is open on disk and not in memory, after a commit that failed. @returns it */
  async takeUpMissing(): Promise<readonly Remediation[]> {
    const { doubtful } = this.#first;
    const { log } = this.#parts;
    const openIds = await log.openIds();
    this.#first.settleDoubts(doubtful, new Set(openIds));
    const isMissing = (id: string): boolean => !this.#open.get(id);
    // Looked at again behind the read: some may have come meanwhile.
    const missing = (await log.open(openIds.filter(isMissing))).filter(({ id }) => isMissing(id));
    for (const row of missing) {
      const open = this.#takeUp(row);
      // It may have ended since it was read.
      open.row = null;
      this.#wake(open);
    }
    return missing;
  }

  /** What the fleet is being asked is not waited for: it is looked into at the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#decisions.clear();
    for (const { timer } of this.#open.all()) timer?.cancel();
    this.#waits.stop();
    this.#first.stop();
    await this.#turns.settled();
    this.#parts.spans.endAll();
  }

  /** Policies have changed: whoever is held back, at a step's first order or at a later one, or awaits approval, is decided anew. */
  wakeUndecided(): void {
    for (const open of this.#open.all()) {
      if (!open.row || !isBusy(open.row) || open.heldBy) this.#wake(open);
    }
  }

  /** What held many back has ended: a pause, a storm, a maintenance. */
  wakeHeldBy(guard: EndedGuard): void {
    this.#waits.callAll(guard);
  }

  /** What holds back many has begun: a pause, a storm. */
  askThoseInLine(): void {
    this.#waits.askThoseInLine();
  }

  /** Whether a remediation that has not ended was planned for the alert. */
  concerns(alertId: string): boolean {
    return this.#open.ofAlert(alertId).length > 0;
  }

  wakeAlert(alertId: string): void {
    for (const open of this.#open.ofAlert(alertId)) this.#wake(open);
  }

  /** Something about a target has changed: whoever is held back because of it is decided again, or judged. */
  wakeTarget(target: string): void {
    for (const open of this.#open.ofTarget(target)) if (open.row?.state !== 'executing') this.#wake(open);
  }

  /** The rows of a target's remediations have changed by another hand: their next transition begins with what stands on disk. */
  readAgain(target: string): void {
    for (const open of this.#open.ofTarget(target)) {
      open.isOutdated = true;
      this.#wake(open);
    }
  }

  /** @throws OmoiError `unknown_remediation`, `remediation_settled` */
  async answer(id: string, answer: { readonly approved: boolean; readonly by: string }): Promise<void> {
    const { log, transitions } = this.#parts;
    const open = this.#open.get(id);
    if (!open) {
      const row = await log.find(id);
      if (!row) throw new OmoiError('unknown_remediation', `there is no remediation ${id}`);
      await transitions.decisions.answer(row, answer);
      return;
    }
    await this.#inTurn(open, async () => {
      try {
        const row = open.row ?? (await this.#read(open));
        if (!row) throw new OmoiError('unknown_remediation', `there is no remediation ${id}`);
        this.#follow(open, await transitions.decisions.answer(row, answer));
      } catch (thrown) {
        // Whether the answer was written is read again.
        open.row = null;
        this.#wake(open);
        throw thrown;
      }
    });
  }

  #takeUp(row: Remediation): OpenRemediation {
    const traceparent = this.#parts.spans.begin(row, 'resumed');
    return this.#open.add({ ...row, traceparent });
  }

  /** @param calledFrom the line at whose head it was: where it does not come back to it, the next one is called */
  #wake(open: OpenRemediation, calledFrom: string | null = null): void {
    if (open.isQueued || open.isOrdering || this.#stopped) return;
    open.timer?.cancel();
    open.timer = null;
    open.isQueued = true;
    this.#waits.leave(open);
    const turn = (): Promise<void> =>
      this.#inTurn(open, async () => {
        open.isQueued = false;
        if (!open.isOrdering) await this.#attempt(open, () => this.#advance(open));
        if (calledFrom !== null) this.#waits.callNext(calledFrom, open);
      });
    if (isAtWork(open)) void turn();
    else this.#decisions.push(laneOf(open), turn);
  }

  /** Runs work behind what else is done on the target; where a place has become free by it, the next in line is called. */
  #inTurn(open: OpenRemediation, work: () => Promise<void>): Promise<void> {
    const { slots } = this.#parts;
    return this.#turns.run(open.target, async () => {
      const heldPlace = slots.holds(open.id);
      await work();
      if (!heldPlace || slots.holds(open.id)) return;
      this.#waits.callBehind(open);
    });
  }

  /** Carries one remediation as far as it goes now. */
  async #advance(open: OpenRemediation): Promise<void> {
    const { transitions } = this.#parts;
    if (this.#stopped || !this.#open.get(open.id)) return;
    const known = open.isOutdated ? null : open.row;
    open.isOutdated = false;
    const row = known ?? (await this.#read(open));
    if (!row) return this.#close(open, null);
    let next: Next = { kind: 'again', remediation: row };
    while (next.kind === 'again' && !this.#stopped) {
      // Until the transition is known to be written, what stands on disk is not.
      open.row = null;
      const { remediation } = next;
      next = await transitions.next(remediation, open.heldBy);
    }
    this.#follow(open, next);
  }

  /** Reads a remediation of which it is not known how it stands on disk, and what place it holds. */
  async #read({ id, subject }: OpenRemediation): Promise<Remediation | null> {
    const { log, slots } = this.#parts;
    const row = await log.find(id);
    if (row) slots.update(row);
    else slots.forget(id);
    return row ? { ...row, traceparent: subject.traceparent } : null;
  }

  #follow(open: OpenRemediation, next: Next): void {
    open.row = next.remediation;
    if (!this.#open.get(open.id) || this.#stopped) return;
    open.failures = 0;
    open.heldBy = next.kind === 'wait' ? next.heldBy : null;
    switch (next.kind) {
      case 'again':
        this.#wake(open);
        break;
      case 'wait':
        this.#waits.wait(open, next);
        break;
      case 'order':
        open.isOrdering = true;
        void this.#order(open, next.order);
        break;
      case 'ended':
        this.#close(open, next.remediation);
        break;
    }
  }

  /** Asks the fleet, outside of the turn, and records its answer in turn. */
  async #order(open: OpenRemediation, order: StepOrder): Promise<void> {
    const { transitions, spans, orders, logger, onOutage } = this.#parts;
    const span = spans.step(order.remediation, order.step.action);
    const result = await carryOut(order, span, orders);
    const outcome =
      result.kind === 'done' ? result.detail : 'message' in result ? result.message : 'it was not done';
    logger.info(
      { remediation_id: open.id, result: result.kind, traceparent: span.traceparent },
      `Policy ${open.policy}: ${order.step.action} of ${open.target}: ${outcome}`,
    );
    if (result.kind === 'failed' && result.outage) onOutage(result.message);
    await this.#inTurn(open, async () => {
      if (!this.#open.get(open.id) || this.#stopped) return;
      open.isOrdering = false;
      await this.#attempt(open, async () => {
        open.row = null;
        this.#follow(open, await transitions.settle(order, result));
      });
    });
  }

  /** A transition that can't be written is made again from what stands in the database. */
  async #attempt(open: OpenRemediation, transition: () => Promise<void>): Promise<void> {
    const { logger, random, counters, onOutage, clock } = this.#parts;
    try {
      await transition();
    } catch (thrown) {
      if (!this.#open.get(open.id) || this.#stopped) return;
      open.row = null;
      open.failures++;
      const delayMs = backoffMs(open.failures, TRANSITION_RETRY, random);
      counters.transitionFailed();
      // Of an outage one line tells, whoever meets it.
      if (isOutage(thrown)) onOutage(messageOf(thrown));
      else
        logger.error(
          {
            remediation_id: open.id,
            policy: open.policy,
            target: open.target,
            error: messageOf(thrown),
            failures: open.failures,
            retry_in_ms: Math.round(delayMs),
          },
          'Remediation state not written; it is read again and the transition repeated',
        );
      open.timer?.cancel();
      open.timer = clock.after(delayMs, () => this.#wake(open));
    }
  }

  #close(open: OpenRemediation, ended: Remediation | null): void {
    open.timer?.cancel();
    open.timer = null;
    this.#waits.leave(open);
    this.#open.delete(open);
    if (ended) this.#parts.spans.end(ended);
  }
}

/** What is at work on its target, or may be, is not held up by those that wait for a decision. */
function isAtWork({ row }: OpenRemediation): boolean {
  return row === null || isBusy(row);
}

/** A policy's new remediations do not stand behind those that it has held back before. */
function laneOf(open: OpenRemediation): string {
  return open.heldBy === null ? newLaneOf(open) : `${open.policy} held`;
}

function newLaneOf({ policy }: Pick<Remediation, 'policy'>): string {
  return `${policy} new`;
}
