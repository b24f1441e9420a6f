import type { Exemplar } from '#telemetry';
import { WIRE_BYTES, type WireReader } from '../../wire-reader.ts';
import { checkLimit, maxExemplars } from '../limits.ts';
import type { Refusals } from '../refusals.ts';
import { readExemplar } from './exemplars.ts';
import type { Family, Layout } from './family.ts';
import { addEntry, findEntry, type KnownWriters } from './known-writers.ts';
import type { PointRows } from './point-rows.ts';

export const FLAG_NO_RECORDED_VALUE = 1;
const TOO_MANY_EXEMPLARS = `exemplars beyond maxExemplars (${maxExemplars})`;
const NO_BYTES = new Uint8Array(0);

export interface PointContextParts {
  readonly reader: WireReader;
  readonly known: KnownWriters;
  readonly rows: PointRows;
  readonly refusals: Refusals;
  /** Wall ms: the time of a point that has none. */
  readonly receivedAtMs: number;
}

/** What points of all kinds need while they are read: where the bytes are, where rows go, and which writer it is. */
export class PointContext {
  readonly reader: WireReader;
  readonly rows: PointRows;
  readonly refusals: Refusals;
  readonly receivedAtMs: number;
  readonly #known: KnownWriters;
  /** The layout that was found last. */
  #lastLayout: Layout | null = null;
  #numbers = 0;

  constructor(parts: PointContextParts) {
    this.reader = parts.reader;
    this.rows = parts.rows;
    this.refusals = parts.refusals;
    this.receivedAtMs = parts.receivedAtMs;
    this.#known = parts.known;
  }

  /** Counts numbers of histograms and summaries before they are kept. @throws OmoiError `body_too_large` */
  countNumbers(more: number): void {
    this.#numbers += more;
    checkLimit('maxRequestNumbers', this.#numbers);
  }

  /** Reads an exemplar and adds it. */
  withExemplar(exemplars: readonly Exemplar[], tag: number, end: number): readonly Exemplar[] {
    this.reader.expect(tag, WIRE_BYTES);
    const exemplarEnd = this.reader.fieldEnd(end);
    if (exemplars.length >= maxExemplars) {
      this.reader.at = exemplarEnd;
      this.refusals.leaveOut(TOO_MANY_EXEMPLARS);
      return exemplars;
    }
    const exemplar = readExemplar(this.reader, exemplarEnd, this.refusals);
    if (exemplar) return [...exemplars, exemplar];
    this.refusals.leaveOut('an exemplar without a value');
    return exemplars;
  }

  /** The writer of the family with the attributes in the bytes [start, end). */
  writerOf(family: Family, start: number, end: number): number {
    const { bytes, view } = this.reader;
    const entry = findEntry(this.#known.pointKeys, family.id, view, start, end);
    if (entry !== 0 && this.#known.isPointHeld(entry)) return entry;
    return this.rows.addUnknown({ family, layout: null, attributeBytes: bytes.subarray(start, end) });
  }

  /** The same for attributes that do not stand together. */
  writerOfScattered(family: Family, place: AttributePlace): number {
    const attributeBytes = this.gatherAttributes(place);
    const view = new DataView(attributeBytes.buffer, attributeBytes.byteOffset, attributeBytes.byteLength);
    const entry = findEntry(this.#known.pointKeys, family.id, view, 0, attributeBytes.length);
    return entry !== 0 && this.#known.isPointHeld(entry)
      ? entry
      : this.rows.addUnknown({ family, layout: null, attributeBytes });
  }

  /** The fields with the tag, one after the other. */
  gatherAttributes({ start, end, tag }: AttributePlace): Uint8Array {
    const reader = this.reader;
    const parts: Uint8Array[] = [];
    reader.at = start;
    while (reader.at < end) {
      const fieldStart = reader.at;
      const found = reader.varint32(end);
      reader.skip(found, end);
      if (found === tag) parts.push(reader.bytes.subarray(fieldStart, reader.at));
    }
    return parts.length === 0 ? NO_BYTES : Buffer.concat(parts);
  }

  /** The layout whose numbers are the doubles in the bytes [start, end), or null where it is not known. */
  knownLayout(family: Family, start: number, end: number): Layout | null {
    const { layoutKeys, layouts } = this.#known;
    const { view } = this.reader;
    // The points of a metric have one layout, nearly always.
    const last = this.#lastLayout;
    if (last !== null && family.id !== 0 && layoutKeys.isEntry(last.id, family.id, view, start, end)) {
      return last;
    }
    const known = layouts[findEntry(layoutKeys, family.id, view, start, end)] ?? null;
    if (known !== null) this.#lastLayout = known;
    return known;
  }

  /** Remembers a layout by its numbers as they are sent, which are in order. */
  addLayout(family: Family, numbers: readonly number[], texts: readonly string[]): Layout {
    const bytes = Buffer.alloc(numbers.length * Float64Array.BYTES_PER_ELEMENT);
    numbers.forEach((number, at) => bytes.writeDoubleLE(number, at * Float64Array.BYTES_PER_ELEMENT));
    const { layoutKeys, layouts } = this.#known;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const known = layouts[findEntry(layoutKeys, family.id, view, 0, bytes.length)];
    if (known) return known;
    const id = addEntry(layoutKeys, family.id, bytes);
    const layout = { id, texts };
    if (id !== 0) layouts[id] = layout;
    return layout;
  }

  /** The writer of a layout with the attributes in the bytes [start, end). */
  groupedWriterOf(family: Family, layout: Layout, [start, end]: readonly [number, number]): number {
    const { bytes, view } = this.reader;
    const entry = findEntry(this.#known.groupedKeys, layout.id, view, start, end);
    if (entry !== 0 && this.#known.isGroupHeld(entry)) return entry;
    return this.rows.addUnknown({ family, layout, attributeBytes: bytes.subarray(start, end) });
  }
}

/** Where a message's attributes are, and what begins each. */
export interface AttributePlace {
  readonly start: number;
  readonly end: number;
  readonly tag: number;
}
