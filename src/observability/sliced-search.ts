import { nextTurn, PageCursors, SerialQueue, type Clock } from '#telemetry';

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

  /** @param name of what is searched */
  constructor(name: 'logs' | 'traces', clock: Clock) {
    this.#name = name;
    this.#clock = clock;
  }

  /**
   * @param query the filters, how many items at most, and the cursor of the page before: none for the newest
   * @param read gives the slice before a position; at most `limit` items of it
   * @throws OmoiError `invalid_cursor` where the cursor is none of this search
   */
  async run<Found>(
    { cursor, limit, ...filters }: { readonly cursor?: string; readonly limit: number },
    read: (before: Position | null, limit: number) => Promise<Slice<Found>>,
  ): Promise<SearchPage<Found>> {
    const found: Found[] = [];
    const cursors = new PageCursors(this.#name, filters);
    let before = cursor === undefined ? null : parsePlace(cursors.placeOf(cursor));
    const endMs = this.#clock.monotonicMs() + maxSearchMs;
    for (;;) {
      const at = before;
      const slice = await this.#turns.run(() => read(at, limit - found.length));
      found.push(...slice.found.map(({ item }) => item));
      if (found.length >= limit || slice.isFull) {
        const last = slice.found.at(-1)?.at ?? at;
        return { found, nextCursor: last ? cursors.at(formatPlace(last)) : null };
      }
      if (slice.next === null) return { found, nextCursor: null };
      before = slice.next;
      if (this.#clock.monotonicMs() >= endMs) return { found, nextCursor: cursors.at(formatPlace(before)) };
      await nextTurn();
    }
  }
}

function formatPlace({ time, row }: Position): string {
  return `${time}.${row}`;
}

function parsePlace(place: string): Position {
  const [time, row] = place.split('.');
  return { time: Number(time), row: Number(row) };
}
