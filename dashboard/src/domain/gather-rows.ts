/** One page of a list: the first where the cursor is null. */
export interface AskedPage {
  readonly limit: number;
  readonly cursor: string | null;
}

export interface ReadPage<Row> {
  readonly rows: readonly Row[];
  /** Where the next page begins; null: there is none. */
  readonly nextCursor: string | null;
}

/** Reads a page of a list. */
export type Reading<Row> = (page: AskedPage) => Promise<ReadPage<Row>>;

export interface Gathering<Row> {
  readonly limit: number;
  /** How many rows the server gives at once. */
  readonly maxPageRows: number;
  readonly idOf: (row: Row) => string;
}

/**
 * Rows of one list after the other, page by page, until there are `limit`, none twice: what is asked for first is there
 * first.
 */
export async function gatherRows<Row>(
  readings: Iterable<Reading<Row>>,
  { limit, maxPageRows, idOf }: Gathering<Row>,
): Promise<readonly Row[]> {
  const rows = new Map<string, Row>();
  for (const read of readings) {
    let cursor: string | null = null;
    do {
      const page: ReadPage<Row> = await read({ limit: Math.min(limit, maxPageRows), cursor });
      for (const row of page.rows) {
        if (rows.size >= limit) break;
        if (!rows.has(idOf(row))) rows.set(idOf(row), row);
      }
      cursor = page.nextCursor;
    } while (cursor !== null && rows.size < limit);
    if (rows.size >= limit) break;
  }
  return [...rows.values()];
}
