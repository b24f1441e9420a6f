import { sql } from 'kysely';
import {
  emptyLabels,
  type Clock,
  type Counter,
  type Labels,
  type Logger,
  type Matcher,
  matchesAll,
  messageOf,
  METRIC_NAME_LABEL,
  type SelfMetrics,
  Stretch,
} from '#telemetry';
import { SampleColumns } from '../chunk/sample-columns.ts';
import type { TimedHistogram } from '../head/histogram-series.ts';
import { tooMuch } from '../head/sample-slab.ts';
import type { TsdbLimits } from '../limits.ts';
import type { ArchiveDatabase } from './archive-database.ts';
import { insertChunks, removeOldest, type ArrivingSeries } from './archive-writes.ts';
import { KIND_FLOATS, unpackFloats, unpackHistograms, type ArchivedChunks } from './chunk-bytes.ts';
import { withoutKnown } from './known-samples.ts';

/** What goes into the archive may take its time: others have as many turns as they need, up to this. */
const MAX_PAUSE_MS = 20;
/** Ids that one statement carries, well under SQLite's limit of variables. */
const MAX_IDS_PER_STATEMENT = 200;
/** Samples that one statement answers, unless they are of one series: some megabytes once they are unpacked. */
const MAX_SAMPLES_PER_STATEMENT = 500_000;
/** Samples that a series is expected to have; room for more is made as they come. */
const FIRST_CAPACITY = 128;
/** Series read from the archive at a time: a millisecond or two of reading their labels. */
const SERIES_PER_PAGE = 500;
/** More metrics than this are not asked for by name. */
const MAX_METRIC_NAMES = 100;
/** How much history goes at a time when the archive is too large. */
const SIZE_RETENTION_STEP_MS = 3_600_000;

export interface ArchivedSeries {
  readonly labels: Labels;
  readonly chunks: readonly ArchivedChunks[];
}

/** What the archive has of one series, not yet in order. */
export interface ArchiveFinding {
  readonly labels: Labels;
  readonly floats: SampleColumns;
  readonly histograms: TimedHistogram[];
}

/** Both ends inclusive; `maxSamples` is what the reader keeps at most. */
interface ArchiveInterval {
  readonly startMs: number;
  readonly endMs: number;
  readonly maxSamples?: number;
}

interface ArchiveParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly selfMetrics: SelfMetrics;
}

/** Chunks that have left memory, in the telemetry database. */
export class Archive {
  readonly #database: ArchiveDatabase;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #damagedRows: Counter;
  #newestMs = Number.NEGATIVE_INFINITY;
  #totalBytes = 0;

  private constructor(database: ArchiveDatabase, { clock, logger, selfMetrics }: ArchiveParts) {
    this.#database = database;
    this.#clock = clock;
    this.#logger = logger;
    this.#damagedRows = selfMetrics.counter(
      'omoi_tsdb_archive_damaged_rows_total',
      'Damaged rows of the archive that were met and left out.',
    );
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
    await this.#database.transaction((tx) => insertChunks(tx, fresh));
    for (const { chunks } of fresh) for (const chunk of chunks) this.#totalBytes += chunk.bytes.length;
  }

  /**
   * What is archived in an interval of the series that all matchers accept: page by page of the series, and of each as
   * many at a time as have few samples. What they all have, and the labels of all, may be more than fits into memory:
   * who keeps what is found stops where it is too much.
   * @throws OmoiError `query_limit` where one series alone has more than `maxSamples`, before they are read
   */
  async *select(
    matchers: readonly Matcher[],
    interval: ArchiveInterval,
  ): AsyncGenerator<ArchiveFinding, void, void> {
    for await (const page of this.pagesOfSeries([matchers])) {
      const labelsOf = new Map(page.map(({ id, labels }) => [id, labels]));
      for await (const ids of this.#groupsOf([...labelsOf.keys()], interval)) {
        const findings = new Map<number, ArchiveFinding>();
        const stretch = new Stretch(this.#clock);
        for (const row of await this.#rowsOf(ids, interval)) {
          if (stretch.isOver) await stretch.pause();
          let finding = findings.get(row.series_id);
          if (!finding) {
            const labels = labelsOf.get(row.series_id) ?? {};
            finding = { labels, floats: new SampleColumns(FIRST_CAPACITY), histograms: [] };
            findings.set(row.series_id, finding);
          }
          this.#unpack(row, finding);
        }
        yield* findings.values();
      }
    }
  }

  /** Those of the series that have samples in the interval, so many at a time as one statement may answer. */
  async *#groupsOf(
    ids: readonly number[],
    interval: ArchiveInterval,
  ): AsyncGenerator<readonly number[], void, void> {
    const { startMs, endMs, maxSamples = Number.POSITIVE_INFINITY } = interval;
    for (let at = 0; at < ids.length; at += MAX_IDS_PER_STATEMENT) {
      const { rows } = await sql<{ id: number; samples: number; inside: number }>`
        select series_id as id, sum(count) as samples,
          sum(case when min_ms >= ${startMs} and max_ms <= ${endMs} then count else 0 end) as inside
        from tsdb_chunks
        where series_id in (${sql.join(ids.slice(at, at + MAX_IDS_PER_STATEMENT))})
          and max_ms >= ${startMs} and min_ms <= ${endMs}
        group by series_id order by series_id`.execute(this.#database.reader);
      let group: number[] = [];
      let left = MAX_SAMPLES_PER_STATEMENT;
      for (const { id, samples, inside } of rows) {
        if (inside > maxSamples) throw tooMuch('samples', maxSamples);
        if (samples > left && group.length > 0) {
          yield group;
          group = [];
          left = MAX_SAMPLES_PER_STATEMENT;
        }
        group.push(id);
        left -= samples;
      }
      if (group.length > 0) yield group;
    }
  }

  /**
   * The archived series that all matchers of one of the lists accept, page by page: there may be millions, and each
   * page is a turn of the event loop.
   */
  async *pagesOfSeries(
    matcherLists: readonly (readonly Matcher[])[],
  ): AsyncGenerator<readonly { readonly id: number; readonly labels: Labels }[], void, void> {
    const metricNames = metricNamesOf(matcherLists);
    for (let afterId = 0; ;) {
      const rows = await this.#database.reader
        .selectFrom('tsdb_series')
        .select(['id', 'labels'])
        .$if(metricNames !== null, (query) => query.where('metric_name', 'in', metricNames ?? []))
        .where('id', '>', afterId)
        .orderBy('id')
        .limit(SERIES_PER_PAGE)
        .execute();
      const page: { id: number; labels: Labels }[] = [];
      for (const row of rows) {
        const labels = this.#labelsFrom(row.labels);
        if (!labels) continue;
        if (matcherLists.some((matchers) => matchesAll(matchers, labels))) page.push({ id: row.id, labels });
      }
      yield page;
      const last = rows.at(-1);
      if (!last || rows.length < SERIES_PER_PAGE) return;
      afterId = last.id;
    }
  }

  /** The names of all archived metrics. */
  async metricNames(): Promise<string[]> {
    // From one name to the next: reading them all would look at every series.
    const { rows } = await sql<{ name: string }>`
      with recursive names (name) as (
        select min(metric_name) from tsdb_series
        union all
        select (select min(metric_name) from tsdb_series where metric_name > name) from names where name is not null
      ) select name from names where name is not null`.execute(this.#database.reader);
    return rows.map((row) => row.name);
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
    for (const { labels, chunks } of series) {
      if (stretch.isOver) await stretch.pause();
      arriving.push({ metricName: labels[METRIC_NAME_LABEL] ?? '', identity: identityOf(labels), chunks });
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
      const finding = { labels: {}, floats: new SampleColumns(), histograms: [] };
      for (const row of await this.#rowsOf([id], { startMs: minMs, endMs: maxMs }))
        this.#unpack(row, finding);
      const chunks = one.chunks
        .map((chunk) => withoutKnown(chunk, finding))
        .filter((chunk) => chunk !== null);
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

  /** The chunks of some series that touch an interval. */
  #rowsOf(ids: readonly number[], interval: { readonly startMs: number; readonly endMs: number }) {
    return this.#database.reader
      .selectFrom('tsdb_chunks')
      .select(['series_id', 'min_ms', 'kind', 'bytes'])
      .where('series_id', 'in', ids)
      .where('max_ms', '>=', interval.startMs)
      .where('min_ms', '<=', interval.endMs)
      .execute();
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
    });
  }

  /** What `identityOf` wrote, as an object that inherits nothing: a label may be called `constructor`. */
  #labelsFrom(identity: string): Labels | null {
    try {
      return Object.assign(emptyLabels(), JSON.parse(identity));
    } catch (error) {
      this.#damagedRows.add(1);
      this.#logger.error({ error: messageOf(error) }, 'The labels of an archived series are damaged.');
      return null;
    }
  }

  #unpack(
    row: { readonly kind: number; readonly min_ms: number; readonly bytes: Uint8Array },
    finding: ArchiveFinding,
  ): void {
    try {
      if (row.kind === KIND_FLOATS) unpackFloats(row.bytes, row.min_ms, finding.floats);
      else finding.histograms.push(...unpackHistograms(row.bytes, row.min_ms));
    } catch (error) {
      this.#damagedRows.add(1);
      this.#logger.error(
        { error: messageOf(error), labels: finding.labels },
        'An archived chunk is damaged.',
      );
    }
  }
}

async function readNewestMs(db: ArchiveDatabase['reader']): Promise<number> {
  const newest = await db
    .selectFrom('tsdb_chunks')
    .select((row) => row.fn.max('max_ms').as('max_ms'))
    .executeTakeFirst();
  return newest?.max_ms ?? Number.NEGATIVE_INFINITY;
}

/** The metrics that the matcher lists are about; null where that can't be told by equality. */
function metricNamesOf(matcherLists: readonly (readonly Matcher[])[]): string[] | null {
  const names = new Set<string>();
  for (const matchers of matcherLists) {
    const name = matchers.find(({ name, operator }) => name === METRIC_NAME_LABEL && operator === '=');
    if (!name) return null;
    names.add(name.value);
  }
  return names.size > MAX_METRIC_NAMES ? null : [...names];
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
