import type { Clock } from '#telemetry';

export interface DelayLimits {
  /** Delays are kept by windows of this length … */
  readonly delayWindowMs: number;
  /** … and count for so many of them, the present one among them. */
  readonly delayWindows: number;
  /** So many agents of this host have to come late in one window, at least, and half of those that are heard in it. */
  readonly minAgentsLate: number;
  /** A heartbeat TTL becomes longer by the delay, and no longer than so many times itself. */
  readonly maxTtlFactor: number;
}

/** Less is no delay: a tick of the event loop, the jitter of a timer. */
const MIN_DELAY_MS = 100;
const BUCKET_MS = 100;
/** Later than the last one nobody is said to be: 30 s, more than any TTL becomes longer by. */
const BUCKETS = 300;

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
 * and is forgotten when `delayWindows` have passed without.
 */
export class SchedulingDelay {
  readonly #clock: Clock;
  readonly #limits: DelayLimits;
  /** The greatest of each window, ms; the place of a window is its number modulo their count. */
  readonly #own: Float64Array;
  readonly #together: Float64Array;
  /** Of the agents heard in the present window: how many came at most so late, by buckets. */
  readonly #heard = new Uint32Array(BUCKETS);
  #heardCount = 0;
  #window = 0;

  constructor(clock: Clock, limits: DelayLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#own = new Float64Array(limits.delayWindows);
    this.#together = new Float64Array(limits.delayWindows);
    this.#window = this.#windowNow();
  }

  /** How late the server's own timer was lately, ms. */
  get ownMs(): number {
    this.#turn();
    return aboveJitter(this.#own.reduce(greater, 0));
  }

  /** How late half of this host's agents were lately, ms. */
  get togetherMs(): number {
    this.#turn();
    return aboveJitter(this.#together.reduce(greater, 0));
  }

  /** The server's own timer came so late. */
  own(lateMs: number): void {
    this.#turn();
    const at = this.#window % this.#own.length;
    this.#own[at] = Math.max(this.#own[at] ?? 0, lateMs);
  }

  /** An agent of this host gave a sign of life, so late. */
  heard(agent: Punctuality, lateMs: number): void {
    this.#turn();
    const bucket = Math.min(BUCKETS - 1, Math.max(0, Math.floor(lateMs / BUCKET_MS)));
    if (agent.window === this.#window) {
      if (bucket <= agent.bucket) return;
      this.#count(agent.bucket, -1);
    } else {
      agent.window = this.#window;
      this.#heardCount++;
    }
    agent.bucket = bucket;
    this.#count(bucket, 1);
    const at = this.#window % this.#together.length;
    if (bucket > 0 && upperMs(bucket) > (this.#together[at] ?? 0)) this.#compare(at);
  }

  /** How long a TTL is while the host is that far behind. */
  ttlMs(usualMs: number, delayMs: number): number {
    return Math.min(usualMs + delayMs, usualMs * this.#limits.maxTtlFactor);
  }

  #count(bucket: number, change: 1 | -1): void {
    this.#heard[bucket] = (this.#heard[bucket] ?? 0) + change;
  }

  /** Looks how late those are of whom half came so late, or later. */
  #compare(at: number): void {
    const needed = Math.max(this.#limits.minAgentsLate, Math.ceil(this.#heardCount / 2));
    let later = 0;
    for (let bucket = BUCKETS - 1; bucket > 0; bucket--) {
      later += this.#heard[bucket] ?? 0;
      if (later < needed) continue;
      this.#together[at] = Math.max(this.#together[at] ?? 0, upperMs(bucket));
      return;
    }
  }

  /** Empties what has been passed since: at most all windows. */
  #turn(): void {
    const now = this.#windowNow();
    if (now === this.#window) return;
    const passed = Math.min(now - this.#window, this.#own.length);
    for (let back = 0; back < passed; back++) {
      const at = (now - back) % this.#own.length;
      this.#own[at] = 0;
      this.#together[at] = 0;
    }
    this.#window = now;
    this.#heard.fill(0);
    this.#heardCount = 0;
  }

  #windowNow(): number {
    return Math.floor(this.#clock.monotonicMs() / this.#limits.delayWindowMs);
  }
}

const upperMs = (bucket: number): number => (bucket + 1) * BUCKET_MS;
const greater = (one: number, other: number): number => Math.max(one, other);
const aboveJitter = (ms: number): number => (ms < MIN_DELAY_MS ? 0 : ms);
