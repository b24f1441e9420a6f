import type { Timer } from './clock.ts';

/** What is due so soon is taken along: a timer of the runtime is that exact, no more. */
const SLACK_MS = 2;
/** What has run so long in a turn gives way to whatever else waits. */
const MAX_SHARED_TURN_MS = 0.5;

interface Member {
  readonly run: () => void;
  /** It has not been there for a whole period before. */
  readonly fromMs: number;
  state: 'idle' | 'waiting' | 'cancelled';
}

interface Period {
  readonly periodMs: number;
  readonly members: Set<Member>;
  dueMs: number;
}

/**
 * Repeated timers with common moments: each period's are the multiples of it on the monotonic clock. Waking an idle thread
 * costs more than what most of them do; ten that come every 250 ms, each at a moment of its own, wake it 40 times a second
 * and not 4. A turn of the event loop is shared by those that are quick: an idle server runs fifty of them a second.
 */
export class SharedTicks {
  readonly #periods = new Map<number, Period>();
  readonly #waiting: Member[] = [];
  #timer: NodeJS.Timeout | null = null;
  #timerDueMs = Infinity;
  #taking = false;

  /** As `Clock.every`; the first time comes after one period, and before two. */
  every(periodMs: number, run: () => void): Timer {
    const nowMs = performance.now();
    const period = this.#periods.get(periodMs) ?? { periodMs, members: new Set(), dueMs: 0 };
    if (period.members.size === 0) {
      period.dueMs = nextMultiple(periodMs, nowMs + periodMs);
      this.#periods.set(periodMs, period);
    }
    const member: Member = { run, fromMs: nowMs + periodMs, state: 'idle' };
    period.members.add(member);
    this.#schedule();
    return {
      cancel: () => {
        member.state = 'cancelled';
        period.members.delete(member);
        if (period.members.size > 0 || this.#periods.get(periodMs) !== period) return;
        this.#periods.delete(periodMs);
        this.#schedule();
      },
    };
  }

  #schedule(): void {
    let dueMs = Infinity;
    for (const period of this.#periods.values()) dueMs = Math.min(dueMs, period.dueMs);
    if (dueMs === this.#timerDueMs) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timerDueMs = dueMs;
    this.#timer =
      dueMs === Infinity
        ? null
        : setTimeout(() => this.#fire(), Math.max(1, Math.ceil(dueMs - performance.now()))).unref();
  }

  #fire(): void {
    const nowMs = performance.now() + SLACK_MS;
    for (const period of this.#periods.values()) {
      if (period.dueMs > nowMs) continue;
      for (const member of period.members) {
        if (member.state !== 'idle' || member.fromMs > nowMs) continue;
        member.state = 'waiting';
        this.#waiting.push(member);
      }
      period.dueMs = nextMultiple(period.periodMs, nowMs);
    }
    this.#timerDueMs = Infinity;
    this.#schedule();
    if (!this.#taking) void this.#takeSome();
  }

  /** Quick ones follow each other in one turn, each after the microtasks of the one before; where one throws, the others go on. */
  async #takeSome(): Promise<void> {
    this.#taking = true;
    const untilMs = performance.now() + MAX_SHARED_TURN_MS;
    do {
      runOne(this.#waiting.shift());
      if (this.#waiting.length > 0) await Promise.resolve();
    } while (this.#waiting.length > 0 && performance.now() < untilMs);
    this.#taking = this.#waiting.length > 0;
    if (this.#taking) setImmediate(() => void this.#takeSome());
  }
}

function runOne(member: Member | undefined): void {
  if (member?.state !== 'waiting') return;
  member.state = 'idle';
  try {
    member.run();
  } catch (thrown) {
    // As where it has a turn of its own.
    setImmediate(() => {
      throw thrown;
    });
  }
}

function nextMultiple(periodMs: number, afterMs: number): number {
  return (Math.floor(afterMs / periodMs) + 1) * periodMs;
}
