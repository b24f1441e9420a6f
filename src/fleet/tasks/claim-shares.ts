import { placeOf } from './claim-lines.ts';

/** A claim that waits. */
interface Sharer {
  /** The lower, the longer it has waited. */
  readonly ticket: number;
  /** Whose claims share what one of them may have: a pool, a token, or all agents that are of neither. */
  readonly owner: string;
  /** In so many lines it stands. */
  readonly places: number;
}

interface Share<Waiter> {
  /** In the order of their tickets. */
  readonly waiters: Waiter[];
  places: number;
}

/** What there is to be shared: claims that wait, and the places in lines that they take. */
type Shared = 'claims' | 'places';

/** Whose claims wait, so that each owner has its part of what all may have. */
export class ClaimShares<Waiter extends Sharer> {
  readonly #shares = new Map<string, Share<Waiter>>();

  enter(waiter: Waiter): void {
    const { owner, ticket, places } = waiter;
    const share = this.#shares.get(owner) ?? { waiters: [], places: 0 };
    this.#shares.set(owner, share);
    share.waiters.splice(placeOf(share.waiters, ticket), 0, waiter);
    share.places += places;
  }

  leave({ owner, ticket, places }: Waiter): void {
    const share = this.#shares.get(owner);
    if (!share) return;
    share.waiters.splice(placeOf(share.waiters, ticket), 1);
    share.places -= places;
    if (share.waiters.length === 0) this.#shares.delete(owner);
  }

  /**
   * The claim that makes room for one of an owner: the newest of who has the most. Null where the owner has its part, which
   * is as much as each other's. Looks at all owners, but only for one that has less than that.
   */
  displacedBy(owner: string, shared: Shared, max: number): Waiter | null {
    const own = this.#shares.get(owner);
    const owners = this.#shares.size + (own ? 0 : 1);
    if (sizeOf(own, shared) + 1 > max / owners) return null;
    let greediest: Share<Waiter> | undefined;
    for (const share of this.#shares.values()) {
      if (sizeOf(share, shared) > sizeOf(greediest, shared)) greediest = share;
    }
    return greediest === own ? null : (greediest?.waiters.at(-1) ?? null);
  }
}

function sizeOf(share: Share<unknown> | undefined, shared: Shared): number {
  if (!share) return 0;
  return shared === 'claims' ? share.waiters.length : share.places;
}
