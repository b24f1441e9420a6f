import { join } from 'node:path';
import type { Clock, Logger, MetricMetadata, SelfMetrics } from '#telemetry';
import { Archive } from './archive/archive.ts';
import type { ArchiveDatabase } from './archive/archive-database.ts';
import { ExemplarRing } from './exemplar-ring.ts';
import { Head } from './head/head.ts';
import { SeriesIndex } from './index/series-index.ts';
import { DEFAULT_LIMITS, type TsdbLimits } from './limits.ts';
import { WriteAheadLog } from './log/write-ahead-log.ts';
import { openLogDirectory, type LogStorage } from './log/log-storage.ts';
import { recover } from './log/recovery.ts';
import { Tsdb } from './tsdb.ts';

export interface TsdbOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly selfMetrics: SelfMetrics;
  readonly limits?: Partial<TsdbLimits>;
  /** The data directory; log and snapshots go to `tsdb/` in it. Without one the store lives in memory only. */
  readonly directory?: string;
  /** Where chunks go that leave memory. Without one they are dropped. */
  readonly telemetryDatabase?: ArchiveDatabase;
  /** A disk other than the real one, for tests. */
  readonly logStorage?: LogStorage;
}

/** Opens a store and brings back what it held: the newest snapshot and the log after it. */
export async function createTsdb(options: TsdbOptions): Promise<Tsdb> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const index = new SeriesIndex(limits);
  const head = new Head(limits.outOfOrderWindowMs);
  const exemplars = new ExemplarRing(limits.maxExemplars);
  const metadata = new Map<string, MetricMetadata>();
  const { directory, telemetryDatabase, logger } = options;
  const storage =
    options.logStorage ?? (directory === undefined ? null : await openLogDirectory(join(directory, 'tsdb')));
  const recovery = storage
    ? await recover(
        storage,
        {
          head,
          series(labels) {
            const row = index.restore(labels);
            head.states.reserve(row);
            return row;
          },
          senders: (row, text) => index.senders.restore(row, text),
          exemplar: (row, exemplar) => void exemplars.add(index.refOf(row), exemplar),
          metadata: (name, described) => void metadata.set(name, described),
        },
        logger,
      )
    : null;
  const archive = telemetryDatabase ? await Archive.open(telemetryDatabase, options) : null;
  const writeAheadLog =
    storage && recovery
      ? new WriteAheadLog({
          storage,
          clock: options.clock,
          logger,
          run: recovery.nextRun,
          firstSegment: recovery.nextSegment,
          maxPendingBytes: limits.maxPendingLogBytes,
          snapshotEveryBytes: limits.snapshotEveryLogBytes,
          snapshotDue: recovery.hadLog,
        })
      : null;
  return new Tsdb({ ...options, limits, index, head, exemplars, metadata, recovery, archive, writeAheadLog });
}
