import type { HistogramValue } from '#telemetry';
import { Arena, LARGEST_SLOT_CLASS, slotBytes } from '../chunk/arena.ts';
import { BitReader, BitWriter, SLACK_BYTES } from '../chunk/bits.ts';
import type { ChunkId } from '../chunk/chunk-table.ts';
import { SampleColumns } from '../chunk/sample-columns.ts';
import { encodeSealed } from '../chunk/sealed-chunk.ts';
import type { SeriesRow } from '../index/series-rows.ts';
import { ROW_MASK } from '../rows/row-allocator.ts';
import { MAX_SAMPLE_BITS, readXorChunk, writeStep, writeXor } from '../chunk/xor-chunk.ts';
import { HistogramSeries, sameHistogram, type HistogramChunk } from './histogram-series.ts';
import { LateLookup } from './late-lookup.ts';
import { LateSamples, MAX_LATE_SAMPLES_PER_SERIES } from './late-samples.ts';
import { SealedChunks } from './sealed-chunks.ts';
import {
  HAS_FLOATS,
  HAS_HISTOGRAMS,
  HAS_LATE_SAMPLES,
  NEWEST_IS_HISTOGRAM,
  SeriesStates,
} from './series-states.ts';

/** What became of a sample. */
export const ACCEPTED = 0;
/** It was there already: nothing to do, and no error. */
export const ALREADY_THERE = 1;
export const DUPLICATE_TIMESTAMP = 2;
export const OUT_OF_ORDER = 3;
export type AppendOutcome =
  | typeof ACCEPTED
  | typeof ALREADY_THERE
  | typeof DUPLICATE_TIMESTAMP
  | typeof OUT_OF_ORDER;

const MAX_CHUNK_SAMPLES = 120;
const MAX_CHUNK_SPAN_MS = 2 * 3_600_000;
/** First chunks end after 60 to 119 samples, so that series that started together don't all seal together. */
const FIRST_CHUNK_SPREAD = 60;

/** The samples in memory: of each series the sealed chunks, the open one, the late ones and the newest value. */
export class Head {
  readonly states = new SeriesStates();
  readonly arena = new Arena();
  readonly sealed = new SealedChunks(this.states, this.arena);
  readonly #outOfOrderWindowMs: number;
  readonly #late = new LateSamples();
  readonly #lateLookup = new LateLookup(this.sealed.table);
  readonly #histograms = new Map<SeriesRow, HistogramSeries>();
  readonly #writer = new BitWriter(this.arena.viewOf(0));
  readonly #reader = new BitReader(this.arena.viewOf(0));
  readonly #scratch = new SampleColumns();

  constructor(outOfOrderWindowMs: number) {
    this.#outOfOrderWindowMs = outOfOrderWindowMs;
  }

  /** Appends a float sample given by its two words of bits. */
  append(row: SeriesRow, timestampMs: number, high: number, low: number): AppendOutcome {
    const page = this.states.pageOf(row);
    const at = row & ROW_MASK;
    const newestMs = page.newestMs[at] ?? 0;
    if (timestampMs <= newestMs) return this.#appendLate(row, timestampMs, high, low);
    const count = page.counts[at] ?? 0;
    if (count === 0) {
      this.#open(row, timestampMs, high, low);
    } else if (this.#isFull(row, count, timestampMs)) {
      this.seal(row);
      this.#open(row, timestampMs, high, low);
    } else {
      const writer = this.#writer;
      const slot = page.slots[at] ?? 0;
      const bitLength = page.bitLengths[at] ?? 0;
      const start = this.arena.offsetOf(slot) * 8;
      const distanceMs = timestampMs - newestMs;
      writer.view = this.arena.viewOf(slot);
      writer.bit = start + bitLength;
      writeStep(writer, distanceMs - (page.distancesMs[at] ?? 0));
      page.windows[at] = writeXor(
        writer,
        (page.newestWords[2 * at + 1] ?? 0) ^ high,
        (page.newestWords[2 * at] ?? 0) ^ low,
        page.windows[at] ?? 0,
      );
      page.bitLengths[at] = writer.bit - start;
      page.distancesMs[at] = distanceMs;
      page.counts[at] = count + 1;
    }
    page.newestMs[at] = timestampMs;
    page.newestWords[2 * at] = low;
    page.newestWords[2 * at + 1] = high;
    return ACCEPTED;
  }

  /** Appends a native histogram. */
  appendHistogram(row: SeriesRow, timestampMs: number, histogram: HistogramValue): AppendOutcome {
    const page = this.states.pageOf(row);
    const at = row & ROW_MASK;
    const states = this.states;
    const newestMs = page.newestMs[at] ?? 0;
    if (timestampMs <= newestMs) return this.#appendLateHistogram(row, timestampMs, histogram);
    this.seal(row);
    this.#histogramSeries(row).append(timestampMs, histogram);
    states.setFlag(row, HAS_HISTOGRAMS | NEWEST_IS_HISTOGRAM);
    page.newestMs[at] = timestampMs;
    page.newestValues[at] = Number.NaN;
    return ACCEPTED;
  }

  /** The time of a series' oldest sample in memory; Infinity where there is none. */
  oldestMs(row: SeriesRow): number {
    const page = this.states.pageOf(row);
    const at = row & ROW_MASK;
    let oldestMs = (page.counts[at] ?? 0) > 0 ? (page.firstMs[at] ?? 0) : Infinity;
    oldestMs = Math.min(oldestMs, this.sealed.oldestMs(row));
    for (const { minMs } of this.#histograms.get(row)?.chunks ?? []) oldestMs = Math.min(oldestMs, minMs);
    return Math.min(oldestMs, this.#late.oldestMs(row));
  }

  /** The native histograms of a series, where it has any. */
  histogramsOf(row: SeriesRow): HistogramSeries | undefined {
    return this.#histograms.get(row);
  }

  /** Takes over the histograms of a series from a snapshot. */
  restoreHistograms(row: SeriesRow, series: HistogramSeries): void {
    this.#histograms.set(row, series);
    this.states.setFlag(row, HAS_HISTOGRAMS);
  }

  /** Appends the float samples of a series in [startMs, endMs] to the columns, in order of time. */
  read(row: SeriesRow, startMs: number, endMs: number, into: SampleColumns): void {
    if (!this.states.hasFlag(row, HAS_FLOATS)) return;
    const start = into.length;
    this.sealed.readChain(row, { startMs, endMs }, into);
    this.readUnsealed(row, endMs, into);
    into.sortFrom(start);
    into.trimFrom(start, startMs, endMs);
  }

  /** Appends what no sealed chunk has yet to the columns: the open chunk, unless all of it is after `endMs`, and what came late. */
  readUnsealed(row: SeriesRow, endMs: number, into: SampleColumns): void {
    const page = this.states.pageOf(row);
    const at = row & ROW_MASK;
    if ((page.counts[at] ?? 0) > 0 && (page.firstMs[at] ?? 0) <= endMs) this.#readOpen(row, into);
    if (this.states.hasFlag(row, HAS_LATE_SAMPLES)) this.#late.read(row, into);
  }

  /** The bytes of the open chunk, as a view; empty where there is none. */
  openBytes(row: SeriesRow): Uint8Array {
    const page = this.states.pageOf(row);
    const at = row & ROW_MASK;
    const slot = page.slots[at] ?? 0;
    if ((page.counts[at] ?? 0) === 0) return new Uint8Array(0);
    const offset = this.arena.offsetOf(slot);
    return this.arena.pageOf(slot).subarray(offset, offset + (((page.bitLengths[at] ?? 0) + 7) >>> 3));
  }

  /** Closes the open chunk, with what came late, so that it takes no more samples. */
  seal(row: SeriesRow): void {
    const page = this.states.pageOf(row);
    const at = row & ROW_MASK;
    const states = this.states;
    const count = page.counts[at] ?? 0;
    const hasLate = states.hasFlag(row, HAS_LATE_SAMPLES);
    if (count === 0 && !hasLate) return;
    const scratch = this.#scratch;
    scratch.length = 0;
    if (count > 0) this.#readOpen(row, scratch);
    if (hasLate) {
      this.#late.read(row, scratch);
      this.#late.remove(row);
      states.clearFlag(row, HAS_LATE_SAMPLES);
      scratch.sortFrom(0);
    }
    this.#addSealed(row, scratch);
    if (count === 0) return;
    this.arena.returnSlot(page.slots[at] ?? 0);
    page.slots[at] = 0;
    page.counts[at] = 0;
    page.bitLengths[at] = 0;
  }

  /** Puts an open chunk back as a snapshot kept it; the newest sample is set too. */
  restoreOpen(row: SeriesRow, open: OpenChunk): void {
    const page = this.states.pageOf(row);
    const at = row & ROW_MASK;
    const { states, arena } = this;
    let slotClass = 0;
    while (slotClass < LARGEST_SLOT_CLASS && slotBytes(slotClass) < open.bytes.length) slotClass++;
    const slot = arena.takeSlot(slotClass);
    arena.pageOf(slot).set(open.bytes, arena.offsetOf(slot));
    page.slots[at] = slot;
    page.slotClasses[at] = slotClass;
    page.counts[at] = open.count;
    page.firstMs[at] = open.firstMs;
    page.bitLengths[at] = open.bitLength;
    page.distancesMs[at] = open.distanceMs;
    page.windows[at] = open.window;
    states.setFlag(row, HAS_FLOATS);
    this.#makeRoom(row);
  }

  /** Sets the newest sample of a series, as a snapshot kept it. */
  restoreNewest(
    row: SeriesRow,
    newest: {
      readonly timestampMs: number;
      readonly high: number;
      readonly low: number;
      readonly isHistogram: boolean;
    },
  ): void {
    const page = this.states.pageOf(row);
    const at = row & ROW_MASK;
    const { states } = this;
    page.newestMs[at] = newest.timestampMs;
    page.newestWords[2 * at] = newest.low;
    page.newestWords[2 * at + 1] = newest.high;
    if (newest.isHistogram) states.setFlag(row, NEWEST_IS_HISTOGRAM);
  }

  /** Appends the late samples of a series, which no chunk holds yet, to the columns. */
  readLate(row: SeriesRow, into: SampleColumns): void {
    if (this.states.hasFlag(row, HAS_LATE_SAMPLES)) this.#late.read(row, into);
  }

  restoreLate(row: SeriesRow, timestampMs: number, high: number, low: number): void {
    this.#late.add(row, timestampMs, high, low);
    this.states.setFlag(row, HAS_FLOATS | HAS_LATE_SAMPLES);
  }

  /** Drops the chunks of a series that end before a time. */
  dropChunksBefore(row: SeriesRow, beforeMs: number): void {
    const { table } = this.sealed;
    this.sealed.drop(row, (id) => (table.pageOf(id).maxMs[id & ROW_MASK] ?? 0) < beforeMs);
    this.#histograms.get(row)?.dropBefore(beforeMs);
  }

  /** Drops these chunks of a series, sealed ones of floats and of histograms. */
  removeChunks(row: SeriesRow, ids: ReadonlySet<ChunkId>, histograms: ReadonlySet<HistogramChunk>): void {
    this.sealed.drop(row, (id) => ids.has(id));
    this.#histograms.get(row)?.remove(histograms);
    for (const { maxMs } of histograms) this.sealed.noteRemoved(maxMs);
  }

  /** Forgets everything about a series. */
  forget(row: SeriesRow): void {
    const page = this.states.pageOf(row);
    const at = row & ROW_MASK;
    this.dropChunksBefore(row, Number.POSITIVE_INFINITY);
    if ((page.counts[at] ?? 0) > 0) this.arena.returnSlot(page.slots[at] ?? 0);
    this.states.release(row);
    this.#late.remove(row);
    this.#lateLookup.forget(row);
    this.#histograms.delete(row);
  }

  #isFull(row: SeriesRow, count: number, timestampMs: number): boolean {
    const page = this.states.pageOf(row);
    const at = row & ROW_MASK;
    if (timestampMs - (page.firstMs[at] ?? 0) >= MAX_CHUNK_SPAN_MS) return true;
    if (count >= FIRST_CHUNK_SPREAD) {
      const isFirst = (page.firstChunks[at] ?? 0) === 0;
      if (count >= (isFirst ? FIRST_CHUNK_SPREAD + (row % FIRST_CHUNK_SPREAD) : MAX_CHUNK_SAMPLES))
        return true;
    }
    return !this.#makeRoom(row);
  }

  /** Sees to it that one more sample fits the slot; false where even the largest is too small. */
  #makeRoom(row: SeriesRow): boolean {
    const page = this.states.pageOf(row);
    const at = row & ROW_MASK;
    const { arena } = this;
    const slotClass = page.slotClasses[at] ?? 0;
    const bitsNeeded = (page.bitLengths[at] ?? 0) + MAX_SAMPLE_BITS + 8 * SLACK_BYTES;
    if (bitsNeeded <= slotBytes(slotClass) * 8) return true;
    if (slotClass === LARGEST_SLOT_CLASS) return false;
    const slot = page.slots[at] ?? 0;
    const larger = arena.takeSlot(slotClass + 1);
    const offset = arena.offsetOf(slot);
    arena
      .pageOf(larger)
      .set(arena.pageOf(slot).subarray(offset, offset + slotBytes(slotClass)), arena.offsetOf(larger));
    arena.returnSlot(slot);
    page.slots[at] = larger;
    page.slotClasses[at] = slotClass + 1;
    return true;
  }

  #open(row: SeriesRow, timestampMs: number, high: number, low: number): void {
    const page = this.states.pageOf(row);
    const at = row & ROW_MASK;
    const { states, arena } = this;
    const slot = arena.takeSlot(0);
    this.#writer.view = arena.viewOf(slot);
    this.#writer.bit = arena.offsetOf(slot) * 8;
    this.#writer.write(high, 32);
    this.#writer.write(low, 32);
    page.slots[at] = slot;
    page.slotClasses[at] = 0;
    page.bitLengths[at] = 64;
    page.counts[at] = 1;
    page.firstMs[at] = timestampMs;
    page.distancesMs[at] = 0;
    page.windows[at] = 0;
    states.setFlag(row, HAS_FLOATS);
    states.clearFlag(row, NEWEST_IS_HISTOGRAM);
  }

  #readOpen(row: SeriesRow, into: SampleColumns): void {
    const page = this.states.pageOf(row);
    const at = row & ROW_MASK;
    const slot = page.slots[at] ?? 0;
    this.#reader.view = this.arena.viewOf(slot);
    this.#reader.bit = this.arena.offsetOf(slot) * 8;
    readXorChunk(this.#reader, page.counts[at] ?? 0, page.firstMs[at] ?? 0, into);
  }

  /** A sample that is not newer than its series' newest. */
  #appendLate(row: SeriesRow, timestampMs: number, high: number, low: number): AppendOutcome {
    const page = this.states.pageOf(row);
    const at = row & ROW_MASK;
    const { states } = this;
    const newestMs = page.newestMs[at] ?? 0;
    if (timestampMs === newestMs) {
      const same =
        !states.hasFlag(row, NEWEST_IS_HISTOGRAM) &&
        page.newestWords[2 * at] === low >>> 0 &&
        page.newestWords[2 * at + 1] === high >>> 0;
      return same ? ALREADY_THERE : DUPLICATE_TIMESTAMP;
    }
    if (timestampMs < newestMs - this.#outOfOrderWindowMs) return OUT_OF_ORDER;
    if (this.#histograms.get(row)?.at(timestampMs)) return DUPLICATE_TIMESTAMP;
    const there = this.#valueAt(row, timestampMs);
    if (there) {
      return there.high === high >>> 0 && there.low === low >>> 0 ? ALREADY_THERE : DUPLICATE_TIMESTAMP;
    }
    this.#late.add(row, timestampMs, high, low);
    states.setFlag(row, HAS_FLOATS | HAS_LATE_SAMPLES);
    if (this.#late.countOf(row) >= MAX_LATE_SAMPLES_PER_SERIES) this.#sealLate(row);
    return ACCEPTED;
  }

  /** A histogram that is not newer than its series' newest sample. */
  #appendLateHistogram(row: SeriesRow, timestampMs: number, histogram: HistogramValue): AppendOutcome {
    const page = this.states.pageOf(row);
    const at = row & ROW_MASK;
    const { states } = this;
    const newestMs = page.newestMs[at] ?? 0;
    if (timestampMs === newestMs) {
      const same =
        states.hasFlag(row, NEWEST_IS_HISTOGRAM) && this.#histograms.get(row)?.newestEquals(histogram);
      return same ? ALREADY_THERE : DUPLICATE_TIMESTAMP;
    }
    if (timestampMs < newestMs - this.#outOfOrderWindowMs) return OUT_OF_ORDER;
    const there = this.#histograms.get(row)?.at(timestampMs);
    if (there) return sameHistogram(there, histogram) ? ALREADY_THERE : DUPLICATE_TIMESTAMP;
    if (this.#valueAt(row, timestampMs)) return DUPLICATE_TIMESTAMP;
    this.#histogramSeries(row).addLate(timestampMs, histogram);
    states.setFlag(row, HAS_HISTOGRAMS);
    return ACCEPTED;
  }

  #histogramSeries(row: SeriesRow): HistogramSeries {
    let series = this.#histograms.get(row);
    if (!series) this.#histograms.set(row, (series = new HistogramSeries()));
    return series;
  }

  #valueAt(row: SeriesRow, timestampMs: number): { readonly high: number; readonly low: number } | null {
    if (!this.states.hasFlag(row, HAS_FLOATS)) return null;
    const page = this.states.pageOf(row);
    const at = row & ROW_MASK;
    const scratch = this.#scratch;
    scratch.length = 0;
    const chain = { first: this.sealed.firstOf(row), removals: this.sealed.removals };
    for (const id of this.#lateLookup.chunksAt(row, chain, timestampMs)) this.sealed.read(id, scratch);
    if ((page.counts[at] ?? 0) > 0 && (page.firstMs[at] ?? 0) <= timestampMs) this.#readOpen(row, scratch);
    const place = scratch.timestampsMs.subarray(0, scratch.length).indexOf(timestampMs);
    if (place < 0) return this.#late.find(row, timestampMs);
    return { high: scratch.words[2 * place + 1] ?? 0, low: scratch.words[2 * place] ?? 0 };
  }

  #sealLate(row: SeriesRow): void {
    const scratch = this.#scratch;
    scratch.length = 0;
    this.#late.read(row, scratch);
    this.#late.remove(row);
    this.states.clearFlag(row, HAS_LATE_SAMPLES);
    this.#addSealed(row, scratch);
  }

  /** Makes a sealed chunk of samples and chains it to its series. */
  #addSealed(row: SeriesRow, columns: SampleColumns): void {
    this.sealed.add(row, {
      bytes: encodeSealed(columns),
      count: columns.length,
      minMs: columns.timestampsMs[0] ?? 0,
      maxMs: columns.timestampsMs[columns.length - 1] ?? 0,
    });
  }
}

export interface OpenChunk {
  readonly bytes: Uint8Array;
  readonly bitLength: number;
  readonly count: number;
  readonly firstMs: number;
  readonly distanceMs: number;
  readonly window: number;
}
