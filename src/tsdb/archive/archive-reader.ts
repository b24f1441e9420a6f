import { sql } from 'kysely';
import {
  emptyLabels,
  type Counter,
  type Labels,
  type Logger,
  type Matcher,
  matchesAll,
  messageOf,
  METRIC_NAME_LABEL,
  paced,
  type SelfMetrics,
  type Stretch,
  unpaced,
} from '#telemetry';
import { SampleColumns } from '../chunk/sample-columns.ts';
import type { TimedHistogram } from '../head/histogram-series.ts';
import { tooMuch } from '../head/sample-slab.ts';
import type { ArchiveDatabase } from './archive-database.ts';
import { KIND_FLOATS, unpackFloatsInSteps, unpackHistograms } from './chunk-bytes.ts';

/** Ids that one statement carries, well under SQLite's limit of variables. */
const MAX_IDS_PER_STATEMENT = 200;
/** Samples that one statement answers, unless they are of one series: some megabytes once they are unpacked. */
const MAX_SAMPLES_PER_STATEMENT = 500_000;
/** Rows of one series that one statement answers where all of them are too many. */
const ROWS_PER_PAGE = 25;
/** A row with more samples than this is not unpacked in one go. */
const MANY_SAMPLES = 50_000;
/** Samples that a series is expected to have; room for more is made as they come. */
const FIRST_CAPACITY = 128;
/** Series read from the archive at a time: a millisecond or two of reading their labels. */
const SERIES_PER_PAGE = 500;
/** More metrics than this are not asked for by name. */
const MAX_METRIC_NAMES = 100;

/** What the archive has of one series, not yet in order. */
export interface ArchiveFinding {
  readonly labels: Labels;
  readonly floats: SampleColumns;
  readonly histograms: TimedHistogram[];
}

/** Both ends inclusive, ms since epoch. */
interface Interval {
  readonly startMs: number;
  readonly endMs: number;
}

/** Series whose chunks are read together, and how many samples those have. */
interface SeriesGroup {
  readonly ids: number[];
  samples: number;
}

interface ChunkRow {
  readonly series_id: number;
  readonly min_ms: number;
  readonly kind: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** `maxSamples` is what the reader keeps at most. */
interface ReadInterval extends Interval {
  readonly maxSamples?: number;
}

/** Finds what is archived, in statements and stretches that are bounded however much that is. */
export class ArchiveReader {
  readonly #database: ArchiveDatabase;
  readonly #logger: Logger;
  readonly #damagedRows: Counter;

  constructor(
    database: ArchiveDatabase,
    { logger, selfMetrics }: { readonly logger: Logger; readonly selfMetrics: SelfMetrics },
  ) {
    this.#database = database;
    this.#logger = logger;
    this.#damagedRows = selfMetrics.counter(
      'omoi_tsdb_archive_damaged_rows_total',
      'Damaged rows of the archive that were met and left out.',
    );
  }

  /**
   * What is archived in an interval of the series that all matchers accept: page by page of the series, and of each as
   * many at a time as have few samples. What they all have, and the labels of all, may be more than fits into memory:
   * who keeps what is found stops where it is too much. A series that has nothing in the interval costs a look into an
   * index.
   * @param stretch paused after each page, found or not, so that the work of those who have gone ends
   * @throws OmoiError `query_limit` where one series alone has more than `maxSamples`, before they are read
   */
  async *select(
    matchers: readonly Matcher[],
    interval: ReadInterval,
    stretch: Stretch,
  ): AsyncGenerator<ArchiveFinding, void, void> {
    for await (const page of this.pagesOfSeries([matchers], interval)) {
      if (stretch.isOver) await stretch.pause();
      const labelsOf = new Map(page.map(({ id, labels }) => [id, labels]));
      for await (const group of this.#groupsOf([...labelsOf.keys()], interval)) {
        const findings = new Map<number, ArchiveFinding>();
        for await (const rows of this.#pagesOfRows(group, interval)) {
          for (const row of rows) {
            if (stretch.isOver) await stretch.pause();
            let finding = findings.get(row.series_id);
            if (!finding) {
              const labels = labelsOf.get(row.series_id) ?? {};
              const capacity = group.ids.length === 1 ? group.samples : FIRST_CAPACITY;
              finding = { labels, floats: new SampleColumns(capacity), histograms: [] };
              findings.set(row.series_id, finding);
            }
            await this.#unpackRow(row, finding, stretch);
          }
        }
        yield* findings.values();
      }
    }
  }

  /**
   * The archived series that all matchers of one of the lists accept, page by page: there may be millions, and each
   * page is a turn of the event loop.
   * @param within only series that have samples about then
   */
  async *pagesOfSeries(
    matcherLists: readonly (readonly Matcher[])[],
    within?: Interval,
  ): AsyncGenerator<readonly { readonly id: number; readonly labels: Labels }[], void, void> {
    // One metric after the other: for several at once each page would sort all that is left of them.
    for (const metricName of metricNamesOf(matcherLists) ?? [null]) {
      for (let afterId = 0; ;) {
        const rows = await this.#pageOf(metricName, { afterId, within });
        const page: { id: number; labels: Labels }[] = [];
        for (const row of rows) {
          const labels = row.labels === null ? null : this.#labelsFrom(row.labels);
          if (!labels) continue;
          if (matcherLists.some((matchers) => matchesAll(matchers, labels)))
            page.push({ id: row.id, labels });
        }
        yield page;
        const last = rows.at(-1);
        if (!last || rows.length < SERIES_PER_PAGE) break;
        afterId = last.id;
      }
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

  /** What is archived of one series in an interval. */
  async read(id: number, interval: Interval): Promise<ArchiveFinding> {
    const finding = { labels: {}, floats: new SampleColumns(), histograms: [] };
    for (const row of await this.#rowsOf([id], interval)) unpaced(this.#unpack(row, finding));
    return finding;
  }

  /** Series of a metric, or of all, by id; without labels where they have nothing in the interval. */
  #pageOf(
    metricName: string | null,
    { afterId, within }: { readonly afterId: number; readonly within: Interval | undefined },
  ): Promise<readonly { readonly id: number; readonly labels: string | null }[]> {
    return this.#database.reader
      .selectFrom('tsdb_series')
      .select('id')
      .select((series) => {
        if (!within) return series.ref('labels').as('labels');
        const inside = series
          .selectFrom('tsdb_chunks')
          .select('series_id')
          .whereRef('series_id', '=', 'tsdb_series.id')
          .where('max_ms', '>=', within.startMs)
          .where('min_ms', '<=', within.endMs);
        return series.case().when(series.exists(inside)).then(series.ref('labels')).end().as('labels');
      })
      .$if(metricName !== null, (query) => query.where('metric_name', '=', metricName))
      .where('id', '>', afterId)
      .orderBy('id')
      .limit(SERIES_PER_PAGE)
      .execute();
  }

  /** Those of the series that have samples in the interval, so many at a time as one statement may answer. */
  async *#groupsOf(ids: readonly number[], interval: ReadInterval): AsyncGenerator<SeriesGroup, void, void> {
    const { startMs, endMs, maxSamples = Number.POSITIVE_INFINITY } = interval;
    for (let at = 0; at < ids.length; at += MAX_IDS_PER_STATEMENT) {
      const { rows } = await sql<{ id: number; samples: number; inside: number }>`
        select series_id as id, sum(count) as samples,
          sum(case when min_ms >= ${startMs} and max_ms <= ${endMs} then count else 0 end) as inside
        from tsdb_chunks
        where series_id in (${sql.join(ids.slice(at, at + MAX_IDS_PER_STATEMENT))})
          and max_ms >= ${startMs} and min_ms <= ${endMs}
        group by series_id order by series_id`.execute(this.#database.reader);
      let group: SeriesGroup = { ids: [], samples: 0 };
      for (const { id, samples, inside } of rows) {
        if (inside > maxSamples) throw tooMuch('samples', maxSamples);
        if (group.samples + samples > MAX_SAMPLES_PER_STATEMENT && group.ids.length > 0) {
          yield group;
          group = { ids: [], samples: 0 };
        }
        group.ids.push(id);
        group.samples += samples;
      }
      if (group.ids.length > 0) yield group;
    }
  }

  /** The chunks of a group that touch an interval; of one series with many samples so many at a time as are few. */
  async *#pagesOfRows(
    { ids, samples }: SeriesGroup,
    interval: Interval,
  ): AsyncGenerator<readonly ChunkRow[], void, void> {
    if (samples <= MAX_SAMPLES_PER_STATEMENT) {
      yield await this.#rowsOf(ids, interval);
      return;
    }
    for (let last: ChunkRow | undefined; ;) {
      const rows = await this.#rowsOf(ids, interval, { after: last });
      if (rows.length > 0) yield rows;
      if (rows.length < ROWS_PER_PAGE) return;
      last = rows.at(-1);
    }
  }

  /** The chunks of some series that touch an interval, or a page of those of one series. */
  #rowsOf(
    ids: readonly number[],
    interval: Interval,
    page?: { readonly after: ChunkRow | undefined },
  ): Promise<ChunkRow[]> {
    const chunks = this.#database.reader
      .selectFrom('tsdb_chunks')
      .select(['series_id', 'min_ms', 'kind', 'count', 'bytes'])
      .where('series_id', 'in', ids)
      .where('min_ms', '<=', interval.endMs);
    if (!page) return chunks.where('max_ms', '>=', interval.startMs).execute();
    // Along the key, whatever else there is: the rows of all pages would be sorted for each.
    const inOrder = chunks
      .where(sql`+max_ms`, '>=', interval.startMs)
      .orderBy('min_ms')
      .orderBy('kind');
    const { after } = page;
    const rest = after
      ? inOrder.where((row) => row(row.refTuple('min_ms', 'kind'), '>', row.tuple(after.min_ms, after.kind)))
      : inOrder;
    return rest.limit(ROWS_PER_PAGE).execute();
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

  /** In one go where the row has few samples: most do. */
  async #unpackRow(row: ChunkRow, finding: ArchiveFinding, stretch: Stretch): Promise<void> {
    const steps = this.#unpack(row, finding);
    if (row.count > MANY_SAMPLES) await paced(steps, stretch);
    else unpaced(steps);
  }

  *#unpack(row: ChunkRow, finding: ArchiveFinding): Generator<void, void, void> {
    try {
      if (row.kind === KIND_FLOATS) yield* unpackFloatsInSteps(row.bytes, row.min_ms, finding.floats);
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
