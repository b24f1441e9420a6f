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
/**
 * More is none either: no host is that far behind and goes on. It was suspended, or all of the agents were, and what is on
 * time after that is on time.
 */
export const maxDelayMs = 30_000;
const BUCKETS = maxDelayMs / BUCKET_MS;
/** Of so many tokens the agents are compared; those of another one go by what is seen without them. */
export const maxTokensHeard = 100;

/** Who comes late: an agent that Omoi has started here, or one that says itself that it runs here. */
export type Vouching = 'started' | 'says_so';

/** An agent of this host. */
export interface Heard {
  readonly vouching: Vouching;
  /** The token that has registered one that Omoi has not started; null: that of a person, or none. */
  readonly registeredBy: string | null;
}

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
 * and is forgotten when `delayWindows` have passed without. Anybody may register agents that say they run here, and let them
 * come late: for those that Omoi has started, and for those of each token, it counts only as far as half of them come late, too.
 */
export class SchedulingDelay {
  readonly #clock: Clock;
  readonly #limits: DelayLimits;
  /** The greatest of each window, ms; the place of a window is its number modulo their count. */
  readonly #own: Float64Array;
  /** All that are heard in the present window. */
  readonly #heard = new Lateness();
  readonly #started: Group;
  /** Those that Omoi has not started, by the token that has registered them. */
  readonly #said = new Map<string | null, Group>();
  #window = 0;

  constructor(clock: Clock, limits: DelayLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#own = new Float64Array(limits.delayWindows);
    this.#started = new Group(limits.delayWindows);
    this.#window = this.#windowNow();
  }

  /** How late the server's own timer was lately, ms. */
  get ownMs(): number {
    this.#turn();
    return aboveJitter(this.#own.reduce(greater, 0));
  }

  /** How late half of this host's agents were lately, ms, as it counts for such an agent: what Omoi's own show counts for all. */
  togetherMs({ vouching, registeredBy }: Heard): number {
    this.#turn();
    const startedMs = this.#started.greatestMs;
    if (vouching === 'started') return aboveJitter(startedMs);
    return aboveJitter(Math.max(startedMs, this.#said.get(registeredBy)?.greatestMs ?? 0));
  }

  /** The greatest that counts for any agent of this host, ms. */
  get greatestMs(): number {
    this.#turn();
    let greatestMs = this.#started.greatestMs;
    for (const group of this.#said.values()) greatestMs = Math.max(greatestMs, group.greatestMs);
    return Math.max(this.ownMs, aboveJitter(greatestMs));
  }

  /** The server's own timer came so late. */
  own(lateMs: number): void {
    this.#turn();
    if (lateMs > maxDelayMs) return;
    const at = this.#window % this.#own.length;
    this.#own[at] = Math.max(this.#own[at] ?? 0, lateMs);
  }

  /** Nobody was late until now. */
  forget(): void {
    this.#own.fill(0);
    for (const group of this.#groups()) group.latestMs.fill(0);
  }

  /** An agent of this host gave a sign of life, so late. */
  heard(agent: Punctuality, lateMs: number, { vouching, registeredBy }: Heard): void {
    this.#turn();
    const bucket =
      lateMs > maxDelayMs ? 0 : Math.min(BUCKETS - 1, Math.max(0, Math.floor(lateMs / BUCKET_MS)));
    const before = agent.window === this.#window ? agent.bucket : null;
    if (before !== null && bucket <= before) return;
    agent.window = this.#window;
    agent.bucket = bucket;
    this.#heard.count(bucket, before);
    const group = vouching === 'started' ? this.#started : this.#groupOf(registeredBy);
    group?.heard.count(bucket, before);
    if (bucket > 0) this.#compare(upperMs(bucket));
  }

  /** How long a TTL is while the host is that far behind. */
  ttlMs(usualMs: number, delayMs: number): number {
    return Math.min(usualMs + delayMs, usualMs * this.#limits.maxTtlFactor);
  }

  *#groups(): Generator<Group, void> {
    yield this.#started;
    yield* this.#said.values();
  }

  /** Undefined where too many are known. */
  #groupOf(registeredBy: string | null): Group | undefined {
    const known = this.#said.get(registeredBy);
    if (known || this.#said.size >= maxTokensHeard) return known;
    const group = new Group(this.#limits.delayWindows);
    this.#said.set(registeredBy, group);
    return group;
  }

  /** Looks how late those are of whom half came so late, or later; one came by `latestMs` just now. */
  #compare(latestMs: number): void {
    const at = this.#window % this.#own.length;
    let allMs: number | null = null;
    for (const { heard, latestMs: latest } of this.#groups()) {
      const knownMs = latest[at] ?? 0;
      if (latestMs <= knownMs || !heard.hasLate) continue;
      allMs ??= this.#heard.ofHalfMs(this.#limits.minAgentsLate);
      if (allMs === 0) return;
      if (allMs > knownMs) latest[at] = Math.max(knownMs, Math.min(allMs, heard.ofHalfMs(1)));
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
      for (const { latestMs } of this.#groups()) latestMs[at] = 0;
    }
    this.#window = now;
    this.#heard.next(passed);
    this.#started.heard.next(passed);
    for (const [registeredBy, group] of this.#said) {
      group.heard.next(passed);
      if (group.heard.isSilent && group.greatestMs === 0) this.#said.delete(registeredBy);
    }
  }

  #windowNow(): number {
    return Math.floor(this.#clock.monotonicMs() / this.#limits.delayWindowMs);
  }
}

/** Agents that are believed of each other: how late they come in the present window, and how late they came together. */
class Group {
  readonly heard = new Lateness();
  /** Of each window, ms. */
  readonly latestMs: Float64Array;

  constructor(windows: number) {
    this.latestMs = new Float64Array(windows);
  }

  get greatestMs(): number {
    return this.latestMs.reduce(greater, 0);
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
  #late = 0;

  /** Whether one comes late. */
  get hasLate(): boolean {
    return this.#late > 0;
  }

  /** Whether nobody was heard in this window and the one before. */
  get isSilent(): boolean {
    return this.#count === 0 && this.#countBefore === 0;
  }

  /** @param before where it counted in this window until now; null: nowhere */
  count(bucket: number, before: number | null): void {
    if (bucket > 0 && (before ?? 0) === 0) this.#late++;
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
    this.#late = 0;
  }
}

const upperMs = (bucket: number): number => (bucket + 1) * BUCKET_MS;
const greater = (one: number, other: number): number => Math.max(one, other);
const aboveJitter = (ms: number): number => (ms < MIN_DELAY_MS ? 0 : ms);
