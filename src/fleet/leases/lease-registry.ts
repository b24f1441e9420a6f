import type { Clock } from '#telemetry';
import { DueTimes } from './due-times.ts';
import type { StallWatch } from './stall-watch.ts';

/** Who holds something: an agent's generation. */
export interface Holder {
  readonly agentId: string;
  readonly generation: number;
}

export interface Lease extends Holder {
  readonly id: string;
  /** Tells this lease from earlier and later ones of the same thing: a claim's attempt, a lock's fencing token. */
  readonly term: number;
  readonly lengthMs: number;
  /** For how long it can be held, however often it is renewed; null: for ever. */
  readonly limitMs: number | null;
  /** Monotonic: when it ends however often it is renewed; null: never. */
  readonly limitAtMs: number | null;
  /** Monotonic. */
  renewedAtMs: number;
  /** Wall ms since epoch: what holders are told. */
  untilMs: number;
  /** While its end is being committed a lease can't be renewed. */
  ending: boolean;
}

/**
 * The leases that run, by the monotonic clock. The database knows who holds what; this registry alone knows until
 * when, so that renewing costs no commit. A restart or a stall of the server gives every lease its whole length
 * again: nobody loses work because Omoi was away.
 */
export class LeaseRegistry {
  readonly #clock: Clock;
  readonly #stall: StallWatch;
  readonly #leases = new Map<string, Lease>();
  /** When each has run out at the earliest: one that was renewed has more time when its turn comes. */
  readonly #due: DueTimes<Lease>;

  constructor(clock: Clock, stall: StallWatch) {
    this.#clock = clock;
    this.#stall = stall;
    this.#due = new DueTimes(clock.monotonicMs());
  }

  get size(): number {
    return this.#leases.size;
  }

  /** @param lease.heldMs for how much of its `limitMs` it has been held already */
  begin(
    lease: Holder & {
      readonly id: string;
      readonly term: number;
      readonly lengthMs: number;
      readonly limitMs?: number | null;
      readonly heldMs?: number;
    },
  ): Lease {
    const nowMs = this.#clock.monotonicMs();
    const { limitMs = null, heldMs = 0 } = lease;
    const begun: Lease = {
      id: lease.id,
      agentId: lease.agentId,
      generation: lease.generation,
      term: lease.term,
      lengthMs: lease.lengthMs,
      limitMs,
      limitAtMs: limitMs === null ? null : nowMs + Math.max(0, limitMs - heldMs),
      renewedAtMs: nowMs,
      untilMs: this.#clock.wallMs() + lease.lengthMs,
      ending: false,
    };
    this.end(lease.id);
    this.#leases.set(lease.id, begun);
    this.#due.set(begun, Math.min(nowMs + begun.lengthMs, begun.limitAtMs ?? Infinity));
    return begun;
  }

  get(id: string): Lease | undefined {
    return this.#leases.get(id);
  }

  /** Gives the lease its whole length again; false where it is not (or no longer) this holder's. */
  renew(id: string, holder: Holder): boolean {
    const lease = this.#leases.get(id);
    if (
      !lease ||
      lease.ending ||
      isOverLimit(lease, this.#clock.monotonicMs()) ||
      lease.agentId !== holder.agentId ||
      lease.generation !== holder.generation
    ) {
      return false;
    }
    lease.renewedAtMs = this.#clock.monotonicMs();
    lease.untilMs = this.#clock.wallMs() + lease.lengthMs;
    return true;
  }

  end(id: string): Lease | undefined {
    const lease = this.#leases.get(id);
    if (!lease) return undefined;
    this.#leases.delete(id);
    this.#due.delete(lease);
    return lease;
  }

  /** Takes back that a lease is ending: its end could not be committed, and is tried again. */
  keep(lease: Lease): void {
    if (this.#leases.get(lease.id) !== lease) return;
    lease.ending = false;
    this.#due.set(lease, this.#clock.monotonicMs());
  }

  /** Up to `max` leases that have run out, or over their limits, and that nobody is ending yet; they are marked as ending. */
  takeExpired(max: number): Lease[] {
    const nowMs = this.#clock.monotonicMs();
    const expired: Lease[] = [];
    for (const lease of this.#due.take(nowMs)) {
      const leftMs = lease.lengthMs - this.#stall.silenceMs(lease.renewedAtMs);
      if (leftMs > 0 && !isOverLimit(lease, nowMs)) {
        this.#due.set(lease, Math.min(nowMs + leftMs, lease.limitAtMs ?? Infinity));
        continue;
      }
      lease.ending = true;
      expired.push(lease);
      if (expired.length === max) break;
    }
    return expired;
  }
}

/** Whether a lease has been held for as long as it may be. */
export function isOverLimit({ limitAtMs }: Pick<Lease, 'limitAtMs'>, nowMonotonicMs: number): boolean {
  return limitAtMs !== null && nowMonotonicMs >= limitAtMs;
}
