import { TurnQueue, type Clock, type Guard, type Random, type Timer } from '#telemetry';
import type { OpenRemediation } from './open-remediations.ts';
import type { RemediationDecisions } from './remediation-decisions.ts';
import type { Next } from './transition.ts';
import { lineFor, WaitingLines } from './waiting-lines.ts';

export interface GuardWaitParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly decisions: Pick<RemediationDecisions, 'hasLifted' | 'stillHeldBy'>;
  /** One that has not ended, by its id. */
  readonly find: (id: string) => OpenRemediation | null;
  /** Has one decided again. @param calledFrom the line at whose head it was */
  readonly wake: (open: OpenRemediation, calledFrom: string | null) => void;
}

/** Whoever is held back is asked again at least this often; half of it is chance, so that many do not come at once. */
const MAX_GUARD_WAIT_MS = 30_000;
/** Guards that hold many, and end for all of them at once. */
export type EndedGuard = Extract<Guard, 'paused' | 'storm' | 'maintenance'>;

/** Guards that lift for one after the other, each at a time that is known. */
const OPENED_BY_TIME: ReadonlySet<Guard> = new Set(['start_budget', 'repair_rate']);
/** Who is called together, or asked again at the same time, is looked at so many in a turn of the event loop: some ms. */
const MAX_LOOKS_PER_TURN = 250;
/** A wait without a guard ends by an event; this only bounds the timer. */
const MAX_WAIT_MS = 3_600_000;

/**
 * Remediations that wait: each stands in the line of what holds it back, is called when that becomes free, and is asked
 * again after some time at the latest.
 */
export class GuardWaits {
  readonly #parts: GuardWaitParts;
  readonly #lines = new WaitingLines();
  readonly #looks = new TurnQueue(MAX_LOOKS_PER_TURN);
  /** When the first of a line may begin: a start leaves its policy's window, a failure domain has a token again. */
  readonly #lineTimers = new Map<string, Timer>();
  #stopped = false;

  constructor(parts: GuardWaitParts) {
    this.#parts = parts;
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#lineTimers.values()) timer.cancel();
  }

  wait(open: OpenRemediation, { remediation, waitMs, heldBy }: Extract<Next, { kind: 'wait' }>): void {
    if (!heldBy) return this.#askAfter(open, Math.min(waitMs ?? MAX_WAIT_MS, MAX_WAIT_MS));
    const guard = heldBy.suppressed;
    this.#lines.join(remediation, guard);
    // What it waits for may have become free between the decision and its place in line, where nobody called it.
    if (this.#parts.decisions.hasLifted(remediation, heldBy)) return this.#parts.wake(open, null);
    if (OPENED_BY_TIME.has(guard)) this.#openLineIn(lineFor(remediation, guard), waitMs ?? MAX_GUARD_WAIT_MS);
    this.#askGuardAfter(open, guard, waitMs);
  }

  leave({ subject }: OpenRemediation): void {
    this.#lines.leave(subject);
  }

  /** What held many back has ended, for some of them at least: there may be storms in other failure domains. */
  callAll(guard: EndedGuard): void {
    for (const id of this.#lines.all(guard)) this.#looks.run(() => this.#call(id, guard));
  }

  /**
   * Something has begun that holds back all, or all of a failure domain. Who waits for another repair to end would hear of it when
   * that has ended; it is decided again now, so that whoever waits for the repair, a page that is held back, waits no longer.
   */
  askThoseInLine(): void {
    for (const id of this.#lines.waitingForOthers()) {
      this.#looks.run(() => {
        const open = this.#parts.find(id);
        if (open && this.#lines.lineOf(id) !== null && !this.#stopped) this.#parts.wake(open, null);
      });
    }
  }

  #call(id: string, guard: Guard): void {
    const { find, wake, decisions } = this.#parts;
    const open = find(id);
    // It may have been called by somebody else while it waited for this look.
    if (!open || this.#lines.lineOf(id) !== guard || this.#stopped) return;
    if (open.row === null || decisions.stillHeldBy(open.row, guard) === null) wake(open, null);
  }

  /** Who was called from a line has had its turn: where it is not back in it, the next one is called. */
  callNext(line: string, { id }: OpenRemediation): void {
    if (this.#lines.lineOf(id) !== line) this.#callFirst(line);
  }

  /** A remediation holds its place no more: who stands in line for it is called. */
  callBehind({ subject }: OpenRemediation): void {
    for (const line of this.#lines.behind(subject)) this.#callFirst(line);
  }

  /** Something has become free for which others stand in line. */
  #callFirst(line: string): void {
    const first = this.#lines.first(line);
    const open = first === null ? null : this.#parts.find(first);
    if (open) this.#parts.wake(open, line);
  }

  /** @param waitMs until the guard may lift by itself; null where an event lifts it */
  #askGuardAfter(open: OpenRemediation, guard: Guard, waitMs: number | null): void {
    const safetyMs = Math.round((MAX_GUARD_WAIT_MS / 2) * (1 + this.#parts.random.next()));
    // Of those in such a line the first one is called when it opens.
    const ownMs = OPENED_BY_TIME.has(guard) ? null : waitMs;
    this.#askAfter(open, Math.min(ownMs ?? safetyMs, safetyMs));
  }

  #openLineIn(line: string, delayMs: number): void {
    if (this.#lineTimers.has(line) || this.#stopped) return;
    const timer = this.#parts.clock.after(Math.max(delayMs, 1), () => {
      this.#lineTimers.delete(line);
      this.#callFirst(line);
    });
    this.#lineTimers.set(line, timer);
  }

  #askAfter(open: OpenRemediation, delayMs: number): void {
    open.timer?.cancel();
    const timer = this.#parts.clock.after(Math.max(delayMs, 1), () =>
      this.#looks.run(() => {
        if (open.timer === timer && !this.#stopped) this.#askAgain(open);
      }),
    );
    open.timer = timer;
  }

  /** Time has passed: who is held back as before, as far as memory tells, stays in line and costs nothing more. */
  #askAgain(open: OpenRemediation): void {
    const { row, heldBy } = open;
    const { clock, decisions, wake } = this.#parts;
    if (row?.state !== 'planned' || !heldBy) return wake(open, null);
    const nowMs = clock.wallMs();
    const held = decisions.stillHeldBy(row, heldBy.suppressed);
    const isShown = held?.untilMs === heldBy.untilMs || nowMs - heldBy.recordedAtMs < MAX_GUARD_WAIT_MS;
    if (!held || !isShown) return wake(open, null);
    this.#askGuardAfter(open, held.suppressed, held.untilMs === null ? null : held.untilMs - nowMs);
  }
}
