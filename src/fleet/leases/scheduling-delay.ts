import type { Clock } from '#telemetry';

export interface DelayLimits {
  /** Delays are kept by windows of this length … */
  readonly delayWindowMs: number;
  /** … and count for so many of them, the present one among them. */
  readonly delayWindows: number;
  /** So many agents of this host have to come late in one window, at least, and half of those heard in it or the one before. */
  readonly minAgentsLate: number;
  /** A heartbeat TTL becomes longer by the delay, and no longer than so many times itself. */
  readonly maxTtlFactor: number;
}

/** Less is no delay: a tick of the event loop, the jitter of a timer. */
const MIN_DELAY_MS = 100;
const BUCKET_MS = 100;
/** Later than the last one nobody is said to be: 30 s, more than any TTL becomes longer by. */
const BUCKETS = 300;

/** Who comes late: an agent that Omoi has started here, or one that says itself that it runs here. */
export type Vouching = 'started' | 'says_so';

/** In which window an agent was last heard, and how late it came in it at most. Each agent of this host has one. */
export interface Punctuality {
  window: number;
  bucket: number;
}

export function newPunctuality(): Punctuality {
  return { window: -1, bucket: 0 };
}

/**
 * How far this host is behind: how late the server's own timer comes, and how late the agents of this host beat together.
 * One agent that comes late has its own reasons; half of them come late because they do not get the CPU. It grows at once,
 * and is forgotten when `delayWindows` have passed without. Anybody may register agents that say they run here: for those
 * that Omoi has started it counts only as far as half of them come late, too.
 */
export class SchedulingDelay {
  readonly #clock: Clock;
  readonly #limits: DelayLimits;
  /** The greatest of each window, ms; the place of a window is its number modulo their count. */
  readonly #own: Float64Array;
  readonly #together: Readonly<Record<Vouching, Float64Array>>;
  /** All that are heard in the present window, and of them those that Omoi has started. */
  readonly #heard = new Lateness();
  readonly #heardStarted = new Lateness();
  #window = 0;

  constructor(clock: Clock, limits: DelayLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#own = new Float64Array(limits.delayWindows);
    const windows = (): Float64Array => new Float64Array(limits.delayWindows);
    this.#together = { started: windows(), says_so: windows() };
    this.#window = this.#windowNow();
  }

  /** How late the server's own timer was lately, ms. */
  get ownMs(): number {
    this.#turn();
    return aboveJitter(this.#own.reduce(greater, 0));
  }

  /** How late half of this host's agents were lately, ms, as it counts for such an agent. */
  togetherMs(agent: Vouching): number {
    this.#turn();
    return aboveJitter(this.#together[agent].reduce(greater, 0));
  }

  /** The server's own timer came so late. */
  own(lateMs: number): void {
    this.#turn();
    const at = this.#window % this.#own.length;
    this.#own[at] = Math.max(this.#own[at] ?? 0, lateMs);
  }

  /** Nobody was late until now. */
  forget(): void {
    this.#own.fill(0);
    for (const together of Object.values(this.#together)) together.fill(0);
  }

  /** An agent of this host gave a sign of life, so late. */
  heard(agent: Punctuality, lateMs: number, vouching: Vouching): void {
    this.#turn();
    const bucket = Math.min(BUCKETS - 1, Math.max(0, Math.floor(lateMs / BUCKET_MS)));
    const before = agent.window === this.#window ? agent.bucket : null;
    if (before !== null && bucket <= before) return;
    agent.window = this.#window;
    agent.bucket = bucket;
    this.#heard.count(bucket, before);
    if (vouching === 'started') this.#heardStarted.count(bucket, before);
    if (bucket > 0) this.#compare(upperMs(bucket));
  }

  /** How long a TTL is while the host is that far behind. */
  ttlMs(usualMs: number, delayMs: number): number {
    return Math.min(usualMs + delayMs, usualMs * this.#limits.maxTtlFactor);
  }

  /** Looks how late those are of whom half came so late, or later; one came by `latestMs` just now. */
  #compare(latestMs: number): void {
    const { started, says_so: all } = this.#together;
    const at = this.#window % all.length;
    if (latestMs <= Math.min(all[at] ?? 0, started[at] ?? 0)) return;
    const allMs = this.#heard.ofHalfMs(this.#limits.minAgentsLate);
    all[at] = Math.max(all[at] ?? 0, allMs);
    started[at] = Math.max(started[at] ?? 0, Math.min(allMs, this.#heardStarted.ofHalfMs(1)));
  }

  /** Empties what has been passed since: at most all windows. */
  #turn(): void {
    const now = this.#windowNow();
    if (now === this.#window) return;
    const passed = Math.min(now - this.#window, this.#own.length);
    for (let back = 0; back < passed; back++) {
      const at = (now - back) % this.#own.length;
      this.#own[at] = 0;
      this.#together.started[at] = 0;
      this.#together.says_so[at] = 0;
    }
    this.#window = now;
    for (const heard of [this.#heard, this.#heardStarted]) heard.next(passed);
  }

  #windowNow(): number {
    return Math.floor(this.#clock.monotonicMs() / this.#limits.delayWindowMs);
  }
}

/**
 * How many agents came how late in a window: each counts once, by the latest that it came. Those who come first in one are not
 * taken for all: half of those of the window before are as many as it takes, too.
 */
class Lateness {
  readonly #byBucket = new Uint32Array(BUCKETS);
  #count = 0;
  /** Of the window before. */
  #countBefore = 0;

  /** @param before where it counted in this window until now; null: nowhere */
  count(bucket: number, before: number | null): void {
    if (before === null) this.#count++;
    else this.#byBucket[before] = (this.#byBucket[before] ?? 0) - 1;
    this.#byBucket[bucket] = (this.#byBucket[bucket] ?? 0) + 1;
  }

  /** How late those are of whom half came so late or later, and so many at least, ms; 0 where there are none. */
  ofHalfMs(minAgents: number): number {
    const needed = Math.max(minAgents, Math.ceil(Math.max(this.#count, this.#countBefore) / 2));
    let later = 0;
    for (let bucket = BUCKETS - 1; bucket > 0; bucket--) {
      later += this.#byBucket[bucket] ?? 0;
      if (later >= needed) return upperMs(bucket);
    }
    return 0;
  }

  /** @param passed how many windows have begun since: but for the last one nobody was heard in them */
  next(passed: number): void {
    this.#byBucket.fill(0);
    this.#countBefore = passed === 1 ? this.#count : 0;
    this.#count = 0;
  }
}

const upperMs = (bucket: number): number => (bucket + 1) * BUCKET_MS;
const greater = (one: number, other: number): number => Math.max(one, other);
const aboveJitter = (ms: number): number => (ms < MIN_DELAY_MS ? 0 : ms);
