import { messageOf, type Clock, type Logger, type OmoiError } from '#telemetry';
import { CommitLog } from './commit-log.ts';
import type { LogStorage } from './log-storage.ts';
import { LogWriter, segmentName, segmentNumber } from './log-writer.ts';
import { snapshotName, snapshotNumber, writeSnapshot, type SnapshotSource } from './snapshot.ts';

export interface WriteAheadLogOptions {
  readonly storage: LogStorage;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly run: number;
  readonly firstSegment: number;
  readonly maxPendingBytes: number;
  readonly snapshotEveryBytes: number;
  /** True where the log of earlier runs had to be replayed. */
  readonly snapshotDue: boolean;
}

/** The write-ahead log of commits, and the snapshots that keep it short. */
export class WriteAheadLog {
  readonly commits: CommitLog;
  readonly #options: WriteAheadLogOptions;
  readonly #writer: LogWriter;
  #bytesAtSnapshot = 0;
  /** Size of the newest snapshot: a smaller log is not worth replacing. */
  #snapshotBytes = 0;
  #snapshotDue: boolean;
  #snapshotting: Promise<void> | null = null;

  constructor(options: WriteAheadLogOptions) {
    this.#options = options;
    this.#snapshotDue = options.snapshotDue;
    this.#writer = new LogWriter(options);
    this.commits = new CommitLog(this.#writer);
  }

  /** Why nothing can be written at the moment; null when all is well. */
  get blockedBy(): OmoiError | null {
    return this.#writer.blockedBy;
  }

  /** Bytes logged since the start. */
  get loggedBytes(): number {
    return this.#writer.appendedBytes;
  }

  durable(): Promise<void> {
    return this.#writer.durable();
  }

  /** Takes a snapshot when the log has grown enough; failing that is reported and tried again later. */
  async snapshotWhenDue(source: Omit<SnapshotSource, 'run' | 'sequence'>): Promise<void> {
    const grown = this.#writer.appendedBytes - this.#bytesAtSnapshot;
    const enough = Math.max(this.#options.snapshotEveryBytes, this.#snapshotBytes);
    if (!this.#snapshotDue && grown < enough) return;
    await this.snapshot(source);
  }

  /** Writes everything in memory to a snapshot and removes the log before it. */
  snapshot(source: Omit<SnapshotSource, 'run' | 'sequence'>): Promise<void> {
    this.#snapshotting ??= this.#snapshot(source)
      .catch((error: unknown) => {
        this.#options.logger.error(
          { error: messageOf(error) },
          'A snapshot failed; the log is kept instead.',
        );
      })
      .finally(() => {
        this.#snapshotting = null;
      });
    return this.#snapshotting;
  }

  /** A last snapshot, so that the next start is quick; then the log is closed. */
  async stop(source: Omit<SnapshotSource, 'run' | 'sequence'>): Promise<void> {
    await this.#snapshotting;
    await this.snapshot(source);
    await this.#writer.stop();
  }

  async #snapshot(source: Omit<SnapshotSource, 'run' | 'sequence'>): Promise<void> {
    const { storage, run } = this.#options;
    const bytesBefore = this.#writer.appendedBytes;
    const firstSegment = await this.#writer.rotate();
    this.#snapshotBytes = await writeSnapshot(storage, firstSegment, {
      ...source,
      run,
      sequence: () => this.commits.sequence,
    });
    this.#bytesAtSnapshot = bytesBefore;
    this.#snapshotDue = false;
    for (const name of await storage.list()) {
      const segment = segmentNumber(name);
      const snapshot = snapshotNumber(name);
      if (segment !== null && segment < firstSegment) await storage.remove(segmentName(segment));
      if (snapshot !== null && snapshot < firstSegment) await storage.remove(snapshotName(snapshot));
    }
  }
}
