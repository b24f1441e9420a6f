import type { Exemplar } from '#telemetry';
import { WIRE_BYTES, WIRE_FIXED64, WIRE_VARINT, type WireReader } from '../../wire-reader.ts';
import { millisecondsAt, signed64At } from '../wire/times.ts';
import type { Family } from './family.ts';
import { FLAG_NO_RECORDED_VALUE, type PointContext } from './point-context.ts';

/*
 * NumberDataPoint, with the tags that are compared as whole bytes: 2 start (0x11), 3 time (0x19), 4 as_double (0x21),
 * 5 exemplars (0x2a), 6 as_int (0x31), 7 attributes (0x3a), 8 flags (0x40).
 */
const START_TAG = 0x11;
const TIME_TAG = 0x19;
const DOUBLE_TAG = 0x21;
const INT_TAG = 0x31;
const ATTRIBUTES_TAG = 0x3a;
const FLAGS_TAG = 0x40;

const NO_EXEMPLARS: readonly Exemplar[] = [];

/** Reads the points of gauges and sums. */
export class NumberReader {
  readonly #context: PointContext;
  readonly #reader: WireReader;

  constructor(context: PointContext) {
    this.#context = context;
    this.#reader = context.reader;
  }

  /** Reads the point up to `end`. */
  read(family: Family, end: number): void {
    const reader = this.#reader;
    const { bytes, view } = reader;
    let timeMs = this.#context.receivedAtMs;
    let startMs = 0;
    let value = 0;
    let hasValue = false;
    let isStale = false;
    let attributesStart = 0;
    let attributesEnd = 0;
    let isScattered = false;
    const pointStart = reader.at;
    let exemplars = NO_EXEMPLARS;
    while (reader.at < end) {
      const tag = bytes[reader.at] ?? 0;
      const at = reader.at + 1;
      if (tag === ATTRIBUTES_TAG) {
        if (attributesEnd === 0) attributesStart = reader.at;
        else if (reader.at !== attributesEnd) isScattered = true;
        reader.at = at;
        reader.at = reader.fieldEnd(end);
        attributesEnd = reader.at;
      } else if (tag === TIME_TAG && at + 8 <= end) {
        timeMs = millisecondsAt(reader, at) || timeMs;
        reader.at = at + 8;
      } else if (tag === DOUBLE_TAG && at + 8 <= end) {
        value = view.getFloat64(at, true);
        isStale ||= value !== value && reader.isStaleMarker(at);
        hasValue = true;
        reader.at = at + 8;
      } else if (tag === INT_TAG && at + 8 <= end) {
        value = signed64At(reader, at);
        hasValue = true;
        reader.at = at + 8;
      } else if (tag === START_TAG && at + 8 <= end) {
        startMs = millisecondsAt(reader, at);
        reader.at = at + 8;
      } else if (tag === FLAGS_TAG) {
        reader.at = at;
        isStale ||= reader.unsigned(end) % 2 === FLAG_NO_RECORDED_VALUE;
      } else {
        exemplars = this.#readOther(exemplars, end);
      }
    }
    if (!isStale) {
      const problem = hasValue ? valueProblem(family, value) : 'a point without a value';
      if (problem !== null) return this.#context.refusals.refuse(problem);
    }
    const writer = isScattered
      ? this.#context.writerOfScattered(family, { start: pointStart, end, tag: ATTRIBUTES_TAG })
      : this.#context.writerOf(family, attributesStart, attributesEnd);
    for (const exemplar of exemplars) this.#context.rows.addExemplar(exemplar);
    this.#context.rows.add(writer, timeMs, startMs, value, isStale);
  }

  /** The rarer fields of a number. */
  #readOther(exemplars: readonly Exemplar[], end: number): readonly Exemplar[] {
    const reader = this.#reader;
    const tag = reader.varint32(end);
    switch (tag >>> 3) {
      case 2:
      case 3:
      case 4:
      case 6:
        // Cut off, or written as something else.
        reader.expect(tag, WIRE_FIXED64);
        break;
      case 5:
        return this.#context.withExemplar(exemplars, tag, end);
      case 7:
        reader.expect(tag, WIRE_BYTES);
        break;
      case 8:
        reader.expect(tag, WIRE_VARINT);
        break;
      default:
    }
    reader.skip(tag, end);
    return exemplars;
  }
}

/** Why a value can't be stored, or null: a total with NaN would be NaN for ever. */
function valueProblem({ isDelta, isMonotonic }: Family, value: number): string | null {
  if (!isDelta) return null;
  if (!Number.isFinite(value)) return 'a delta that is no number';
  return isMonotonic && value < 0 ? 'a delta of a monotonic sum below zero' : null;
}
