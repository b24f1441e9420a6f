import {
  type Clock,
  type Exemplar,
  type Labels,
  labelsKey,
  type Matcher,
  matchesAll,
  METRIC_NAME_LABEL,
  OmoiError,
  type SeriesRef,
  Stretch,
} from '#telemetry';
import type { Archive } from './archive/archive.ts';
import { DistinctTexts, type Found } from './distinct-texts.ts';
import type { ExemplarRing } from './exemplar-ring.ts';
import type { Head } from './head/head.ts';
import { RowSet } from './index/row-set.ts';
import type { SeriesIndex } from './index/series-index.ts';
import type { SeriesRow } from './index/series-rows.ts';

/** Series looked at between two looks at the clock. */
const SERIES_PER_LOOK = 64;
/** The same of exemplars, of which one series may have all. */
const EXEMPLARS_PER_LOOK = 1000;

/** Which series a lookup is about: those that match one of the matcher lists; all where there is none. */
export interface SeriesLookup {
  readonly matcherLists: readonly (readonly Matcher[])[];
  /** Series whose newest sample is older are left out; all of history where absent. */
  readonly startMs?: number;
  /** Series in memory whose oldest sample is newer are left out, unless they are archived, too. */
  readonly endMs?: number;
  /** How many are wanted at most: little more is gathered. */
  readonly limit?: number;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal?: AbortSignal;
}

/** Which exemplars: of the series that the matchers accept, in [startMs, endMs]. */
export interface ExemplarSelection {
  readonly matchers: readonly Matcher[];
  readonly startMs: number;
  readonly endMs: number;
}

/** The exemplars of one series, in order of time. */
export interface ExemplarsOfSeries {
  readonly labels: Labels;
  readonly exemplars: readonly Exemplar[];
}

interface LookupParts {
  readonly clock: Clock;
  readonly index: SeriesIndex;
  readonly head: Head;
  readonly exemplars: ExemplarRing;
  readonly archive: Archive | null;
}

/**
 * Finds series, label names and label values, in memory and in the archive. There may be millions: the event loop
 * gets a turn every few milliseconds, and series come and go meanwhile. What is there from the beginning of a lookup
 * to its end is found, once.
 */
export class SeriesLookups {
  readonly #parts: LookupParts;

  constructor(parts: LookupParts) {
    this.#parts = parts;
  }

  /** @throws OmoiError `query_timeout` where the lookup has been cancelled */
  async series(lookup: SeriesLookup): Promise<Found<Labels>> {
    const { index } = this.#parts;
    const { limit = Number.POSITIVE_INFINITY } = lookup;
    const stretch = this.#stretchOf(lookup);
    const listed = new RowSet(index.rowsEnd);
    // A series that leaves memory while the archive is read would be found there once more.
    const gone = new Set<string>();
    const stopWatching = index.watchRemovals((row, labels) => {
      if (listed.has(row)) gone.add(labelsKey(labels));
      // Another series may get the row.
      listed.remove(row);
    });
    try {
      const items: Labels[] = [];
      await this.#eachInMemory(lookup, stretch, (labels, row) => {
        items.push(labels);
        listed.add(row);
        return items.length <= limit;
      });
      if (items.length <= limit) {
        await this.#eachInArchive(lookup, stretch, (labels) => {
          const isListed = listed.has(index.find(labels)) || (gone.size > 0 && gone.has(labelsKey(labels)));
          if (!isListed) items.push(labels);
          return items.length <= limit;
        });
      }
      const isTruncated = items.length > limit;
      return { items: isTruncated ? items.slice(0, limit) : items, isTruncated };
    } finally {
      stopWatching();
    }
  }

  /** Sorted. @throws OmoiError `query_timeout` where the lookup has been cancelled */
  async labelNames(lookup: SeriesLookup): Promise<Found<string>> {
    const stretch = this.#stretchOf(lookup);
    const names = new DistinctTexts(lookup.limit);
    const addNames = (labels: Labels): true => {
      for (const name of Object.keys(labels)) names.add(name);
      return true;
    };
    if (isAboutAll(lookup)) {
      for (const values of this.#parts.index.names()) if (values.valueCount > 0) names.add(values.name);
    } else {
      await this.#eachInMemory(lookup, stretch, addNames);
    }
    await this.#eachInArchive(lookup, stretch, addNames);
    return names.take(stretch);
  }

  /** Sorted. @throws OmoiError `query_timeout` where the lookup has been cancelled */
  async labelValues(name: string, lookup: SeriesLookup): Promise<Found<string>> {
    const { index, archive } = this.#parts;
    const stretch = this.#stretchOf(lookup);
    const values = new DistinctTexts(lookup.limit);
    const addValue = (labels: Labels): true => {
      const value = labels[name];
      if (value) values.add(value);
      return true;
    };
    if (isAboutAll(lookup)) {
      let added = 0;
      for (const value of index.valuesOf(name)?.values() ?? []) {
        values.add(value);
        if (++added % SERIES_PER_LOOK === 0 && stretch.isOver) await stretch.pause();
      }
    } else {
      await this.#eachInMemory(lookup, stretch, addValue);
    }
    if (archive && name === METRIC_NAME_LABEL && lookup.matcherLists.length === 0) {
      if (this.#needsArchive(lookup))
        for (const metric of await archive.reader.metricNames()) values.add(metric);
    } else {
      await this.#eachInArchive(lookup, stretch, addValue);
    }
    return values.take(stretch);
  }

  /** @throws OmoiError `query_timeout` where the lookup has been cancelled */
  async exemplars(
    { matchers, startMs, endMs }: ExemplarSelection,
    signal?: AbortSignal,
  ): Promise<ExemplarsOfSeries[]> {
    const { index, exemplars, clock } = this.#parts;
    const stretch = stretchUntil(clock, signal);
    const found = new Map<SeriesRef, { labels: Labels; exemplars: Exemplar[] } | null>();
    // The ring turns while others take their turn.
    const all = [...exemplars.entries()];
    for (const [at, { ref, exemplar }] of all.entries()) {
      if (at % EXEMPLARS_PER_LOOK === 0 && stretch.isOver) await stretch.pause();
      if (exemplar.timestampMs < startMs || exemplar.timestampMs > endMs) continue;
      let ofSeries = found.get(ref);
      if (ofSeries === undefined) {
        if (stretch.isOver) await stretch.pause();
        const labels = index.labelsOf(index.rowOf(ref));
        ofSeries = labels && matchesAll(matchers, labels) ? { labels, exemplars: [] } : null;
        found.set(ref, ofSeries);
      }
      ofSeries?.exemplars.push(exemplar);
    }
    const ofAll = [...found.values()].filter((ofSeries) => ofSeries !== null);
    for (const ofSeries of ofAll) ofSeries.exemplars.sort((a, b) => a.timestampMs - b.timestampMs);
    return ofAll;
  }

  #stretchOf({ signal }: SeriesLookup): Stretch {
    return stretchUntil(this.#parts.clock, signal);
  }

  #needsArchive({ startMs = Number.NEGATIVE_INFINITY }: SeriesLookup): boolean {
    return this.#parts.archive !== null && startMs <= this.#parts.archive.newestMs;
  }

  /** Whether a series in memory has samples at its times. */
  #isWithin({ startMs = Number.NEGATIVE_INFINITY, endMs }: SeriesLookup, row: SeriesRow): boolean {
    const { head } = this.#parts;
    if (head.states.newestMs(row) < startMs) return false;
    return endMs === undefined || head.oldestMs(row) <= endMs;
  }

  /** Shows each series in memory that the lookup is about, until `show` says that it is enough. */
  async #eachInMemory(
    lookup: SeriesLookup,
    stretch: Stretch,
    show: (labels: Labels, row: SeriesRow) => boolean,
  ): Promise<void> {
    const { index } = this.#parts;
    const { epoch } = index;
    const rows = await this.#rowsOf(lookup, stretch);
    for (let at = 0; at < rows.length; at++) {
      if (at % SERIES_PER_LOOK === 0 && stretch.isOver) await stretch.pause();
      const row = rows[at] ?? 0;
      // The series may be gone, and another one in its row.
      const labels = index.isFrom(row, epoch) ? index.labelsOf(row) : undefined;
      if (!labels || !this.#isWithin(lookup, row)) continue;
      if (!show(labels, row)) return;
    }
  }

  /** Shows each archived series that the lookup is about, until `show` says that it is enough. */
  async #eachInArchive(
    lookup: SeriesLookup,
    stretch: Stretch,
    show: (labels: Labels) => boolean,
  ): Promise<void> {
    const { archive } = this.#parts;
    if (!archive || !this.#needsArchive(lookup)) return;
    for await (const page of archive.reader.pagesOfSeries(matcherListsOf(lookup))) {
      for (const { labels } of page) if (!show(labels)) return;
      if (stretch.isOver) await stretch.pause();
    }
  }

  async #rowsOf(lookup: SeriesLookup, stretch: Stretch): Promise<Uint32Array> {
    const { index } = this.#parts;
    const [first = [], ...others] = lookup.matcherLists;
    if (others.length === 0) return index.selectInSlices(first, stretch);
    const rows = new RowSet(index.rowsEnd);
    for (const matchers of lookup.matcherLists) {
      await rows.addAllInSlices(await index.selectInSlices(matchers, stretch), stretch);
    }
    return rows.sortedInSlices(stretch);
  }
}

function isAboutAll({ matcherLists, startMs, endMs }: SeriesLookup): boolean {
  return matcherLists.length === 0 && startMs === undefined && endMs === undefined;
}

function matcherListsOf({ matcherLists }: SeriesLookup): readonly (readonly Matcher[])[] {
  return matcherLists.length === 0 ? [[]] : matcherLists;
}

/** @param signal aborted when nobody waits for the lookup any more: its next pause throws `query_timeout` */
function stretchUntil(clock: Clock, signal: AbortSignal | undefined): Stretch {
  return new Stretch(clock, {
    afterPause: () => {
      if (!signal?.aborted) return;
      throw new OmoiError('query_timeout', 'the query was cancelled', { limit: 'signal' });
    },
  });
}
