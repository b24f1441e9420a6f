import { labelsKey, type Labels, type Matcher, type SeriesRef } from '#telemetry';
import type { Archive } from './archive/archive.ts';
import type { Head } from './head/head.ts';
import type { SeriesIndex } from './index/series-index.ts';

/** Which series a lookup is about: those that match one of the matcher lists; all where there is none. */
export interface SeriesLookup {
  readonly matcherLists: readonly (readonly Matcher[])[];
  /** Series whose newest sample is older are left out; all of history where absent. */
  readonly startMs?: number;
}

interface LookupParts {
  readonly index: SeriesIndex;
  readonly head: Head;
  readonly archive: Archive | null;
}

/** Finds series, label names and label values: in memory at once, where the archive counts too as a promise. */
export class SeriesLookups {
  readonly #parts: LookupParts;

  constructor(parts: LookupParts) {
    this.#parts = parts;
  }

  series(lookup: SeriesLookup): Labels[] | Promise<Labels[]> {
    const { index } = this.#parts;
    const found: Labels[] = [];
    for (const ref of this.#refsOf(lookup) ?? index.select([])) {
      const labels = index.labelsOf(ref);
      if (labels) found.push(labels);
    }
    return this.#needsArchive(lookup) ? this.#withArchived(found, lookup) : found;
  }

  labelNames(lookup: SeriesLookup): string[] | Promise<string[]> {
    const names = this.#parts.index.labelNames(this.#refsOf(lookup));
    if (!this.#needsArchive(lookup)) return names;
    return this.#withArchived([], lookup).then((series) =>
      [...new Set([...names, ...series.flatMap((labels) => Object.keys(labels))])].sort(),
    );
  }

  labelValues(name: string, lookup: SeriesLookup): string[] | Promise<string[]> {
    const values = this.#parts.index.labelValues(name, this.#refsOf(lookup));
    if (!this.#needsArchive(lookup)) return values;
    return this.#withArchived([], lookup).then((series) => {
      const archived = series.map((labels) => labels[name]).filter((value) => value !== undefined);
      return [...new Set([...values, ...archived])].sort();
    });
  }

  #needsArchive({ startMs = Number.NEGATIVE_INFINITY }: SeriesLookup): boolean {
    return this.#parts.archive !== null && startMs <= this.#parts.archive.newestMs;
  }

  async #withArchived(found: readonly Labels[], lookup: SeriesLookup): Promise<Labels[]> {
    const byKey = new Map(found.map((labels) => [labelsKey(labels), labels] as const));
    for (const matchers of matcherListsOf(lookup)) {
      const archived = await this.#parts.archive?.matchingSeries(matchers);
      for (const labels of archived?.values() ?? []) byKey.set(labelsKey(labels), labels);
    }
    return [...byKey.values()];
  }

  /** Whatever a lookup restricts series to; null where it does not. */
  #refsOf(lookup: SeriesLookup): Uint32Array | null {
    const { startMs = Number.NEGATIVE_INFINITY } = lookup;
    if (lookup.matcherLists.length === 0 && startMs === Number.NEGATIVE_INFINITY) return null;
    const { newestMs } = this.#parts.head.states;
    const refs = new Set<SeriesRef>();
    for (const matchers of matcherListsOf(lookup)) {
      for (const ref of this.#parts.index.select(matchers))
        if ((newestMs[ref] ?? 0) >= startMs) refs.add(ref);
    }
    return Uint32Array.from(refs).sort();
  }
}

function matcherListsOf(lookup: SeriesLookup): readonly (readonly Matcher[])[] {
  return lookup.matcherLists.length === 0 ? [[]] : lookup.matcherLists;
}
