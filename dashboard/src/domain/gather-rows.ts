/** A reading of at most `limit` rows. */
export type Reading<Row> = (limit: number) => Promise<readonly Row[]>;

/** Rows of one reading after the other until there are `limit`, none twice: what is asked for first is there first. */
export async function gatherRows<Row>(
  readings: Iterable<Reading<Row>>,
  { limit, idOf }: { readonly limit: number; readonly idOf: (row: Row) => string },
): Promise<readonly Row[]> {
  const rows = new Map<string, Row>();
  for (const read of readings) {
    for (const row of await read(limit)) {
      if (rows.size >= limit) break;
      if (!rows.has(idOf(row))) rows.set(idOf(row), row);
    }
    if (rows.size >= limit) break;
  }
  return [...rows.values()];
}
