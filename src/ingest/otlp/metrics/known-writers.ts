import type { SeriesRef } from '#telemetry';
import { ByteKeys } from '../../byte-keys.ts';
import type { Family, KnownResource, KnownScope, Layout, SeriesGroup } from './family.ts';

const FIRST_GROUP = 1;
/** Before the series of the texts stand the count and the sum. */
const FIRST_TEXT = 2;
const BLOCK_BITS = 12;
const WRITERS_PER_BLOCK = 2 ** BLOCK_BITS;

/** What was known of writers that are found again. */
export class WriterBlock {
  /** The series of a number or an exponential histogram; of the others, the number of their group. */
  readonly refs = new Float64Array(WRITERS_PER_BLOCK);
  /** The series; of a group its count, which comes and goes with the others. */
  readonly series = new Float64Array(WRITERS_PER_BLOCK);
  /** Start of the last stored point, ms; 0 where none was told. */
  readonly startsMs = new Float64Array(WRITERS_PER_BLOCK);
  /** Time of the last stored point, ms. */
  readonly timesMs = new Float64Array(WRITERS_PER_BLOCK).fill(Number.NEGATIVE_INFINITY);
  /** Of a group: the entry in `points` that names the largest group of the same metric and attributes. */
  readonly peers = new Uint32Array(WRITERS_PER_BLOCK);
  /** The `agent_id` among its labels. */
  readonly agentIds: (string | undefined)[] = [];
}

/** Where a writer stands in its block. */
export function placeInBlock(entry: number): number {
  return entry & (WRITERS_PER_BLOCK - 1);
}

/** Writers by their entry, in blocks: nothing is copied when there are more. */
class WriterColumns {
  readonly #blocks: WriterBlock[] = [];

  /** The block of an entry, which is made where it is not there yet. */
  blockOf(entry: number): WriterBlock {
    return (this.#blocks[entry >>> BLOCK_BITS] ??= new WriterBlock());
  }

  forgetStreams(): void {
    for (const { startsMs, timesMs } of this.#blocks) {
      startsMs.fill(0);
      timesMs.fill(Number.NEGATIVE_INFINITY);
    }
  }

  refOf(entry: number): SeriesRef {
    return this.blockOf(entry).refs[placeInBlock(entry)] ?? 0;
  }

  seriesOf(entry: number): SeriesRef {
    return this.blockOf(entry).series[placeInBlock(entry)] ?? 0;
  }
}

export interface KnownWritersOptions {
  readonly seed: number;
  readonly maxBytes: number;
  readonly isHeld: (ref: SeriesRef) => boolean;
}

/**
 * Resources, scopes, metrics and points that were seen before, by their bytes: a point of a known writer costs neither
 * label strings nor a look into the index. A key holds for what it is read in, so that the same attributes of two
 * metrics are two writers. Full, it is replaced and not emptied: a request that is being stored goes on with the entries
 * that it has found.
 */
export class KnownWriters {
  readonly resourceKeys: ByteKeys;
  readonly scopeKeys: ByteKeys;
  readonly familyKeys: ByteKeys;
  readonly layoutKeys: ByteKeys;
  /** Points of a family (numbers, exponential histograms). */
  readonly pointKeys: ByteKeys;
  /** Points of a layout (histograms, summaries). */
  readonly groupedKeys: ByteKeys;
  readonly resources: KnownResource[] = [];
  readonly scopes: KnownScope[] = [];
  readonly families: Family[] = [];
  readonly layouts: Layout[] = [];
  readonly groups: (SeriesGroup | undefined)[] = [];
  /** The layouts of the groups. */
  readonly #groupLayouts: (Layout | undefined)[] = [];
  readonly points = new WriterColumns();
  readonly grouped = new WriterColumns();
  #groupBytes = 0;
  readonly #maxBytes: number;

  readonly #isHeld: (ref: SeriesRef) => boolean;

  /**
   * @param options.seed makes the hashes unforeseeable; maxBytes of the keys, about; isHeld tells whether the store still
   *   has the series of a reference
   */
  constructor({ seed, maxBytes, isHeld }: KnownWritersOptions) {
    this.#maxBytes = maxBytes;
    this.#isHeld = isHeld;
    const keys = (share: number): ByteKeys => new ByteKeys({ seed, maxBytes: Math.ceil(maxBytes * share) });
    this.resourceKeys = keys(0.1);
    this.scopeKeys = keys(0.1);
    this.familyKeys = keys(0.2);
    this.layoutKeys = keys(0.1);
    this.pointKeys = keys(0.3);
    this.groupedKeys = keys(0.2);
  }

  /** Metrics with attributes that are known by their bytes. */
  get size(): number {
    return this.pointKeys.size + this.groupedKeys.size;
  }

  /** Whether the store still has the series of a point's writer. */
  isPointHeld(entry: number): boolean {
    return this.#isHeld(this.points.seriesOf(entry));
  }

  /** The same of a group. */
  isGroupHeld(entry: number): boolean {
    return this.#isHeld(this.grouped.seriesOf(entry));
  }

  /** Remembers the series of a histogram or summary; returns their number. */
  addGroup(group: SeriesGroup, layout: Layout): SeriesRef {
    if (this.groups.length === 0) this.groups.length = FIRST_GROUP;
    this.#groupBytes += group.byteLength;
    const number = this.groups.push(group) - 1;
    this.#groupLayouts[number] = layout;
    return number;
  }

  /** The series of the bucket that a value is in. */
  bucketOf(number: number, value: number): SeriesRef {
    const texts = this.#groupLayouts[number]?.texts ?? [];
    const bucket = texts.findIndex((text) => value <= (text === '+Inf' ? Infinity : Number(text)));
    return this.groups[number]?.[FIRST_TEXT + bucket] ?? 0;
  }

  /**
   * The group that ends when a point of this one says that there is no value: such a point has no buckets, and so is of
   * another layout than those with values.
   */
  endingGroup(entry: number): SeriesGroup | null {
    const peer = this.grouped.blockOf(entry).peers[placeInBlock(entry)] ?? 0;
    return entry === 0 || peer === 0 ? null : (this.groups[this.points.refOf(peer)] ?? null);
  }

  /** Where the streams stand is what the store says alone: what was remembered of them is not what it took. */
  forgetStreams(): void {
    this.points.forgetStreams();
    this.grouped.forgetStreams();
  }

  /** Whether any part has no more room: then another takes its place for the requests to come. */
  get isFull(): boolean {
    const all = [
      this.resourceKeys,
      this.scopeKeys,
      this.familyKeys,
      this.layoutKeys,
      this.pointKeys,
      this.groupedKeys,
    ];
    return this.#groupBytes > this.#maxBytes || all.some((keys) => keys.isFull(0x10000));
  }
}

/** The entry of the bytes [start, end) in a space, or 0. */
export function findEntry(keys: ByteKeys, space: number, view: DataView, start: number, end: number): number {
  if (space === 0) return 0;
  const next = keys.findNext(space, view, start, end);
  return next !== 0 ? next : keys.find(space, keys.hash(space, view, start, end), view, start, end);
}

/** Remembers the bytes; 0 where that cannot be: they are too long, or there is no room, or their space is not known. */
export function addEntry(keys: ByteKeys, space: number, bytes: Uint8Array): number {
  if (space === 0 || !keys.takes(bytes.length) || keys.isFull(bytes.length)) return 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return keys.add(space, keys.hash(space, view, 0, bytes.length), bytes);
}
