/** A transaction that PostgreSQL is asked to commit. */
export interface CommitTurn {
  /** Resolves when all that were asked for before have had their effects, or will not soon. */
  readonly before: Promise<void>;
  /** Its effects were run, or it has none, or it is not known whether it is to have any. */
  leave(): void;
}

/**
 * The order in which commits were asked for. Who waits for a row of another transaction asks for its own commit after the
 * other's is done; the answers come on different connections, in any order. Effects that are run in this order are
 * therefore run in the order of the commits, as far as two transactions have to do with each other.
 */
export class CommitOrder {
  #last: Promise<void> = Promise.resolve();

  enter(): CommitTurn {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = before.then(() => promise);
    return { before, leave: resolve };
  }
}
