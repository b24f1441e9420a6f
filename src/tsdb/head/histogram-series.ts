import { type HistogramSpan, type HistogramValue, unpaced } from '#telemetry';

/*
 * Native histograms of one series, in chunks of up to 120 samples that share a layout (schema, zero threshold,
 * spans, custom bounds and counter-reset hint), which is kept once. A sample's bytes:
 *
 *   varint     ms since the sample before (0 for the first; the chunk keeps its time)
 *   varint     kind: 0 all counts are whole numbers, 1 they are not
 *   8 bytes    sum, little endian
 *   counts: count, zero count, positive, negative; each
 *     kind 0   zigzag varint of the change since the sample before (of the count itself in the first)
 *     kind 1   8 bytes, little endian
 */
const MAX_CHUNK_SAMPLES = 120;
/** Histograms decoded between two chances to pause: a millisecond or two. */
const HISTOGRAMS_AT_ONCE = 500;
const MAX_WHOLE = 2 ** 50;
const KIND_WHOLE = 0;
const KIND_FLOAT = 1;

type Layout = Omit<HistogramValue, 'count' | 'sum' | 'zeroCount' | 'positiveCounts' | 'negativeCounts'>;

/** A chunk of histograms; `bytes` may be longer than `byteLength`. One that came late is a chunk of its own. */
export interface HistogramChunk {
  readonly layout: Layout;
  readonly minMs: number;
  maxMs: number;
  count: number;
  bytes: Uint8Array;
  byteLength: number;
}

export class HistogramSeries {
  /** In order of time, none overlapping another; samples are appended to the last. */
  #inOrder: HistogramChunk[] = [];
  /** Of one sample each, by its time: there may be a hundred thousand, and each that comes asks for its time first. */
  readonly #late = new Map<number, HistogramChunk>();
  #newest: HistogramValue | null = null;
  #newestMs = Number.NEGATIVE_INFINITY;
  #isLastOpen = false;

  /** All chunks. Those that came late overlap with others. */
  get chunks(): readonly HistogramChunk[] {
    return [...this.#late.values(), ...this.#inOrder];
  }

  get isEmpty(): boolean {
    return this.#inOrder.length === 0 && this.#late.size === 0;
  }

  get newest(): HistogramValue | null {
    return this.#newest;
  }

  newestEquals(histogram: HistogramValue): boolean {
    return this.#newest !== null && sameHistogram(this.#newest, histogram);
  }

  append(timestampMs: number, histogram: HistogramValue): void {
    let chunk = this.#inOrder.at(-1);
    const isFull = chunk && (chunk.count >= MAX_CHUNK_SAMPLES || !sameLayout(chunk.layout, histogram));
    if (!chunk || isFull || !this.#isLastOpen) {
      chunk = emptyChunk(timestampMs, histogram);
      this.#inOrder.push(chunk);
      this.#isLastOpen = true;
    }
    encodeSample(chunk, timestampMs, histogram, chunk.count === 0 ? null : this.#newest);
    this.#newest = histogram;
    this.#newestMs = timestampMs;
  }

  /** Adds a histogram that is older than the newest sample of its series; there must be none of that time. */
  addLate(timestampMs: number, histogram: HistogramValue): void {
    const chunk = emptyChunk(timestampMs, histogram);
    encodeSample(chunk, timestampMs, histogram, null);
    chunk.bytes = chunk.bytes.slice(0, chunk.byteLength);
    this.#late.set(timestampMs, chunk);
  }

  /** The histogram at a time. */
  at(timestampMs: number): HistogramValue | undefined {
    const chunk = this.#late.get(timestampMs) ?? this.#chunkAt(timestampMs);
    return chunk && decodeHistograms(chunk).find((sample) => sample.timestampMs === timestampMs)?.histogram;
  }

  /** Closes the last chunk where it ends before a time, so that it stays as it is. */
  sealBefore(beforeMs: number): void {
    if ((this.#inOrder.at(-1)?.maxMs ?? beforeMs) < beforeMs) this.#isLastOpen = false;
  }

  /** Takes over a chunk from a snapshot. */
  restore(chunk: HistogramChunk): void {
    if (chunk.count === 1) this.#late.set(chunk.minMs, chunk);
    else this.#inOrder.push(chunk);
    if (chunk.maxMs < this.#newestMs) return;
    this.#newest = decodeHistograms(chunk).at(-1)?.histogram ?? this.#newest;
    this.#newestMs = chunk.maxMs;
  }

  /** How many histograms the chunks have that touch [startMs, endMs]. */
  countTouching(startMs: number, endMs: number): number {
    let count = 0;
    for (const chunk of this.chunks) if (chunk.maxMs >= startMs && chunk.minMs <= endMs) count += chunk.count;
    return count;
  }

  /** The histograms in [startMs, endMs], in order of time. */
  read(startMs: number, endMs: number): TimedHistogram[] {
    return unpaced(this.readInSteps(startMs, endMs));
  }

  /** As `read`, in steps, between which more may come and others go: of those it has what it finds. */
  *readInSteps(startMs: number, endMs: number): Generator<void, TimedHistogram[], void> {
    const found: TimedHistogram[] = [];
    let isOrdered = true;
    let beforeMs = Number.NEGATIVE_INFINITY;
    let room = HISTOGRAMS_AT_ONCE;
    for (const chunk of this.chunks) {
      if (chunk.maxMs < startMs || chunk.minMs > endMs) continue;
      for (const sample of decodeHistograms(chunk)) {
        if (sample.timestampMs < startMs || sample.timestampMs > endMs) continue;
        isOrdered &&= sample.timestampMs > beforeMs;
        beforeMs = sample.timestampMs;
        found.push(sample);
      }
      room -= chunk.count;
      if (room > 0) continue;
      room = HISTOGRAMS_AT_ONCE;
      yield;
    }
    return isOrdered ? found : found.sort((a, b) => a.timestampMs - b.timestampMs);
  }

  /** Drops the chunks that end before a time. */
  dropBefore(beforeMs: number): void {
    this.#inOrder = this.#inOrder.filter((chunk) => chunk.maxMs >= beforeMs);
    for (const timestampMs of this.#late.keys()) if (timestampMs < beforeMs) this.#late.delete(timestampMs);
  }

  remove(chunks: ReadonlySet<HistogramChunk>): void {
    if (chunks.size === 0) return;
    this.#inOrder = this.#inOrder.filter((chunk) => !chunks.has(chunk));
    for (const [timestampMs, chunk] of this.#late) if (chunks.has(chunk)) this.#late.delete(timestampMs);
  }

  /** The chunk in order whose span a time lies in. */
  #chunkAt(timestampMs: number): HistogramChunk | undefined {
    let from = 0;
    let to = this.#inOrder.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#inOrder[middle]?.maxMs ?? 0) < timestampMs) from = middle + 1;
      else to = middle;
    }
    const chunk = this.#inOrder[from];
    return chunk && chunk.minMs <= timestampMs ? chunk : undefined;
  }
}

export interface TimedHistogram {
  readonly timestampMs: number;
  readonly histogram: HistogramValue;
}

/** All samples of a chunk. Damaged bytes give wrong samples, never more than the chunk says. */
export function decodeHistograms(chunk: HistogramChunk): TimedHistogram[] {
  const view = new DataView(chunk.bytes.buffer, chunk.bytes.byteOffset, chunk.byteLength);
  const cursor = { view, at: 0 };
  const samples: TimedHistogram[] = [];
  const positiveLength = bucketCount(chunk.layout.positiveSpans);
  const numbers = new Float64Array(2 + positiveLength + bucketCount(chunk.layout.negativeSpans));
  let timestampMs = chunk.minMs;
  for (let left = chunk.count; left > 0; left--) {
    timestampMs += readVarint(cursor);
    const whole = readVarint(cursor) === KIND_WHOLE;
    const sum = readFloat(cursor);
    for (let place = 0; place < numbers.length; place++) {
      numbers[place] = whole ? (numbers[place] ?? 0) + unzigzag(readVarint(cursor)) : readFloat(cursor);
    }
    const buckets = [...numbers.subarray(2)];
    samples.push({
      timestampMs,
      histogram: {
        ...chunk.layout,
        count: numbers[0] ?? 0,
        zeroCount: numbers[1] ?? 0,
        sum,
        positiveCounts: buckets.slice(0, positiveLength),
        negativeCounts: buckets.slice(positiveLength),
      },
    });
  }
  return samples;
}

function emptyChunk(timestampMs: number, histogram: HistogramValue): HistogramChunk {
  return {
    layout: layoutOf(histogram),
    minMs: timestampMs,
    maxMs: timestampMs,
    count: 0,
    bytes: new Uint8Array(128),
    byteLength: 0,
  };
}

function encodeSample(
  chunk: HistogramChunk,
  timestampMs: number,
  histogram: HistogramValue,
  before: HistogramValue | null,
): void {
  const numbers = numbersOf(histogram);
  const previous = before ? numbersOf(before) : null;
  const whole = numbers.every(isWhole) && (previous?.every(isWhole) ?? true);
  const needed = chunk.byteLength + 32 + numbers.length * 10;
  if (needed > chunk.bytes.length) {
    const larger = new Uint8Array(needed * 2);
    larger.set(chunk.bytes.subarray(0, chunk.byteLength));
    chunk.bytes = larger;
  }
  const view = new DataView(chunk.bytes.buffer, chunk.bytes.byteOffset);
  let at = writeVarint(chunk.bytes, chunk.byteLength, timestampMs - chunk.maxMs);
  at = writeVarint(chunk.bytes, at, whole ? KIND_WHOLE : KIND_FLOAT);
  view.setFloat64(at, histogram.sum, true);
  at += 8;
  numbers.forEach((number, place) => {
    if (whole) {
      at = writeVarint(chunk.bytes, at, zigzag(number - (previous?.[place] ?? 0)));
    } else {
      view.setFloat64(at, number, true);
      at += 8;
    }
  });
  chunk.byteLength = at;
  chunk.maxMs = timestampMs;
  chunk.count++;
}

function numbersOf(histogram: HistogramValue): number[] {
  return [histogram.count, histogram.zeroCount, ...histogram.positiveCounts, ...histogram.negativeCounts];
}

function isWhole(number: number): boolean {
  return Number.isInteger(number) && Math.abs(number) < MAX_WHOLE && !Object.is(number, -0);
}

function layoutOf(histogram: HistogramValue): Layout {
  const { schema, zeroThreshold, positiveSpans, negativeSpans, customBounds, counterReset } = histogram;
  return { schema, zeroThreshold, positiveSpans, negativeSpans, customBounds, counterReset };
}

function sameLayout(layout: Layout, histogram: HistogramValue): boolean {
  return (
    layout.schema === histogram.schema &&
    layout.zeroThreshold === histogram.zeroThreshold &&
    layout.counterReset === histogram.counterReset &&
    sameSpans(layout.positiveSpans, histogram.positiveSpans) &&
    sameSpans(layout.negativeSpans, histogram.negativeSpans) &&
    sameNumbers(layout.customBounds, histogram.customBounds)
  );
}

export function sameHistogram(left: HistogramValue, right: HistogramValue): boolean {
  return (
    sameLayout(left, right) &&
    Object.is(left.sum, right.sum) &&
    sameNumbers(numbersOf(left), numbersOf(right))
  );
}

function sameSpans(left: readonly HistogramSpan[], right: readonly HistogramSpan[]): boolean {
  return (
    left.length === right.length &&
    left.every((span, at) => span.offset === right[at]?.offset && span.length === right[at]?.length)
  );
}

function sameNumbers(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((number, at) => Object.is(number, right[at]));
}

function bucketCount(spans: readonly HistogramSpan[]): number {
  return spans.reduce((sum, span) => sum + span.length, 0);
}

function zigzag(value: number): number {
  return value >= 0 ? 2 * value : -2 * value - 1;
}

function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  let place = at;
  while (rest >= 128) {
    bytes[place++] = (rest % 128) + 128;
    rest = Math.floor(rest / 128);
  }
  bytes[place++] = rest;
  return place;
}

interface Cursor {
  readonly view: DataView;
  at: number;
}

function readVarint(cursor: Cursor): number {
  let value = 0;
  let factor = 1;
  while (cursor.at < cursor.view.byteLength) {
    const byte = cursor.view.getUint8(cursor.at++);
    value += (byte & 127) * factor;
    if (byte < 128) break;
    factor *= 128;
  }
  return value;
}

function readFloat(cursor: Cursor): number {
  if (cursor.at + 8 > cursor.view.byteLength) return Number.NaN;
  cursor.at += 8;
  return cursor.view.getFloat64(cursor.at - 8, true);
}
