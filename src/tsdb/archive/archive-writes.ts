import { sql } from 'kysely';
import { ANONYMOUS_SENDER, type Sender } from '#telemetry';
import type { ArchiveTransaction } from './archive-database.ts';
import type { ArchivedChunks } from './chunk-bytes.ts';

/** Chunks that go in one transaction. */
const CHUNKS_REMOVED_AT_ONCE = 200;

/** A series on its way into the archive. */
export interface ArrivingSeries {
  readonly metricName: string;
  /** What the archive knows the series by: JSON of its labels. */
  readonly identity: string;
  /** '' where it is not known. */
  readonly sender: Sender;
  readonly chunks: readonly ArchivedChunks[];
}

/**
 * Stores chunks, and their series where they are new. One whose earlier chunks are somebody else's is anybody's from then on. However many they are, they come as one text and one piece of
 * bytes: a buffer for each chunk costs more on its way to another thread than all else, and a statement with a
 * parameter for each value has a text of its own for each number of rows.
 */
export async function insertChunks(
  { db }: ArchiveTransaction,
  series: readonly ArrivingSeries[],
): Promise<void> {
  const { rows, bytes } = rowsOf(series);
  await sql`
    insert into tsdb_series (metric_name, labels, sender)
    select value ->> 0, value ->> 1, value ->> 8 from json_each(${rows}) where true
    on conflict (labels) do update set sender = ${ANONYMOUS_SENDER} where sender <> excluded.sender`.execute(
    db,
  );
  // Only a row that is damaged can be in the way: of another the samples are known.
  await sql`
    insert into tsdb_chunks (series_id, min_ms, max_ms, kind, count, byte_length, bytes)
    select tsdb_series.id, given.value ->> 2, given.value ->> 3, given.value ->> 4, given.value ->> 5, given.value ->> 7,
      substr(${bytes}, 1 + (given.value ->> 6), given.value ->> 7)
    from json_each(${rows}) as given cross join tsdb_series on labels = given.value ->> 1 where true
    on conflict (series_id, min_ms, kind) do update set
      max_ms = excluded.max_ms, count = excluded.count, byte_length = excluded.byte_length, bytes = excluded.bytes`.execute(
    db,
  );
}

/** A row each chunk (metric name, identity, first and last time, kind, samples, where its bytes begin, how many, sender). */
function rowsOf(series: readonly ArrivingSeries[]): { readonly rows: string; readonly bytes: Uint8Array } {
  const rows: (string | number)[][] = [];
  const parts: Uint8Array[] = [];
  let length = 0;
  for (const { metricName, identity, sender, chunks } of series) {
    for (const { minMs, maxMs, kind, count, bytes } of chunks) {
      rows.push([metricName, identity, minMs, maxMs, kind, count, length, bytes.length, sender]);
      parts.push(bytes);
      length += bytes.length;
    }
  }
  return { rows: JSON.stringify(rows), bytes: Buffer.concat(parts, length) };
}

/** Removes the first chunks that end before a time, and the series that have nothing left then. */
export async function removeOldest(
  { db }: ArchiveTransaction,
  cutMs: number,
): Promise<readonly { readonly series_id: number; readonly byte_length: number }[]> {
  const { rows } = await sql<{ series_id: number; byte_length: number }>`
    delete from tsdb_chunks where rowid in (
      select rowid from tsdb_chunks where max_ms < ${cutMs} order by max_ms limit ${CHUNKS_REMOVED_AT_ONCE}
    ) returning series_id, byte_length`.execute(db);
  if (rows.length === 0) return rows;
  await db
    .deleteFrom('tsdb_series')
    .where('id', 'in', [...new Set(rows.map((row) => row.series_id))])
    .where((row) =>
      row.not(
        row.exists(
          row
            .selectFrom('tsdb_chunks')
            .select('tsdb_chunks.series_id')
            .whereRef('tsdb_chunks.series_id', '=', 'tsdb_series.id'),
        ),
      ),
    )
    .execute();
  return rows;
}
