import type { SelfMetrics } from '#telemetry';
import type { Archive } from './archive/archive.ts';
import type { Head } from './head/head.ts';
import type { SeriesIndex } from './index/series-index.ts';
import type { WriteAheadLog } from './log/write-ahead-log.ts';
import type { Recovery } from './log/recovery.ts';

/** What `/metrics` says about the store. */
export function registerGauges(parts: {
  readonly selfMetrics: SelfMetrics;
  readonly index: SeriesIndex;
  readonly head: Head;
  readonly archive: Archive | null;
  readonly writeAheadLog: WriteAheadLog | null;
  readonly recovery: Recovery | null;
}): void {
  const { selfMetrics, index, head, archive, writeAheadLog, recovery } = parts;
  selfMetrics.gauge('omoi_tsdb_series', 'Series in memory.', () => index.seriesCount);
  selfMetrics.gauge('omoi_tsdb_sealed_chunks', 'Sealed chunks in memory.', () => head.sealed.table.live);
  selfMetrics.gauge(
    'omoi_tsdb_sealed_chunk_bytes',
    'Bytes of the sealed chunks in memory.',
    () => head.sealed.bytes,
  );
  selfMetrics.gauge(
    'omoi_tsdb_sealed_chunk_samples',
    'Samples of the sealed chunks in memory.',
    () => head.sealed.samples,
  );
  selfMetrics.gauge('omoi_tsdb_chunk_memory_bytes', 'Memory for chunks.', () => head.arena.reservedBytes);
  selfMetrics.gauge(
    'omoi_tsdb_series_pages',
    'Pages of columns for series and for sealed chunks in memory, of 1,024 rows each.',
    () => head.states.pageCount + head.sealed.table.pageCount,
  );
  selfMetrics.gauge('omoi_tsdb_senders', 'Senders of the series in memory.', () => index.senders.known);
  selfMetrics.gauge(
    'omoi_tsdb_senders_unnamed',
    'Times since the start that a sender was taken for anonymous, since too many were known.',
    () => index.senders.unnamed,
  );
  selfMetrics.gauge('omoi_tsdb_archive_bytes', 'Bytes of archived chunks.', () => archive?.totalBytes ?? 0);
  selfMetrics.gauge(
    'omoi_tsdb_log_bytes',
    'Bytes logged since the start.',
    () => writeAheadLog?.loggedBytes ?? 0,
  );
  selfMetrics.gauge(
    'omoi_tsdb_log_blocked',
    '1 while the log can’t be written and samples are refused.',
    () => (writeAheadLog?.blockedBy ? 1 : 0),
  );
  selfMetrics.gauge(
    'omoi_tsdb_recovery_damaged_files',
    'Files of the log that were damaged at the start.',
    () => recovery?.damage.length ?? 0,
  );
  selfMetrics.gauge(
    'omoi_tsdb_recovery_orphaned_samples',
    'Samples lost at the start with the damaged record that named their series.',
    () => recovery?.orphanedSamples ?? 0,
  );
}
