import { OmoiError, type Clock } from '#telemetry';

/** When something was seen, on both clocks: the monotonic one does not count what a suspended machine slept. */
export interface ProofMoment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** The database is away: since when, and what its client says. */
export interface Outage {
  readonly sinceMonotonicMs: number;
  readonly reason: string;
}

/**
 * Whether this server is the one in charge of the state, as far as it can prove that now. Whoever answers from memory, or
 * acts outside of the database, asks before; what is written is checked in its transaction besides. On SQLite the lock of
 * the directory proves it for good.
 */
export class Leadership {
  readonly #clock: Clock;
  #proof: { readonly at: ProofMoment; readonly ttlMs: number } | null = null;
  #outage: Outage | null = null;
  #fencedBy: OmoiError | null = null;
  readonly #fenced = Promise.withResolvers<OmoiError>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves, with `server_fenced`, when another server has taken over; `boot_id` in its details is the other's, where it is known. */
  get fenced(): Promise<OmoiError> {
    return this.#fenced.promise;
  }

  get fencedBy(): OmoiError | null {
    return this.#fencedBy;
  }

  get outage(): Outage | null {
    return this.#outage;
  }

  now(): ProofMoment {
    return { monotonicMs: this.#clock.monotonicMs(), wallMs: this.#clock.wallMs() };
  }

  /** The lease was renewed by what was asked at this moment: it holds for `ttlMs` from then on. */
  proven(at: ProofMoment, ttlMs: number): void {
    this.#proof = { at, ttlMs };
    this.#outage = null;
  }

  /** The database does not answer. */
  away(reason: string): void {
    const { sinceMonotonicMs } = this.#outage ?? { sinceMonotonicMs: this.#clock.monotonicMs() };
    this.#outage = { sinceMonotonicMs, reason };
  }

  /** Another server is in charge: this one never is again. */
  fence(by: OmoiError): void {
    this.#fencedBy ??= by;
    this.#fenced.resolve(this.#fencedBy);
  }

  /**
   * Why this server can't say that it is in charge; null while it can: `server_fenced`, or `database_failed` where its
   * lease has run out without an answer, as after a stop of the process or while the database is away.
   */
  get doubt(): OmoiError | null {
    if (this.#fencedBy) return this.#fencedBy;
    if (!this.#proof) return null;
    const unprovenMs = this.#unprovenMs(this.#proof.at);
    if (unprovenMs < this.#proof.ttlMs) return null;
    return new OmoiError(
      'database_failed',
      `PostgreSQL has not confirmed for ${Math.round(unprovenMs / 1000)} s that this server is in charge: another may have taken over. It is asked again until it answers`,
    );
  }

  /** Whether others are heard now as they should be: their silence counts only then. */
  get listens(): boolean {
    return this.#outage === null && this.doubt === null;
  }

  /** Whichever clock says more: a step of the wall clock costs one renewal at most. */
  #unprovenMs(at: ProofMoment): number {
    const now = this.now();
    return Math.max(now.monotonicMs - at.monotonicMs, now.wallMs - at.wallMs);
  }
}
