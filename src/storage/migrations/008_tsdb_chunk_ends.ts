import type { Migration, MigrationStep } from '../migration.ts';

/**
 * The chunks of a series by where they end: what is archived of it from a time on is found without a look at all of
 * its history, whether a query asks for it or the archive itself, before it adds to it.
 */
const telemetry: MigrationStep = {
  async up(db) {
    await db.schema
      .createIndex('tsdb_chunks_series_end')
      .on('tsdb_chunks')
      .columns(['series_id', 'max_ms'])
      .execute();
  },
  async down(db) {
    await db.schema.dropIndex('tsdb_chunks_series_end').execute();
  },
};

export const tsdbChunkEnds: Migration = { name: '008_tsdb_chunk_ends', telemetry };
