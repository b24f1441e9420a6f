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
  /** Omoi itself has not listened for long enough: a start, a reboot, a stall, an outage of the database. */
  | { readonly kind: 'outage' }
  /** Most of the domain went at once; `counted` were held against their tasks before that was known. */
  | { readonly kind: 'many_at_once'; readonly counted: readonly CountedLoss[] };

/** A loss that was counted: of the claim with this attempt number. */
export interface CountedLoss {
  readonly taskId: string;
  readonly attempt: number;
}

interface Seen {
  readonly atMs: number;
  readonly explained: boolean;
}

interface Domain {
  /** How many lived before the first of the lost went. */
  readonly size: number;
  readonly lost: Map<string, Seen>;
  /** What was held against tasks, by who had lost them. */
  readonly counted: Map<string, readonly CountedLoss[]>;
  explained: number;
}

interface JudgeLimits {
  readonly massLossWindowMs: number;
  readonly lossTrustMs: number;
}

/** Fewer than this are not many, whatever the size of their domain. */
const fewestMany = 2;

/**
 * Tells a task that ends its holders from holders that end for reasons of their own. It remembers who was lost in each
 * domain within a window; what was counted before the others went is given back. All in memory: after a restart of the
 * server losses are not trusted anyway until the window has passed.
 */
export class LossJudge {
  readonly #clock: Clock;
  readonly #stall: Pick<StallWatch, 'trustedSinceMs'>;
  readonly #limits: JudgeLimits;
  readonly #domains = new Map<string | null, Domain>();
  #outageAtMs = -Infinity;

  constructor(clock: Clock, stall: Pick<StallWatch, 'trustedSinceMs'>, limits: JudgeLimits) {
    this.#clock = clock;
    this.#stall = stall;
    this.#limits = limits;
  }

  /** The database could not be written: who is lost now may have waited for an answer in vain. */
  outage(): void {
    this.#outageAtMs = this.#clock.monotonicMs();
  }

  /** Judges a holder's end, also of one that held nothing: it is one of many, or not. */
  judge(holder: LostHolder): LossJudgement {
    const nowMs = this.#clock.monotonicMs();
    const domain = this.#domainOf(holder, nowMs);
    const key = keyOf(holder);
    if (!domain.lost.has(key)) {
      domain.lost.set(key, { atMs: nowMs, explained: holder.explained });
      if (holder.explained) domain.explained++;
    }
    const trustedSinceMs = Math.max(this.#stall.trustedSinceMs, this.#outageAtMs);
    if (nowMs - trustedSinceMs < this.#limits.lossTrustMs) return { kind: 'outage' };
    const unexplained = domain.lost.size - domain.explained;
    const others = domain.size - domain.explained;
    if (unexplained < fewestMany || unexplained * 2 <= others) return { kind: 'counts' };
    return { kind: 'many_at_once', counted: [...domain.counted.values()].flat() };
  }

  /** After the commit: these losses were counted. */
  counted(holder: Holder & { readonly poolId: string | null }, losses: readonly CountedLoss[]): void {
    const domain = this.#domains.get(holder.poolId);
    const key = keyOf(holder);
    if (domain?.lost.has(key)) domain.counted.set(key, [...(domain.counted.get(key) ?? []), ...losses]);
  }

  /** After the commit: what was counted in the domain's window has been given back. */
  givenBack(poolId: string | null): void {
    this.#domains.get(poolId)?.counted.clear();
  }

  /** The domain with those who were lost within the window; its size is taken when the first of them goes. */
  #domainOf({ poolId, living }: LostHolder, nowMs: number): Domain {
    const known = this.#domains.get(poolId);
    if (known) {
      for (const [key, { atMs, explained }] of known.lost) {
        if (nowMs - atMs <= this.#limits.massLossWindowMs) break;
        known.lost.delete(key);
        known.counted.delete(key);
        if (explained) known.explained--;
      }
      if (known.lost.size > 0) return known;
    }
    const domain = { size: living, lost: new Map(), counted: new Map(), explained: 0 };
    this.#domains.set(poolId, domain);
    return domain;
  }
}

function keyOf({ agentId, generation }: Holder): string {
  return `${agentId}/${generation}`;
}
