import { sql } from 'kysely';
import {
  type Clock,
  type Labels,
  type Logger,
  METRIC_NAME_LABEL,
  type SelfMetrics,
  type Sender,
  Stretch,
} from '#telemetry';
import type { TsdbLimits } from '../limits.ts';
import type { ArchiveDatabase } from './archive-database.ts';
import { ArchiveReader } from './archive-reader.ts';
import { insertChunks, removeOldest, type ArrivingSeries } from './archive-writes.ts';
import type { ArchivedChunks } from './chunk-bytes.ts';
import { withoutKnown } from './known-samples.ts';
import { SendersByMetric } from './senders-by-metric.ts';

/** What goes into the archive may take its time: others have as many turns as they need, up to this. */
const MAX_PAUSE_MS = 20;
/** How much history goes at a time when the archive is too large. */
const SIZE_RETENTION_STEP_MS = 3_600_000;

/** Senders of metrics, of series that are gone too, that may be known beside twice those that were found there last. */
const SENDERS_BETWEEN_LOOKS = 10_000;
/** Series that are asked together whom they are from: some milliseconds. */
const SERIES_PER_LOOK = 5000;

export interface ArchivedSeries {
  readonly labels: Labels;
  /** Null where it is not known. */
  readonly sender: Sender | null;
  readonly chunks: readonly ArchivedChunks[];
}

interface ArchiveParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly selfMetrics: SelfMetrics;
}

/** Chunks that have left memory, in the telemetry database: takes them in, and lets the oldest go. */
export class Archive {
  readonly reader: ArchiveReader;
  readonly #database: ArchiveDatabase;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #senders = new SendersByMetric();
  /** How many there were when they were looked for last. */
  #sendersFound = 0;
  /** While they are looked for: what is found, and what comes. */
  #nextSenders: SendersByMetric | null = null;
  #newestMs = Number.NEGATIVE_INFINITY;
  #totalBytes = 0;

  private constructor(database: ArchiveDatabase, parts: ArchiveParts) {
    this.#database = database;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.reader = new ArchiveReader(database, parts);
  }

  static async open(database: ArchiveDatabase, parts: ArchiveParts): Promise<Archive> {
    const archive = new Archive(database, parts);
    await archive.#measure();
    return archive;
  }

  /** The newest time of any archived sample: a query that begins later need not look here. */
  get newestMs(): number {
    return this.#newestMs;
  }

  get totalBytes(): number {
    return this.#totalBytes;
  }

  /**
   * Who archived series of a metric (null: of any) are from, those of before the last retention too, each with the name of
   * the metric; '' stands for what is not known. Of any metric a sender that speaks for itself comes once.
   */
  sendersOf(metricName: string | null): Iterable<readonly [Sender, string]> {
    return this.#senders.of(metricName);
  }

  /**
   * Stores chunks in one transaction, without the samples that are archived already: what was moved here comes back
   * to memory after a crash, from a snapshot or a log that is older, and is moved once more; perhaps in other chunks,
   * with samples that came late or more at the end. What was here first stays as it is.
   */
  async store(series: readonly ArchivedSeries[]): Promise<void> {
    const arriving = await this.#arriving(series);
    const fresh = await this.#withoutArchived(arriving);
    // Also of what is here already, perhaps from an attempt that failed after its commit: memory gives it up now.
    for (const { chunks } of series) {
      for (const chunk of chunks) this.#newestMs = Math.max(this.#newestMs, chunk.maxMs);
    }
    if (fresh.length === 0) return;
    for (const { metricName, sender } of fresh) this.#noteSender(metricName, sender);
    await this.#database.transaction((tx) => insertChunks(tx, fresh));
    for (const { chunks } of fresh) for (const chunk of chunks) this.#totalBytes += chunk.bytes.length;
  }

  /** Removes what is older than the limits allow, and series that have nothing left. */
  async retain(nowMs: number, limits: TsdbLimits): Promise<void> {
    let cutMs = nowMs - limits.retentionMs;
    await this.#removeBefore(cutMs);
    while (this.#totalBytes > limits.retentionBytes) {
      const oldestMs = await this.#oldestMs();
      if (oldestMs === null) break;
      cutMs = oldestMs + SIZE_RETENTION_STEP_MS;
      const removed = await this.#removeBefore(cutMs);
      this.#logger.warn({ removed }, 'The archive is over its size limit; the oldest chunks were removed.');
    }
    if (this.#senders.size > 2 * this.#sendersFound + SENDERS_BETWEEN_LOOKS) await this.#lookForSenders();
  }

  /** Gives up the oldest hour of what is archived, for a disk that is full. */
  async makeRoom(): Promise<void> {
    const oldestMs = await this.#oldestMs();
    if (oldestMs === null) return;
    const removed = await this.#removeBefore(oldestMs + SIZE_RETENTION_STEP_MS);
    this.#logger.warn({ removed }, 'The disk is full; the oldest archived chunks were removed.');
  }

  async #arriving(series: readonly ArchivedSeries[]): Promise<ArrivingSeries[]> {
    const stretch = new Stretch(this.#clock, { maxPauseMs: MAX_PAUSE_MS });
    const arriving: ArrivingSeries[] = [];
    for (const { labels, sender, chunks } of series) {
      if (stretch.isOver) await stretch.pause();
      const metricName = labels[METRIC_NAME_LABEL] ?? '';
      arriving.push({ metricName, identity: identityOf(labels), sender: sender ?? '', chunks });
    }
    return arriving;
  }

  /** The series with what the archive has nothing of yet; those that have nothing new are left out. */
  async #withoutArchived(series: readonly ArrivingSeries[]): Promise<ArrivingSeries[]> {
    const touched = await this.#touchedBy(series);
    if (touched.size === 0) return [...series];
    const fresh: ArrivingSeries[] = [];
    const stretch = new Stretch(this.#clock, { maxPauseMs: MAX_PAUSE_MS });
    for (const one of series) {
      const id = touched.get(one.identity);
      if (id === undefined) {
        fresh.push(one);
        continue;
      }
      // The answers of the database alone do not let timers and others in.
      if (stretch.isOver) await stretch.pause();
      const { minMs, maxMs } = extentOf(one);
      const known = await this.reader.read(id, { startMs: minMs, endMs: maxMs });
      const chunks = one.chunks.map((chunk) => withoutKnown(chunk, known)).filter((chunk) => chunk !== null);
      if (chunks.length > 0) fresh.push({ ...one, chunks });
    }
    return fresh;
  }

  /** The ids, by identity, of those among the series that have archived chunks in the interval of the new ones. */
  async #touchedBy(series: readonly ArrivingSeries[]): Promise<Map<string, number>> {
    const extents = new Map(series.map((one) => [one.identity, extentOf(one)] as const));
    const startMs = Math.min(...[...extents.values()].map(({ minMs }) => minMs));
    const identities = JSON.stringify([...extents.keys()]);
    const { rows } = await sql<{ id: number; labels: string; min_ms: number; max_ms: number }>`
      select tsdb_series.id, labels, min_ms, max_ms
      from json_each(${identities}) as given
        cross join tsdb_series on labels = given.value
        cross join tsdb_chunks on series_id = tsdb_series.id
      where max_ms >= ${startMs}`.execute(this.#database.reader);
    const touched = new Map<string, number>();
    for (const { id, labels, min_ms, max_ms } of rows) {
      const extent = extents.get(labels);
      if (extent && min_ms <= extent.maxMs && max_ms >= extent.minMs) touched.set(labels, id);
    }
    return touched;
  }

  /** The time at which the first of the archived chunks ends. */
  async #oldestMs(): Promise<number | null> {
    const oldest = await this.#database.reader
      .selectFrom('tsdb_chunks')
      .select((row) => row.fn.min('max_ms').as('max_ms'))
      .executeTakeFirst();
    return oldest?.max_ms ?? null;
  }

  /**
   * Removes the chunks that end before a time, bit by bit, each with the series that have nothing left: what else waits
   * for the database waits for one bit.
   */
  async #removeBefore(cutMs: number): Promise<number> {
    const stretch = new Stretch(this.#clock);
    let removed = 0;
    for (;;) {
      const gone = await this.#database.transaction((tx) => removeOldest(tx, cutMs));
      if (gone.length === 0) break;
      removed += gone.length;
      for (const { byte_length: bytes } of gone) this.#totalBytes -= bytes;
      if (stretch.isOver) await stretch.pause();
    }
    if (removed > 0) this.#newestMs = await readNewestMs(this.#database.reader);
    return removed;
  }

  /** In the thread that writes: at the start nobody waits for it, and the one that reads need not be there yet. */
  #measure(): Promise<void> {
    return this.#database.transaction(async ({ db }) => {
      const totals = await db
        .selectFrom('tsdb_chunks')
        .select((row) => row.fn.sum<number>('byte_length').as('bytes'))
        .executeTakeFirst();
      this.#totalBytes = totals?.bytes ?? 0;
      this.#newestMs = await readNewestMs(db);
      const sent = await db.selectFrom('tsdb_series').select(['metric_name', 'sender']).distinct().execute();
      for (const { metric_name: metricName, sender } of sent) this.#noteSender(metricName, sender);
      this.#sendersFound = this.#senders.size;
    });
  }

  #noteSender(metricName: string, sender: Sender): void {
    this.#senders.add(metricName, sender);
    this.#nextSenders?.add(metricName, sender);
  }

  /** Forgets the senders of which no series is left: agents come and go, and each sends under a name of its own. */
  async #lookForSenders(): Promise<void> {
    const next = new SendersByMetric();
    this.#nextSenders = next;
    try {
      for (let afterId: number | null = 0; afterId !== null;) afterId = await this.#lookBehind(afterId, next);
      this.#senders = next;
      this.#sendersFound = next.size;
    } finally {
      this.#nextSenders = null;
    }
  }

  /** @returns how far it looked; null at the end */
  async #lookBehind(afterId: number, into: SendersByMetric): Promise<number | null> {
    const behind = this.#database.reader.selectFrom('tsdb_series').where('id', '>', afterId).orderBy('id');
    const last = await behind
      .select('id')
      .offset(SERIES_PER_LOOK - 1)
      .limit(1)
      .executeTakeFirst();
    const sent = await this.#database.reader
      .selectFrom('tsdb_series')
      .select(['metric_name', 'sender'])
      .distinct()
      .where('id', '>', afterId)
      .$if(last !== undefined, (rows) => rows.where('id', '<=', last?.id ?? 0))
      .execute();
    for (const { metric_name: metricName, sender } of sent) into.add(metricName, sender);
    return last?.id ?? null;
  }
}

async function readNewestMs(db: ArchiveDatabase['reader']): Promise<number> {
  const newest = await db
    .selectFrom('tsdb_chunks')
    .select((row) => row.fn.max('max_ms').as('max_ms'))
    .executeTakeFirst();
  return newest?.max_ms ?? Number.NEGATIVE_INFINITY;
}

function extentOf({ chunks }: Pick<ArchivedSeries, 'chunks'>): {
  readonly minMs: number;
  readonly maxMs: number;
} {
  return {
    minMs: Math.min(...chunks.map(({ minMs }) => minMs)),
    maxMs: Math.max(...chunks.map(({ maxMs }) => maxMs)),
  };
}

/** JSON of the labels with names sorted. */
function identityOf(labels: Labels): string {
  return JSON.stringify(
    Object.fromEntries(
      Object.keys(labels)
        .sort()
        .map((name) => [name, labels[name]] as const),
    ),
  );
}
