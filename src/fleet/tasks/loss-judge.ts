import type { Clock } from '#telemetry';
import type { Holder } from '../leases/lease-registry.ts';
import type { StallWatch } from '../leases/stall-watch.ts';

/** An agent's generation that ended or hung by itself, with what it held. */
export interface LostHolder extends Holder {
  /** The failure domain: a pool, or null for agents of none. */
  readonly poolId: string | null;
  /** How many agents of the domain lived before, this one included. */
  readonly living: number;
  /** It held nothing but a task that has been lost before: that explains its end without the others. */
  readonly explained: boolean;
}

/** Whether its losses count as attempts of the tasks that it held; if not, why not. */
export type LossJudgement =
  | { readonly kind: 'counts' }
  /**
   * Omoi itself has not listened for long enough: a start, a reboot, a stall, an outage of the database. Where most of the domain
   * is gone, `counted` was held against tasks of those who went just before.
   */
  | { readonly kind: 'outage'; readonly counted: CountedLosses }
  /** Most of the domain went at once; `counted` was held against their tasks before that was known. */
  | { readonly kind: 'many_at_once'; readonly counted: CountedLosses };

/** The tasks whose losses were counted, by who had lost them. */
export type CountedLosses = ReadonlyMap<string, readonly string[]>;

interface Seen {
  readonly agentId: string;
  readonly atMs: number;
  /** How many of the domain lived before it went, itself included. */
  readonly living: number;
  readonly explained: boolean;
}

interface Domain {
  /** When its last end was judged. */
  judgedAtMs: number;
  /** Within the window, the first in front. */
  readonly lost: Map<string, Seen>;
  counted: Map<string, readonly string[]>;
  /** How many ends of each agent are in `lost`, of several generations perhaps. */
  readonly ends: Map<string, { all: number; unexplained: number }>;
  /** Agents that have an end that no task explains: one that ends again and again is still one. */
  unexplained: number;
}

interface JudgeLimits {
  readonly massLossWindowMs: number;
  readonly lossTrustMs: number;
}

/** Fewer than this are not many, whatever the size of their domain. */
const fewestMany = 2;

/**
 * Tells a task that ends its holders from holders that end for reasons of their own. It remembers who was lost in each
 * domain within a window; what was counted before the others went is given back. In memory; at a start those who went in the last
 * moments of the server before are `known`, and losses are not trusted until the window has passed.
 */
export class LossJudge {
  readonly #clock: Clock;
  readonly #stall: Pick<StallWatch, 'trustedSinceMs'>;
  readonly #limits: JudgeLimits;
  /** Whose end was judged last is the last one. */
  readonly #domains = new Map<string | null, Domain>();
  #outageAtMs = -Infinity;

  constructor(clock: Clock, stall: Pick<StallWatch, 'trustedSinceMs'>, limits: JudgeLimits) {
    this.#clock = clock;
    this.#stall = stall;
    this.#limits = limits;
  }

  /** How many domains are remembered: those in which somebody was lost of late. */
  get domainCount(): number {
    return this.#domains.size;
  }

  /** The database could not be written: who is lost now may have waited for an answer in vain. */
  outage(): void {
    this.#outageAtMs = this.#clock.monotonicMs();
  }

  /**
   * Judges a holder's end, also of one that held nothing: it is one of many, or not. What is then to be given back is
   * given out once; `notGivenBack` takes it in again.
   */
  judge(holder: LostHolder): LossJudgement {
    const nowMs = this.#clock.monotonicMs();
    const domain = this.#domainOf(holder, nowMs);
    const key = keyOf(holder);
    if (!domain.lost.has(key)) {
      const { agentId, living, explained } = holder;
      const seen = { agentId, atMs: nowMs, living, explained };
      domain.lost.set(key, seen);
      countEnd(domain, seen, 1);
    }
    const trustedSinceMs = Math.max(this.#stall.trustedSinceMs, this.#outageAtMs);
    const isOutage = nowMs - trustedSinceMs < this.#limits.lossTrustMs;
    const { unexplained } = domain;
    const others = sizeOf(domain, holder.living) - (domain.ends.size - unexplained);
    const areMany = unexplained >= fewestMany && unexplained * 2 > others;
    if (!areMany) return isOutage ? { kind: 'outage', counted: new Map() } : { kind: 'counts' };
    const { counted } = domain;
    domain.counted = new Map();
    return { kind: isOutage ? 'outage' : 'many_at_once', counted };
  }

  /** At a start: one that had ended or hung just before, and the tasks against which that was counted. */
  known(holder: LostHolder, taskIds: readonly string[]): void {
    const judged = this.judge(holder);
    if (judged.kind !== 'counts') this.notGivenBack(holder.poolId, judged.counted);
    this.counted(holder, taskIds);
  }

  /** After the commit: the losses of these tasks were counted. */
  counted(holder: Holder & { readonly poolId: string | null }, taskIds: readonly string[]): void {
    const domain = this.#domains.get(holder.poolId);
    if (domain) addCounted(domain, keyOf(holder), taskIds);
  }

  /** After a rollback: it is to be given back by who goes next. */
  notGivenBack(poolId: string | null, counted: CountedLosses): void {
    const domain = this.#domains.get(poolId);
    if (domain) for (const [key, taskIds] of counted) addCounted(domain, key, taskIds);
  }

  /** The domain with those who were lost within the window. */
  #domainOf({ poolId }: LostHolder, nowMs: number): Domain {
    for (const [other, { judgedAtMs }] of this.#domains) {
      if (nowMs - judgedAtMs <= this.#limits.massLossWindowMs) break;
      this.#domains.delete(other);
    }
    const domain = this.#domains.get(poolId) ?? {
      judgedAtMs: nowMs,
      lost: new Map<string, Seen>(),
      counted: new Map<string, readonly string[]>(),
      ends: new Map<string, { all: number; unexplained: number }>(),
      unexplained: 0,
    };
    domain.judgedAtMs = nowMs;
    this.#domains.delete(poolId);
    this.#domains.set(poolId, domain);
    for (const [key, seen] of domain.lost) {
      if (nowMs - seen.atMs <= this.#limits.massLossWindowMs) break;
      domain.lost.delete(key);
      domain.counted.delete(key);
      countEnd(domain, seen, -1);
    }
    return domain;
  }
}

function countEnd(domain: Domain, { agentId, explained }: Seen, change: 1 | -1): void {
  const ends = domain.ends.get(agentId) ?? { all: 0, unexplained: 0 };
  const wasUnexplained = ends.unexplained > 0;
  ends.all += change;
  if (!explained) ends.unexplained += change;
  if (ends.all > 0) domain.ends.set(agentId, ends);
  else domain.ends.delete(agentId);
  domain.unexplained += Number(ends.unexplained > 0) - Number(wasUnexplained);
}

/** How many lived before the first of the lost went; more, where the domain has grown since. */
function sizeOf({ lost }: Domain, living: number): number {
  const [first] = lost.values();
  return Math.max(first?.living ?? 0, living);
}

/** What is out of the window counts for good. */
function addCounted(domain: Domain, key: string, taskIds: readonly string[]): void {
  if (domain.lost.has(key)) domain.counted.set(key, [...(domain.counted.get(key) ?? []), ...taskIds]);
}

function keyOf({ agentId, generation }: Holder): string {
  return `${agentId}/${generation}`;
}
