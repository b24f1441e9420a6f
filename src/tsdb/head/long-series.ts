import type { SelectedSeries } from '#telemetry';
import type { ChunkId } from '../chunk/chunk-table.ts';
import { mergeRuns } from '../chunk/merge-runs.ts';
import type { SampleColumns } from '../chunk/sample-columns.ts';
import { MAX_SEALED_SAMPLES } from '../chunk/sealed-chunk.ts';
import type { SeriesRow } from '../index/series-rows.ts';
import { ROW_MASK } from '../rows/row-allocator.ts';
import type { Head } from './head.ts';
import { mergeHistogramsInSteps } from './sample-slab.ts';
import type { SealedChunks } from './sealed-chunks.ts';
import { HAS_FLOATS, HAS_HISTOGRAMS } from './series-states.ts';

/** A series with more samples than this in an interval is not read in one go. */
const MANY_SAMPLES = 50_000;
const MANY_HISTOGRAMS = 1000;
/** Samples decoded between two chances to pause: about a millisecond. */
const SAMPLES_AT_ONCE = 20_000;

/** Both ends inclusive, ms since epoch. */
interface Interval {
  readonly startMs: number;
  readonly endMs: number;
}

/** Whether reading a series in one go would be felt. */
export function isLong(head: Head, row: SeriesRow, interval: Interval): boolean {
  if (countSealed(head.sealed, row, interval) > MANY_SAMPLES) return true;
  if (!head.states.hasFlag(row, HAS_HISTOGRAMS)) return false;
  const { startMs, endMs } = interval;
  return (head.histogramsOf(row)?.countTouching(startMs, endMs) ?? 0) > MANY_HISTOGRAMS;
}

/**
 * Reads the samples of a series in an interval in steps: between two of them samples may come, be sealed or leave
 * memory. Whoever drives it sees to it that the row is still the series'.
 * @param into empty columns, of which the answer's arrays may be views
 */
export function* readLong(
  head: Head,
  row: SeriesRow,
  { interval, into }: { readonly interval: Interval; readonly into: SampleColumns },
): Generator<void, Omit<SelectedSeries, 'labels'>, void> {
  const { startMs, endMs } = interval;
  if (head.states.hasFlag(row, HAS_FLOATS)) yield* readFloats(head, row, { interval, into });
  const floats = into.within(startMs, endMs);
  const series = head.histogramsOf(row);
  const histograms = series ? yield* series.readInSteps(startMs, endMs) : [];
  return histograms.length > 0 ? yield* mergeHistogramsInSteps(floats, histograms) : floats;
}

function* readFloats(
  head: Head,
  row: SeriesRow,
  { interval, into }: { readonly interval: Interval; readonly into: SampleColumns },
): Generator<void, void, void> {
  const { sealed } = head;
  // All at once: to grow as the samples come would copy them again and again.
  into.reserve(countSealed(sealed, row, interval) + MAX_SEALED_SAMPLES);
  let { removals } = sealed;
  let room = SAMPLES_AT_ONCE;
  let id = sealed.firstOf(row);
  while (id !== 0) {
    if (room <= 0 && sealed.touches(id, interval)) {
      const place = placeOf(sealed, id);
      yield;
      room = SAMPLES_AT_ONCE;
      if (sealed.removals !== removals) {
        removals = sealed.removals;
        if (!isInChain(sealed, row, place)) {
          into.length = 0;
          id = sealed.firstOf(row);
          continue;
        }
      }
    }
    const before = into.length;
    if (sealed.touches(id, interval)) sealed.read(id, into);
    room -= into.length - before;
    id = sealed.table.next(id);
  }
  head.readUnsealed(row, interval.endMs, into);
  yield;
  yield* mergeRuns(into);
}

/** The samples of the sealed chunks that touch an interval. */
function countSealed(sealed: SealedChunks, row: SeriesRow, interval: Interval): number {
  let count = 0;
  for (let id = sealed.firstOf(row); id !== 0; id = sealed.table.next(id)) {
    if (sealed.touches(id, interval)) count += sealed.table.pageOf(id).counts[id & ROW_MASK] ?? 0;
  }
  return count;
}

/** Ids of chunks are used again, but no two chunks of a series begin at the same time. */
interface ChunkPlace {
  readonly id: ChunkId;
  readonly minMs: number;
}

function placeOf(sealed: SealedChunks, id: ChunkId): ChunkPlace {
  return { id, minMs: sealed.table.pageOf(id).minMs[id & ROW_MASK] ?? 0 };
}

/** Whether a chunk is still where the series had it. */
function isInChain(sealed: SealedChunks, row: SeriesRow, place: ChunkPlace): boolean {
  for (let id = sealed.firstOf(row); id !== 0; id = sealed.table.next(id)) {
    if (id === place.id) return placeOf(sealed, id).minMs === place.minMs;
  }
  return false;
}
