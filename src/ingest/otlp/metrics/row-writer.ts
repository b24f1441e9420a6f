import type { SampleBatch, SeriesRef } from '#telemetry';
import type { DeltaTotals } from './delta-totals.ts';
import type { Family, SeriesGroup } from './family.ts';
import { placeInBlock, type KnownWriters } from './known-writers.ts';
import type { PointRows } from './point-rows.ts';
import type { ResolvedWriter } from './writers.ts';

const DUPLICATE = 'a delta that does not end after the last one that counts';
/** Places of a group. */
const COUNT = 0;
const SUM = 1;

export interface RowWriterParts {
  /** A delta that ends with the last one that counts is this very one: it was stored a moment ago. */
  readonly isRepeated: boolean;
  readonly known: KnownWriters;
  readonly batch: SampleBatch;
  readonly totals: DeltaTotals;
  readonly rows: PointRows;
}

/** Turns rows into samples: deltas into totals, a changed start into a reset. */
export class RowWriter {
  readonly #known: KnownWriters;
  readonly #batch: SampleBatch;
  readonly #totals: DeltaTotals;
  readonly #rows: PointRows;
  readonly #isRepeated: boolean;
  /**
   * The newest points of streams that begin anew in this request, ms, by their first series: a stream may be told of with
   * its attributes in two orders, of which each has a writer that knows nothing of the other.
   */
  readonly #begunMs = new Map<SeriesRef, number>();

  constructor({ known, batch, totals, rows, isRepeated }: RowWriterParts) {
    this.#isRepeated = isRepeated;
    this.#known = known;
    this.#batch = batch;
    this.#totals = totals;
    this.#rows = rows;
  }

  /** Adds the samples of a row. @returns why it is refused, or null */
  write(row: number, family: Family, writer: ResolvedWriter): string | null {
    const rows = this.#rows;
    const timeMs = rows.timesMs[row] ?? 0;
    const resetMs = family.isDelta ? null : this.#resetMs(row, writer);
    this.#noteBegun(firstSeries(writer), { timeMs, begins: resetMs !== null });
    if (rows.stale[row] === 1) this.#writeStale(timeMs, writer);
    else {
      const problem = writer.group
        ? this.#writeGroup(row, family, { group: writer.group, resetMs })
        : this.#writeSingle(row, family, { ref: writer.ref, resetMs });
      if (problem !== null) return problem;
    }
    if (writer.entry !== 0) {
      const place = placeInBlock(writer.entry);
      // A point that comes late says nothing of where its stream stands now.
      if (timeMs >= (writer.block.timesMs[place] ?? 0)) {
        writer.block.timesMs[place] = timeMs;
        writer.block.startsMs[place] = rows.startsMs[row] ?? 0;
      }
    }
    return null;
  }

  /**
   * When a cumulative stream began anew, or null: it counts from zero again where it starts after the last point, even
   * where its first value is above the last one. A start that lies before the last point is no reset: senders that
   * compute it, from the time since boot for instance, are off by a little each time.
   */
  #resetMs(row: number, writer: ResolvedWriter): number | null {
    const { block, entry } = writer;
    const startMs = this.#rows.startsMs[row] ?? 0;
    const place = placeInBlock(entry);
    const lastStartMs = entry === 0 ? 0 : (block.startsMs[place] ?? 0);
    if (startMs === 0 || startMs === lastStartMs) return null;
    const datedMs = this.#rows.dated(startMs);
    if (datedMs >= (this.#rows.timesMs[row] ?? 0)) return null;
    // Where the same attributes in another order may have brought it: the store, and this request.
    const series = firstSeries(writer);
    const storedMs = Math.max(this.#totals.newestMs(series), this.#begunMs.get(series) ?? -Infinity);
    if (lastStartMs === 0) {
      // After a restart of Omoi no start is known, and one at the time of the last point may be that point's own.
      return storedMs > Number.NEGATIVE_INFINITY && datedMs > storedMs ? datedMs : null;
    }
    const lastMs = Math.max(block.timesMs[place] ?? 0, storedMs);
    if (datedMs < lastMs) return null;
    return datedMs === lastMs ? lastMs + 1 : datedMs;
  }

  #noteBegun(
    series: SeriesRef,
    { timeMs, begins }: { readonly timeMs: number; readonly begins: boolean },
  ): void {
    const begunMs = this.#begunMs.size > 0 ? this.#begunMs.get(series) : undefined;
    if (begins || (begunMs !== undefined && timeMs > begunMs)) this.#begunMs.set(series, timeMs);
  }

  #writeSingle(
    row: number,
    family: Family,
    { ref, resetMs }: { readonly ref: SeriesRef; readonly resetMs: number | null },
  ): string | null {
    if (family.kind === 'exponential') return this.#writeHistogram(row, family, { ref, resetMs });
    const rows = this.#rows;
    const timeMs = rows.timesMs[row] ?? 0;
    const value = rows.values[row] ?? 0;
    if (!family.isDelta) {
      if (resetMs !== null && family.isMonotonic) this.#writeZero(ref, row, resetMs);
      this.#batch.add(ref, timeMs, value);
      return null;
    }
    const newestMs = this.#totals.newestMs(ref);
    if (!(timeMs > newestMs)) return this.#duplicate(timeMs, newestMs);
    this.#batch.add(ref, timeMs, this.#totals.add(ref, timeMs, value));
    return null;
  }

  #writeHistogram(
    row: number,
    family: Family,
    { ref, resetMs }: { readonly ref: SeriesRef; readonly resetMs: number | null },
  ): string | null {
    const rows = this.#rows;
    const timeMs = rows.timesMs[row] ?? 0;
    const histogram = rows.histograms[rows.values[row] ?? -1];
    if (!histogram) return 'a histogram without a value';
    if (family.isDelta) {
      const newestMs = this.#totals.newestMs(ref);
      if (!(timeMs > newestMs)) return this.#duplicate(timeMs, newestMs);
      this.#batch.addHistogram(ref, timeMs, this.#totals.addHistogram(ref, timeMs, histogram));
      return null;
    }
    this.#batch.addHistogram(
      ref,
      timeMs,
      resetMs !== null ? { ...histogram, counterReset: 'reset' } : histogram,
    );
    return null;
  }

  #writeGroup(
    row: number,
    family: Family,
    { group, resetMs }: { readonly group: SeriesGroup; readonly resetMs: number | null },
  ): string | null {
    const rows = this.#rows;
    const timeMs = rows.timesMs[row] ?? 0;
    const place = rows.values[row] ?? 0;
    const hasSum = place >= 0;
    const first = hasSum ? place : -1 - place;
    if (family.isDelta) return this.#writeDeltaGroup(timeMs, group, { first, hasSum });
    for (let at = 0; at < group.length; at++) {
      if (at === SUM && !hasSum) continue;
      const ref = group[at] ?? 0;
      // The quantiles of a summary are no counters.
      if (resetMs !== null && (family.kind === 'histogram' || at <= SUM)) this.#writeZero(ref, row, resetMs);
      this.#batch.add(ref, timeMs, rows.numbers[first + at] ?? 0);
    }
    return null;
  }

  /**
   * All series of one histogram stand at one time, or begin anew together: those of other bounds have other buckets. Its
   * sum may be behind the others: a point that does not tell it leaves it where it stands.
   */
  #writeDeltaGroup(
    timeMs: number,
    group: SeriesGroup,
    { first, hasSum }: { readonly first: number; readonly hasSum: boolean },
  ): string | null {
    const { numbers } = this.#rows;
    const totals = this.#totals;
    const newestMs = totals.newestMs(group[COUNT] ?? 0);
    if (!(timeMs > newestMs)) return this.#duplicate(timeMs, newestMs);
    let isOne = true;
    for (let at = 0; at < group.length && isOne; at++) {
      if (at !== SUM) isOne = totals.newestMs(group[at] ?? 0) === newestMs;
    }
    for (let at = 0; at < group.length; at++) {
      if (at === SUM && !hasSum) continue;
      const ref = group[at] ?? 0;
      const delta = numbers[first + at] ?? 0;
      const total = isOne ? totals.add(ref, timeMs, delta) : totals.begin(ref, timeMs, delta);
      this.#batch.add(ref, timeMs, total);
    }
    return null;
  }

  #writeStale(timeMs: number, { ref, group, entry }: ResolvedWriter): void {
    const ending = group ? (this.#known.endingGroup(entry) ?? group) : [ref];
    for (const series of ending) {
      this.#batch.addStale(series, timeMs);
      this.#totals.end(series, timeMs);
    }
  }

  #duplicate(timeMs: number, newestMs: number): string | null {
    return this.#isRepeated && timeMs === newestMs ? null : DUPLICATE;
  }

  /** A sample of zero where the stream starts anew. */
  #writeZero(ref: SeriesRef, row: number, resetMs: number): void {
    const zeroMs = Math.max(resetMs, this.#totals.newestMs(ref) + 1);
    if (zeroMs < (this.#rows.timesMs[row] ?? 0)) this.#batch.add(ref, zeroMs, 0);
  }
}

/** Of a group its count, which comes and goes with the others. */
function firstSeries({ group, ref }: ResolvedWriter): SeriesRef {
  return group ? (group[COUNT] ?? 0) : ref;
}
