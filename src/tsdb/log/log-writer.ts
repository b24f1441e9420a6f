import { OmoiError, messageOf, type Clock, type Logger, type Timer } from '#telemetry';
import { ByteWriter } from './byte-writer.ts';
import { isDiskFull, type LogFile, type LogStorage } from './log-storage.ts';
import { RECORD, writeRecord } from './record.ts';

export const FORMAT_VERSION = 1;
const MAX_SEGMENT_BYTES = 32 * 1024 * 1024;
/**
 * What nobody waits for, as what Omoi itself measures, is written after this long, if nobody else's records take it along:
 * a sync costs more than the records of a hundred small commits.
 */
const LAZY_FLUSH_MS = 1000;
/** … or as soon as there is so much of it. */
const LAZY_FLUSH_BYTES = 256 * 1024;
const RETRY_MS = 1000;
/** A buffer that a burst has blown up beyond this is not kept. */
const MAX_KEPT_BUFFER_BYTES = 4 * 1024 * 1024;

const SEGMENT_NAME = /^(\d{8})\.log$/;

export function segmentName(number: number): string {
  return `${String(number).padStart(8, '0')}.log`;
}

/** The number in a segment's name, or null for other files. */
export function segmentNumber(name: string): number | null {
  const match = SEGMENT_NAME.exec(name);
  return match ? Number(match[1]) : null;
}

export interface LogWriterOptions {
  readonly storage: LogStorage;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly maxPendingBytes: number;
  /** The run whose references the records use. */
  readonly run: number;
  readonly firstSegment: number;
}

interface Waiter {
  /** Resolved once this many bytes of the run are on disk. */
  readonly position: number;
  resolve(): void;
  reject(error: OmoiError): void;
}

/**
 * Writes records to numbered segments. All who wait for their records share one write and one sync: while one is
 * under way, records gather for the next. When the disk refuses, what could not be written is kept and tried again
 * every second; until that succeeds the log is blocked and takes nothing new.
 *
 * A segment begins with a run record: version (4 bytes), run (4 bytes), segment (4 bytes).
 */
export class LogWriter {
  readonly #options: LogWriterOptions;
  #pending = new ByteWriter(64 * 1024);
  #writing = new ByteWriter(64 * 1024);
  #waiters: Waiter[] = [];
  #file: LogFile | null = null;
  #segment: number;
  /** Bytes of the present segment that are known to be good. */
  #segmentBytes = 0;
  #appendedBytes = 0;
  #durableBytes = 0;
  #flushing: Promise<void> | null = null;
  #lazyFlush: Timer | null = null;
  #rotationWanted = false;
  #blockedBy: OmoiError | null = null;
  #retry: Timer | null = null;
  #stopped = false;

  constructor(options: LogWriterOptions) {
    this.#options = options;
    this.#segment = options.firstSegment - 1;
  }

  /** Why nothing can be written at the moment; null when all is well. */
  get blockedBy(): OmoiError | null {
    if (this.#blockedBy) return this.#blockedBy;
    if (this.#pending.length <= this.#options.maxPendingBytes) return null;
    return new OmoiError(
      'storage_failed',
      'The disk does not keep up with what should be written to the log.',
    );
  }

  /** All bytes that were ever appended: a measure of the log's growth. */
  get appendedBytes(): number {
    return this.#appendedBytes;
  }

  /** Where records are framed into. Call `appended` after. */
  get pending(): ByteWriter {
    return this.#pending;
  }

  /** Notes that records were put into `pending`, and sees to it that they are written soon. */
  appended(byteLength: number): void {
    this.#appendedBytes += byteLength;
    if (this.#flushing || this.#blockedBy) return;
    if (this.#pending.length >= LAZY_FLUSH_BYTES) return this.#startFlush();
    this.#lazyFlush ??= this.#options.clock.after(LAZY_FLUSH_MS, () => this.#startFlush());
  }

  /**
   * Resolves when all that is appended by now is on disk.
   * @throws OmoiError `storage_full`, `storage_failed`
   */
  durable(): Promise<void> {
    if (this.#appendedBytes === this.#durableBytes) return Promise.resolve();
    if (this.#blockedBy) return Promise.reject(this.#blockedBy);
    return new Promise((resolve, reject) => {
      this.#waiters.push({ position: this.#appendedBytes, resolve, reject });
      this.#startFlush();
    });
  }

  /** Begins a new segment; its number. All that was appended before the call is in older segments. */
  async rotate(): Promise<number> {
    await this.durable();
    this.#rotationWanted = true;
    while (this.#rotationWanted) {
      this.#startFlush();
      await this.#flushing;
      if (this.#blockedBy) throw this.#blockedBy;
    }
    return this.#segment;
  }

  /** Writes what is left, if the disk lets it, and closes. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#lazyFlush?.cancel();
    this.#retry?.cancel();
    if (!this.#blockedBy) await this.durable().catch(() => undefined);
    await this.#flushing;
    await this.#file?.close();
    this.#file = null;
  }

  #startFlush(): void {
    this.#lazyFlush?.cancel();
    this.#lazyFlush = null;
    if (this.#flushing) return;
    this.#flushing = this.#flush().finally(() => {
      this.#flushing = null;
      // What came in after the last look of the loop must not wait for the next append.
      if (this.#blockedBy) return;
      if (this.#waiters.length > 0 || this.#rotationWanted) this.#startFlush();
      else if (this.#pending.length > 0) this.appended(0);
    });
  }

  async #flush(): Promise<void> {
    // One turn of the event loop, so that requests that arrived together are written together.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    try {
      while (this.#pending.length > 0 || this.#writing.length > 0 || this.#rotationWanted) {
        if (!this.#file || this.#rotationWanted || this.#segmentBytes >= MAX_SEGMENT_BYTES) {
          await this.#beginSegment();
          continue;
        }
        await this.#writeGroup(this.#file);
      }
      this.#blockedBy = null;
    } catch (error) {
      await this.#block(error);
    }
  }

  async #writeGroup(file: LogFile): Promise<void> {
    // After a failure `writing` still holds the group that is to be tried again.
    if (this.#writing.length === 0) {
      const full = this.#pending;
      this.#pending = this.#writing;
      this.#writing = full;
    }
    const bytes = this.#writing.view();
    await file.write(bytes, this.#segmentBytes);
    await file.sync();
    this.#segmentBytes += bytes.length;
    this.#durableBytes += bytes.length;
    this.#writing = bytes.length > MAX_KEPT_BUFFER_BYTES ? new ByteWriter(64 * 1024) : this.#writing;
    this.#writing.clear();
    this.#settle();
  }

  async #beginSegment(): Promise<void> {
    const { storage, run } = this.#options;
    const next = this.#segment + 1;
    const header = new ByteWriter(32);
    const payload = new ByteWriter(12);
    payload.word(FORMAT_VERSION);
    payload.word(run);
    payload.word(next);
    writeRecord(header, RECORD.run, payload.view());
    const file = await storage.create(segmentName(next));
    try {
      await file.write(header.view(), 0);
      await file.sync();
    } catch (error) {
      await file.close();
      throw error;
    }
    await this.#file?.close();
    this.#file = file;
    this.#segment = next;
    this.#segmentBytes = header.length;
    this.#rotationWanted = false;
  }

  #settle(): void {
    const waiting = this.#waiters;
    this.#waiters = waiting.filter((waiter) => waiter.position > this.#durableBytes);
    for (const waiter of waiting) if (waiter.position <= this.#durableBytes) waiter.resolve();
  }

  /** Refuses until the disk works again; a part of a group that got there is cut off. */
  async #block(error: unknown): Promise<void> {
    const { logger, clock } = this.#options;
    const full = isDiskFull(error);
    if (!this.#blockedBy)
      logger.error(
        { error: messageOf(error) },
        'Write-ahead log of samples not written; new samples are refused until it can be.',
      );
    this.#blockedBy = full
      ? new OmoiError('storage_full', 'The disk is full; samples are taken again when there is room.')
      : new OmoiError('storage_failed', `The write-ahead log can’t be written: ${messageOf(error)}`);
    this.#rotationWanted = false;
    await this.#cutPartialGroup();
    if (!this.#stopped) this.#retry = clock.after(RETRY_MS, () => this.#startFlush());
    const waiting = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiting) waiter.reject(this.#blockedBy);
  }

  async #cutPartialGroup(): Promise<void> {
    try {
      await this.#file?.truncate(this.#segmentBytes);
    } catch (error) {
      // The next attempt writes over it, and a reader stops at it.
      this.#options.logger.warn(
        { error: messageOf(error) },
        'Write-ahead log: a partly written record could not be cut off; the segment is read up to it.',
      );
    }
  }
}
