import type { HistogramValue, SeriesRef } from '#telemetry';
import { Arena, LARGEST_SLOT_CLASS, slotBytes } from '../chunk/arena.ts';
import { BitReader, BitWriter, SLACK_BYTES } from '../chunk/bits.ts';
import { ChunkTable, type ChunkId } from '../chunk/chunk-table.ts';
import { SampleColumns } from '../chunk/sample-columns.ts';
import { decodeSealed, encodeSealed } from '../chunk/sealed-chunk.ts';
import { MAX_SAMPLE_BITS, readXorChunk, writeStep, writeXor } from '../chunk/xor-chunk.ts';
import { HistogramSeries, sameHistogram, type HistogramChunk } from './histogram-series.ts';
import { LateSamples, MAX_LATE_SAMPLES_PER_SERIES } from './late-samples.ts';
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
  typeof ACCEPTED | typeof ALREADY_THERE | typeof DUPLICATE_TIMESTAMP | typeof OUT_OF_ORDER;

const MAX_CHUNK_SAMPLES = 120;
const MAX_CHUNK_SPAN_MS = 2 * 3_600_000;
/** First chunks end after 60 to 119 samples, so that series that started together don't all seal together. */
const FIRST_CHUNK_SPREAD = 60;

/** The samples in memory: of each series the sealed chunks, the open one, the late ones and the newest value. */
export class Head {
  readonly states = new SeriesStates();
  readonly chunks = new ChunkTable();
  readonly arena = new Arena();
  readonly #outOfOrderWindowMs: number;
  readonly #late = new LateSamples();
  readonly #histograms = new Map<SeriesRef, HistogramSeries>();
  readonly #writer = new BitWriter(this.arena.viewOf(0));
  readonly #reader = new BitReader(this.arena.viewOf(0));
  readonly #scratch = new SampleColumns();
  #sealedBytes = 0;
  #sealedSamples = 0;
  #removedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(outOfOrderWindowMs: number) {
    this.#outOfOrderWindowMs = outOfOrderWindowMs;
  }

  /** Bytes and samples of the sealed chunks in memory. */
  get sealed(): { readonly bytes: number; readonly samples: number } {
    return { bytes: this.#sealedBytes, samples: this.#sealedSamples };
  }

  /** The newest time of which memory has ever given a chunk up. */
  get removedUntilMs(): number {
    return this.#removedUntilMs;
  }

  /** Appends a float sample given by its two words of bits. */
  append(ref: SeriesRef, timestampMs: number, high: number, low: number): AppendOutcome {
    const states = this.states;
    const newestMs = states.newestMs[ref] ?? 0;
    if (timestampMs <= newestMs) return this.#appendLate(ref, timestampMs, high, low);
    const count = states.counts[ref] ?? 0;
    if (count === 0) {
      this.#open(ref, timestampMs, high, low);
    } else if (this.#isFull(ref, count, timestampMs)) {
      this.seal(ref);
      this.#open(ref, timestampMs, high, low);
    } else {
      const writer = this.#writer;
      const slot = states.slots[ref] ?? 0;
      const bitLength = states.bitLengths[ref] ?? 0;
      const start = this.arena.offsetOf(slot) * 8;
      const distanceMs = timestampMs - newestMs;
      writer.view = this.arena.viewOf(slot);
      writer.bit = start + bitLength;
      writeStep(writer, distanceMs - (states.distancesMs[ref] ?? 0));
      states.windows[ref] = writeXor(
        writer,
        (states.newestWords[2 * ref + 1] ?? 0) ^ high,
        (states.newestWords[2 * ref] ?? 0) ^ low,
        states.windows[ref] ?? 0,
      );
      states.bitLengths[ref] = writer.bit - start;
      states.distancesMs[ref] = distanceMs;
      states.counts[ref] = count + 1;
    }
    states.newestMs[ref] = timestampMs;
    states.newestWords[2 * ref] = low;
    states.newestWords[2 * ref + 1] = high;
    return ACCEPTED;
  }

  /** Appends a native histogram. */
  appendHistogram(ref: SeriesRef, timestampMs: number, histogram: HistogramValue): AppendOutcome {
    const states = this.states;
    const newestMs = states.newestMs[ref] ?? 0;
    if (timestampMs <= newestMs) return this.#appendLateHistogram(ref, timestampMs, histogram);
    this.seal(ref);
    this.#histogramSeries(ref).append(timestampMs, histogram);
    states.setFlag(ref, HAS_HISTOGRAMS | NEWEST_IS_HISTOGRAM);
    states.newestMs[ref] = timestampMs;
    states.newestValues[ref] = Number.NaN;
    return ACCEPTED;
  }

  /** The time of a series' oldest sample in memory; Infinity where there is none. */
  oldestMs(ref: SeriesRef): number {
    const { states, chunks } = this;
    let oldestMs = (states.counts[ref] ?? 0) > 0 ? (states.firstMs[ref] ?? 0) : Infinity;
    for (let id = states.firstChunks[ref] ?? 0; id !== 0; id = chunks.next[id] ?? 0) {
      oldestMs = Math.min(oldestMs, chunks.minMs[id] ?? 0);
    }
    for (const { minMs } of this.#histograms.get(ref)?.chunks ?? []) oldestMs = Math.min(oldestMs, minMs);
    return Math.min(oldestMs, this.#late.oldestMs(ref));
  }

  /** The native histograms of a series, where it has any. */
  histogramsOf(ref: SeriesRef): HistogramSeries | undefined {
    return this.#histograms.get(ref);
  }

  /** Takes over the histograms of a series from a snapshot. */
  restoreHistograms(ref: SeriesRef, series: HistogramSeries): void {
    this.#histograms.set(ref, series);
    this.states.setFlag(ref, HAS_HISTOGRAMS);
  }

  /** Appends the float samples of a series in [startMs, endMs] to the columns, in order of time. */
  read(ref: SeriesRef, startMs: number, endMs: number, into: SampleColumns): void {
    const states = this.states;
    if (!states.hasFlag(ref, HAS_FLOATS)) return;
    const start = into.length;
    const { chunks } = this;
    for (let id = states.firstChunks[ref] ?? 0; id !== 0; id = chunks.next[id] ?? 0) {
      if ((chunks.maxMs[id] ?? 0) < startMs || (chunks.minMs[id] ?? 0) > endMs) continue;
      this.readChunk(id, into);
    }
    const openCount = states.counts[ref] ?? 0;
    if (openCount > 0 && (states.firstMs[ref] ?? 0) <= endMs) this.#readOpen(ref, into);
    if (states.hasFlag(ref, HAS_LATE_SAMPLES)) this.#late.read(ref, into);
    into.sortFrom(start);
    into.trimFrom(start, startMs, endMs);
  }

  /** Appends all samples of one sealed chunk to the columns. */
  readChunk(id: ChunkId, into: SampleColumns): void {
    const address = this.chunks.addresses[id] ?? 0;
    this.#reader.view = this.arena.viewOf(address);
    this.#reader.bit = this.arena.offsetOf(address) * 8;
    decodeSealed(this.#reader, this.chunks.counts[id] ?? 0, this.chunks.minMs[id] ?? 0, into);
  }

  /** The bytes of a sealed chunk, as a view. */
  chunkBytes(id: ChunkId): Uint8Array {
    const address = this.chunks.addresses[id] ?? 0;
    const offset = this.arena.offsetOf(address);
    return this.arena.pageOf(address).subarray(offset, offset + (this.chunks.byteLengths[id] ?? 0));
  }

  /** The bytes of the open chunk, as a view; empty where there is none. */
  openBytes(ref: SeriesRef): Uint8Array {
    const slot = this.states.slots[ref] ?? 0;
    if ((this.states.counts[ref] ?? 0) === 0) return new Uint8Array(0);
    const offset = this.arena.offsetOf(slot);
    return this.arena
      .pageOf(slot)
      .subarray(offset, offset + (((this.states.bitLengths[ref] ?? 0) + 7) >>> 3));
  }

  /** Closes the open chunk, with what came late, so that it takes no more samples. */
  seal(ref: SeriesRef): void {
    const states = this.states;
    const count = states.counts[ref] ?? 0;
    const hasLate = states.hasFlag(ref, HAS_LATE_SAMPLES);
    if (count === 0 && !hasLate) return;
    const scratch = this.#scratch;
    scratch.length = 0;
    if (count > 0) this.#readOpen(ref, scratch);
    if (hasLate) {
      this.#late.read(ref, scratch);
      this.#late.remove(ref);
      states.clearFlag(ref, HAS_LATE_SAMPLES);
      scratch.sortFrom(0);
    }
    this.addSealed(ref, scratch);
    if (count === 0) return;
    this.arena.returnSlot(states.slots[ref] ?? 0);
    states.slots[ref] = 0;
    states.counts[ref] = 0;
    states.bitLengths[ref] = 0;
  }

  /** Makes a sealed chunk of samples and chains it to its series. */
  addSealed(ref: SeriesRef, columns: SampleColumns): void {
    this.addSealedBytes(ref, {
      bytes: encodeSealed(columns),
      count: columns.length,
      minMs: columns.timestampsMs[0] ?? 0,
      maxMs: columns.timestampsMs[columns.length - 1] ?? 0,
    });
  }

  /** Chains a chunk that is encoded already, as from a snapshot. */
  addSealedBytes(ref: SeriesRef, chunk: SealedBytes): void {
    const { states, chunks } = this;
    const id = chunks.add({
      address: this.arena.storeBlock(chunk.bytes),
      byteLength: chunk.bytes.length,
      count: chunk.count,
      minMs: chunk.minMs,
      maxMs: chunk.maxMs,
    });
    const last = states.lastChunks[ref] ?? 0;
    if (last === 0) states.firstChunks[ref] = id;
    else chunks.next[last] = id;
    states.lastChunks[ref] = id;
    states.setFlag(ref, HAS_FLOATS);
    this.#sealedBytes += chunk.bytes.length;
    this.#sealedSamples += chunk.count;
  }

  /** Puts an open chunk back as a snapshot kept it; the newest sample is set too. */
  restoreOpen(ref: SeriesRef, open: OpenChunk): void {
    const { states, arena } = this;
    let slotClass = 0;
    while (slotClass < LARGEST_SLOT_CLASS && slotBytes(slotClass) < open.bytes.length) slotClass++;
    const slot = arena.takeSlot(slotClass);
    arena.pageOf(slot).set(open.bytes, arena.offsetOf(slot));
    states.slots[ref] = slot;
    states.slotClasses[ref] = slotClass;
    states.counts[ref] = open.count;
    states.firstMs[ref] = open.firstMs;
    states.bitLengths[ref] = open.bitLength;
    states.distancesMs[ref] = open.distanceMs;
    states.windows[ref] = open.window;
    states.setFlag(ref, HAS_FLOATS);
    this.#makeRoom(ref);
  }

  /** Sets the newest sample of a series, as a snapshot kept it. */
  restoreNewest(
    ref: SeriesRef,
    newest: {
      readonly timestampMs: number;
      readonly high: number;
      readonly low: number;
      readonly isHistogram: boolean;
    },
  ): void {
    const { states } = this;
    states.newestMs[ref] = newest.timestampMs;
    states.newestWords[2 * ref] = newest.low;
    states.newestWords[2 * ref + 1] = newest.high;
    if (newest.isHistogram) states.setFlag(ref, NEWEST_IS_HISTOGRAM);
  }

  /** Appends the late samples of a series, which no chunk holds yet, to the columns. */
  readLate(ref: SeriesRef, into: SampleColumns): void {
    if (this.states.hasFlag(ref, HAS_LATE_SAMPLES)) this.#late.read(ref, into);
  }

  restoreLate(ref: SeriesRef, timestampMs: number, high: number, low: number): void {
    this.#late.add(ref, timestampMs, high, low);
    this.states.setFlag(ref, HAS_FLOATS | HAS_LATE_SAMPLES);
  }

  /** Drops the chunks of a series that end before a time. */
  dropChunksBefore(ref: SeriesRef, beforeMs: number): void {
    this.#dropChunks(ref, (id) => (this.chunks.maxMs[id] ?? 0) < beforeMs);
    this.#histograms.get(ref)?.dropBefore(beforeMs);
  }

  /** Drops these chunks of a series, sealed ones of floats and of histograms. */
  removeChunks(ref: SeriesRef, ids: ReadonlySet<ChunkId>, histograms: ReadonlySet<HistogramChunk>): void {
    this.#dropChunks(ref, (id) => ids.has(id));
    this.#histograms.get(ref)?.remove(histograms);
    for (const { maxMs } of histograms) this.#removedUntilMs = Math.max(this.#removedUntilMs, maxMs);
  }

  /** Forgets everything about a series. */
  forget(ref: SeriesRef): void {
    const { states } = this;
    this.dropChunksBefore(ref, Number.POSITIVE_INFINITY);
    if ((states.counts[ref] ?? 0) > 0) {
      this.arena.returnSlot(states.slots[ref] ?? 0);
    }
    states.counts[ref] = 0;
    states.slots[ref] = 0;
    states.newestMs[ref] = Number.NEGATIVE_INFINITY;
    states.flags[ref] = 0;
    this.#late.remove(ref);
    this.#histograms.delete(ref);
  }

  #dropChunks(ref: SeriesRef, isDropped: (id: ChunkId) => boolean): void {
    const { states, chunks } = this;
    let previous = 0;
    for (let id = states.firstChunks[ref] ?? 0; id !== 0;) {
      const next = chunks.next[id] ?? 0;
      if (isDropped(id)) {
        this.#freeChunk(id);
        if (previous === 0) states.firstChunks[ref] = next;
        else chunks.next[previous] = next;
      } else {
        previous = id;
      }
      id = next;
    }
    states.lastChunks[ref] = previous;
  }

  #freeChunk(id: ChunkId): void {
    this.#removedUntilMs = Math.max(this.#removedUntilMs, this.chunks.maxMs[id] ?? 0);
    const byteLength = this.chunks.byteLengths[id] ?? 0;
    this.arena.freeBlock(this.chunks.addresses[id] ?? 0, byteLength);
    this.#sealedBytes -= byteLength;
    this.#sealedSamples -= this.chunks.counts[id] ?? 0;
    this.chunks.remove(id);
  }

  #isFull(ref: SeriesRef, count: number, timestampMs: number): boolean {
    const { states } = this;
    if (timestampMs - (states.firstMs[ref] ?? 0) >= MAX_CHUNK_SPAN_MS) return true;
    if (count >= FIRST_CHUNK_SPREAD) {
      const isFirst = (states.firstChunks[ref] ?? 0) === 0;
      if (count >= (isFirst ? FIRST_CHUNK_SPREAD + (ref % FIRST_CHUNK_SPREAD) : MAX_CHUNK_SAMPLES))
        return true;
    }
    return !this.#makeRoom(ref);
  }

  /** Sees to it that one more sample fits the slot; false where even the largest is too small. */
  #makeRoom(ref: SeriesRef): boolean {
    const { states, arena } = this;
    const slotClass = states.slotClasses[ref] ?? 0;
    const bitsNeeded = (states.bitLengths[ref] ?? 0) + MAX_SAMPLE_BITS + 8 * SLACK_BYTES;
    if (bitsNeeded <= slotBytes(slotClass) * 8) return true;
    if (slotClass === LARGEST_SLOT_CLASS) return false;
    const slot = states.slots[ref] ?? 0;
    const larger = arena.takeSlot(slotClass + 1);
    const offset = arena.offsetOf(slot);
    arena
      .pageOf(larger)
      .set(arena.pageOf(slot).subarray(offset, offset + slotBytes(slotClass)), arena.offsetOf(larger));
    arena.returnSlot(slot);
    states.slots[ref] = larger;
    states.slotClasses[ref] = slotClass + 1;
    return true;
  }

  #open(ref: SeriesRef, timestampMs: number, high: number, low: number): void {
    const { states, arena } = this;
    const slot = arena.takeSlot(0);
    this.#writer.view = arena.viewOf(slot);
    this.#writer.bit = arena.offsetOf(slot) * 8;
    this.#writer.write(high, 32);
    this.#writer.write(low, 32);
    states.slots[ref] = slot;
    states.slotClasses[ref] = 0;
    states.bitLengths[ref] = 64;
    states.counts[ref] = 1;
    states.firstMs[ref] = timestampMs;
    states.distancesMs[ref] = 0;
    states.windows[ref] = 0;
    states.setFlag(ref, HAS_FLOATS);
    states.clearFlag(ref, NEWEST_IS_HISTOGRAM);
  }

  #readOpen(ref: SeriesRef, into: SampleColumns): void {
    const { states } = this;
    const slot = states.slots[ref] ?? 0;
    this.#reader.view = this.arena.viewOf(slot);
    this.#reader.bit = this.arena.offsetOf(slot) * 8;
    readXorChunk(this.#reader, states.counts[ref] ?? 0, states.firstMs[ref] ?? 0, into);
  }

  /** A sample that is not newer than its series' newest. */
  #appendLate(ref: SeriesRef, timestampMs: number, high: number, low: number): AppendOutcome {
    const { states } = this;
    const newestMs = states.newestMs[ref] ?? 0;
    if (timestampMs === newestMs) {
      const same =
        !states.hasFlag(ref, NEWEST_IS_HISTOGRAM) &&
        states.newestWords[2 * ref] === low >>> 0 &&
        states.newestWords[2 * ref + 1] === high >>> 0;
      return same ? ALREADY_THERE : DUPLICATE_TIMESTAMP;
    }
    if (timestampMs < newestMs - this.#outOfOrderWindowMs) return OUT_OF_ORDER;
    if (this.#histograms.get(ref)?.at(timestampMs)) return DUPLICATE_TIMESTAMP;
    const there = this.#valueAt(ref, timestampMs);
    if (there) {
      return there.high === high >>> 0 && there.low === low >>> 0 ? ALREADY_THERE : DUPLICATE_TIMESTAMP;
    }
    this.#late.add(ref, timestampMs, high, low);
    states.setFlag(ref, HAS_FLOATS | HAS_LATE_SAMPLES);
    if (this.#late.countOf(ref) >= MAX_LATE_SAMPLES_PER_SERIES) this.#sealLate(ref);
    return ACCEPTED;
  }

  /** A histogram that is not newer than its series' newest sample. */
  #appendLateHistogram(ref: SeriesRef, timestampMs: number, histogram: HistogramValue): AppendOutcome {
    const { states } = this;
    const newestMs = states.newestMs[ref] ?? 0;
    if (timestampMs === newestMs) {
      const same =
        states.hasFlag(ref, NEWEST_IS_HISTOGRAM) && this.#histograms.get(ref)?.newestEquals(histogram);
      return same ? ALREADY_THERE : DUPLICATE_TIMESTAMP;
    }
    if (timestampMs < newestMs - this.#outOfOrderWindowMs) return OUT_OF_ORDER;
    const there = this.#histograms.get(ref)?.at(timestampMs);
    if (there) return sameHistogram(there, histogram) ? ALREADY_THERE : DUPLICATE_TIMESTAMP;
    if (this.#valueAt(ref, timestampMs)) return DUPLICATE_TIMESTAMP;
    this.#histogramSeries(ref).addLate(timestampMs, histogram);
    states.setFlag(ref, HAS_HISTOGRAMS);
    return ACCEPTED;
  }

  #histogramSeries(ref: SeriesRef): HistogramSeries {
    let series = this.#histograms.get(ref);
    if (!series) this.#histograms.set(ref, (series = new HistogramSeries()));
    return series;
  }

  #valueAt(ref: SeriesRef, timestampMs: number): { readonly high: number; readonly low: number } | null {
    const scratch = this.#scratch;
    scratch.length = 0;
    this.read(ref, timestampMs, timestampMs, scratch);
    return scratch.length === 0 ? null : { high: scratch.words[1] ?? 0, low: scratch.words[0] ?? 0 };
  }

  #sealLate(ref: SeriesRef): void {
    const scratch = this.#scratch;
    scratch.length = 0;
    this.#late.read(ref, scratch);
    this.#late.remove(ref);
    this.states.clearFlag(ref, HAS_LATE_SAMPLES);
    this.addSealed(ref, scratch);
  }
}

export interface SealedBytes {
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly minMs: number;
  readonly maxMs: number;
}

export interface OpenChunk {
  readonly bytes: Uint8Array;
  readonly bitLength: number;
  readonly count: number;
  readonly firstMs: number;
  readonly distanceMs: number;
  readonly window: number;
}
