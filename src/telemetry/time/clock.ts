/** A running timer. */
export interface Timer {
  /** Does nothing when the timer has already fired. */
  cancel(): void;
}

/** A boot in which what is persisted was worked on: when it was taken up, on both clocks. */
export interface Boot {
  readonly bootId: string;
  /** Ms on its boot clock. */
  readonly bootMs: number;
  /** Ms since the Unix epoch; on PostgreSQL by the database's clock. */
  readonly wallMs: number;
}

/** The only source of time. Code outside `server` never calls `Date.now` or `setTimeout`. */
export interface Clock {
  /** Milliseconds since the Unix epoch, with fractions. What is persisted uses this. */
  wallMs(): number;
  /** Milliseconds since an arbitrary start; never goes back. Lateness and latency are judged by this alone. */
  monotonicMs(): number;
  /**
   * Milliseconds that the calling thread has been at work, since an arbitrary start; never goes back. What work costs is
   * judged by this: the time in which others had the CPU is not the work's. Counted in ticks of the kernel, usually 4 ms:
   * over less than a few of them it says little.
   */
  cpuMs(): number;
  /**
   * Milliseconds since the machine was booted, with fractions: goes on over restarts of the process, and never back within
   * one boot. What is persisted keeps it beside wall time (`PersistedDuration`).
   */
  bootMs(): number;
  /** Which boot of which machine that is: another id, another boot clock. */
  readonly bootId: string;
  /** The boots in which what is persisted was worked on, the present one last; absent where nothing was taken up. */
  readonly boots?: readonly Boot[];
  /** Calls `run` once after `delayMs`; where that has passed already (0 or less), in the next turn of the event loop. */
  after(delayMs: number, run: () => void): Timer;
  /**
   * Calls `run` every `periodMs`, first after one period, where many share their moments up to two; a period missed by a
   * stall is not made up for.
   */
  every(periodMs: number, run: () => void): Timer;
}

/** RFC 3339 in UTC with milliseconds. */
export function toRfc3339(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

/** As `toRfc3339`, for a time that may not have come yet. */
export function toRfc3339OrNull(epochMs: number | null | undefined): string | null {
  return epochMs === null || epochMs === undefined ? null : toRfc3339(epochMs);
}
