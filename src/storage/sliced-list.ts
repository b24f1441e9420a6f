import type { SelectQueryBuilder, Simplify } from 'kysely';

/** So many rows are looked at by one statement, whatever fits of them: a few milliseconds. */
const rowsPerSlice = 1000;

/** A stretch of an ordered list: behind `after` (null: from its beginning) up to `until` (null: to its end), that included. */
export interface ListSlice<Place> {
  readonly after: Place | null;
  readonly until: Place | null;
  /** How many rows of the stretch are looked at, whatever fits of them. */
  readonly rows: number;
  /** How many are answered. */
  readonly limit: number;
}

export interface SlicedList<Row, Place> {
  /** The place of the row that is `rows` behind `after`, read from an index; null where fewer are left. */
  end(after: Place | null, rows: number): Promise<Place | null>;
  /** What fits in a stretch, in order. */
  find(slice: ListSlice<Place>): Promise<readonly Row[]>;
}

/** What `SlicedList.end` looks for: the row that is `rows` behind the beginning of an ordered query. */
export async function rowAt<Tables, Table extends keyof Tables, Row>(
  query: SelectQueryBuilder<Tables, Table, Row>,
  rows: number,
): Promise<Simplify<Row> | null> {
  const row = await query
    .offset(rows - 1)
    .limit(1)
    .executeTakeFirst();
  return row ?? null;
}

/**
 * A page of a list in which few rows may fit: statement after statement, each of which looks at a bounded number of
 * rows, so that whoever else reads the database waits for one of them, and not for a walk over all there ever was.
 * @returns fewer than `limit` only at the end of the list
 */
export async function listInSlices<Row, Place>(
  list: SlicedList<Row, Place>,
  { after, limit }: { readonly after: Place | null; readonly limit: number },
): Promise<Row[]> {
  const found: Row[] = [];
  let from = after;
  for (;;) {
    // First the end: rows that come meanwhile make the stretch longer, and none is passed over.
    const until = await list.end(from, rowsPerSlice);
    const slice = { after: from, until, rows: 2 * rowsPerSlice, limit: limit - found.length };
    found.push(...(await list.find(slice)));
    if (found.length >= limit || until === null) return found;
    from = until;
  }
}
