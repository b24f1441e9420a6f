import { crc32 } from 'node:zlib';
import type { Migration, MigrationStep, SchemaAccess } from '../migration.ts';

const CHECKSUM_BYTES = 4;
const ROWS_AT_ONCE = 1000;

/** A row of `tsdb_chunks` as it was with this migration. */
interface ChunkRow {
  readonly series_id: number;
  readonly min_ms: number;
  readonly kind: number;
  readonly bytes: Uint8Array;
}

/** Chunks end in a checksum from here on, and those that are there get theirs: CRC-32 of first time and bytes. */
const telemetry: MigrationStep = {
  up: (db) => rewriteChunks(db, withChecksum),
  down: (db) => rewriteChunks(db, ({ bytes }) => bytes.subarray(0, bytes.length - CHECKSUM_BYTES)),
};

function withChecksum({ min_ms, bytes }: ChunkRow): Uint8Array {
  const firstTime = Buffer.alloc(8);
  firstTime.writeDoubleLE(min_ms);
  const checksum = Buffer.alloc(CHECKSUM_BYTES);
  checksum.writeUInt32LE(crc32(bytes, crc32(firstTime)));
  return Buffer.concat([bytes, checksum]);
}

async function rewriteChunks(db: SchemaAccess, rewrite: (row: ChunkRow) => Uint8Array): Promise<void> {
  const key = ['series_id', 'min_ms', 'kind'] as const;
  let last: ChunkRow | null = null;
  for (;;) {
    let page = db.selectFrom('tsdb_chunks').select([...key, 'bytes']);
    if (last) {
      const { series_id, min_ms, kind } = last;
      page = page.where((row) => row(row.refTuple(...key), '>', row.tuple(series_id, min_ms, kind)));
    }
    for (const column of key) page = page.orderBy(column);
    const rows: readonly ChunkRow[] = await page.limit(ROWS_AT_ONCE).execute();
    for (const row of rows) {
      const bytes = rewrite(row);
      await db
        .updateTable('tsdb_chunks')
        .set({ bytes, byte_length: bytes.length })
        .where('series_id', '=', row.series_id)
        .where('min_ms', '=', row.min_ms)
        .where('kind', '=', row.kind)
        .execute();
    }
    last = rows.at(-1) ?? null;
    if (rows.length < ROWS_AT_ONCE) return;
  }
}

export const tsdbChunkChecksums: Migration = { name: '009_tsdb_chunk_checksums', telemetry };
