import { nextTurn, OmoiError, SerialQueue, type Clock } from '#telemetry';

/** Where a search stands in what is ordered by time and then by the number of the row: the next is before it. */
export interface Position {
  readonly time: number;
  readonly row: number;
}

/** One step of a search: what fits among a bounded number of rows. */
export interface Slice<Found> {
  /** The newest first, each with where it stands. */
  readonly found: readonly { readonly item: Found; readonly at: Position }[];
  /** Where the next slice begins; null where nothing older is left. */
  readonly next: Position | null;
  /** The page ends behind what was found here, whatever its limit: it has become large. */
  readonly isFull?: boolean;
}

/** What was found, the newest first. */
export interface SearchPage<Found> {
  readonly found: readonly Found[];
  /** Where to go on, as `cursor` of the next query; null where all was searched. */
  readonly nextCursor: string | null;
}

/** A search that finds little looks at many rows; after this time it answers with what it has, and where to go on. */
const maxSearchMs = 5000;

/**
 * Searches a store in slices, the newest rows first. The slices of all searches of the store take turns, so that
 * whoever else reads the database waits for one of them at most.
 */
export class SlicedSearch {
  readonly #clock: Clock;
  readonly #turns = new SerialQueue();
  readonly #name: string;

  /** @param name begins the cursors: one of another search is refused */
  constructor(name: 'logs' | 'traces', clock: Clock) {
    this.#name = name;
    this.#clock = clock;
  }

  /**
   * @param from the cursor of the page before, or undefined for the newest
   * @param limit how many items at most
   * @param read gives the slice before a position; at most `limit` items of it
   * @throws OmoiError `invalid_request` where the cursor is none of this search
   */
  async run<Found>(
    { from, limit }: { readonly from: string | undefined; readonly limit: number },
    read: (before: Position | null, limit: number) => Promise<Slice<Found>>,
  ): Promise<SearchPage<Found>> {
    const found: Found[] = [];
    let before = from === undefined ? null : this.#positionOf(from);
    const endMs = this.#clock.monotonicMs() + maxSearchMs;
    for (;;) {
      const at = before;
      const slice = await this.#turns.run(() => read(at, limit - found.length));
      found.push(...slice.found.map(({ item }) => item));
      if (found.length >= limit || slice.isFull) {
        const last = slice.found.at(-1)?.at ?? at;
        return { found, nextCursor: last ? this.#cursorOf(last) : null };
      }
      if (slice.next === null) return { found, nextCursor: null };
      before = slice.next;
      if (this.#clock.monotonicMs() >= endMs) return { found, nextCursor: this.#cursorOf(before) };
      await nextTurn();
    }
  }

  #cursorOf({ time, row }: Position): string {
    return `${this.#name}.${time}.${row}`;
  }

  #positionOf(cursor: string): Position {
    const [, name, time, row] = /^(\w+)\.(\d{1,16})\.(\d{1,16})$/.exec(cursor) ?? [];
    if (name === this.#name) return { time: Number(time), row: Number(row) };
    throw new OmoiError(
      'invalid_request',
      `cursor: "${cursor}" is no next_cursor of a search of ${this.#name}`,
    );
  }
}
