import type { Generated, Kysely, Transaction } from 'kysely';

/** The tables of migration 007_tsdb, as the archive uses them. */
interface ArchiveTables {
  tsdb_series: {
    id: Generated<number>;
    metric_name: string;
    labels: string;
    sender: Generated<string>;
  };
  tsdb_chunks: {
    series_id: number;
    min_ms: number;
    max_ms: number;
    kind: number;
    count: number;
    byte_length: number;
    bytes: Uint8Array;
  };
}

/** What the archive needs of the telemetry database. */
export interface ArchiveDatabase {
  /** For reads that need no transaction. */
  readonly reader: Kysely<ArchiveTables>;
  /** Resolves after the commit; rolls back when `work` throws. */
  transaction<Result>(work: (tx: ArchiveTransaction) => Promise<Result>): Promise<Result>;
}

export interface ArchiveTransaction {
  readonly db: Transaction<ArchiveTables>;
}
