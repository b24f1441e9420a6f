import { BitWriter, SLACK_BYTES, viewOf, type BitReader } from './bits.ts';
import type { SampleColumns } from './sample-columns.ts';
import { MAX_SAMPLE_BITS, readXorChunk, writeStep, writeXor } from './xor-chunk.ts';

/*
 * A chunk that takes no more samples. Most values that people measure are decimal numbers of a few digits, which
 * XOR compresses badly, so a full chunk is written anew as integers where that is exact and smaller. The first
 * timestamp and the number of samples are kept beside the bytes.
 *
 *   byte 0       form: 0 XOR stream, 1 decimal
 *   form 0       the bit stream of xor-chunk.ts
 *   form 1
 *     byte 1     exponent e: value = integer / 10^e (0 … 15); + 16 where differences of values are coded;
 *                + 32 where timestamps keep to a grid, from which they jitter
 *     byte 2     Rice parameter of the values (0 … 50), or 255: all residuals are 0
 *     byte 3     Rice parameter of the timestamps, or 255: all residuals are 0
 *     distance in ms, base, and with differences the first integer
 *     residuals of the timestamps, one for each sample from the second on: on a grid its distance from
 *       first time + n × distance, otherwise the change of the distance (to `distance` at first)
 *     residuals of the values: integer − base, or integer − integer before − base
 *   Signed numbers are zigzag: 6 bits length (0 … 54), then so many bits. A residual is zigzag in Rice code: the
 *   quotient in ones and a zero, then the parameter's count of low bits; 24 ones are followed by a whole number.
 */
const FORM_XOR = 0;
const FORM_DECIMAL = 1;
const ALL_ZERO = 255;
const DIFFERENCES = 16;
const GRID = 32;
const MAX_EXPONENT = 15;
const MAX_QUOTIENT = 24;
const MAX_PARAMETER = 50;
/** Codes with a smaller quotient and no larger parameter fit 32 bits, and are written and read in one go. */
const SHORT_QUOTIENTS = 8;
const MAX_SHORT_PARAMETER = 24;
const MAX_INTEGER = 2 ** 50;
const WORD = 2 ** 32;
const POWERS = Array.from({ length: MAX_EXPONENT + 1 }, (_, exponent) => 10 ** exponent);

/** The most samples that one sealed chunk holds: a full open chunk and what came late for it. */
export const MAX_SEALED_SAMPLES = 1024;

const integers = new Float64Array(MAX_SEALED_SAMPLES);
const levels = new Float64Array(MAX_SEALED_SAMPLES);
const differences = new Float64Array(MAX_SEALED_SAMPLES);
const changes = new Float64Array(MAX_SEALED_SAMPLES);
const offsets = new Float64Array(MAX_SEALED_SAMPLES);
const scratch = new Uint8Array(64 + Math.ceil((MAX_SEALED_SAMPLES * MAX_SAMPLE_BITS) / 8) + SLACK_BYTES);
const writer = new BitWriter(viewOf(scratch));

/** Encodes all samples of the columns (at most MAX_SEALED_SAMPLES). The bytes are good until the next call. */
export function encodeSealed(columns: SampleColumns): Uint8Array {
  const decimal = planDecimal(columns);
  writer.bit = 0;
  if (decimal) {
    writeDecimal(columns, decimal);
    const decimalBytes = (writer.bit + 7) >>> 3;
    // XOR of anything but constant values costs more than two bytes a sample; only then is it worth trying.
    if (decimalBytes <= 32 + 2 * columns.length) return scratch.subarray(0, decimalBytes);
    writer.bit = 0;
    writeXorForm(columns);
    if (writer.bit >>> 3 < decimalBytes) return scratch.subarray(0, (writer.bit + 7) >>> 3);
    writer.bit = 0;
    writeDecimal(columns, decimal);
    return scratch.subarray(0, decimalBytes);
  }
  writeXorForm(columns);
  return scratch.subarray(0, (writer.bit + 7) >>> 3);
}

/** Decodes a sealed chunk. Damaged bytes give wrong samples, never more than `count`. */
export function decodeSealed(reader: BitReader, count: number, firstMs: number, into: SampleColumns): void {
  if (reader.read(8) === FORM_XOR) readXorChunk(reader, count, firstMs, into);
  else readDecimal(reader, count, firstMs, into);
}

interface DecimalPlan {
  readonly exponent: number;
  readonly differences: boolean;
  readonly base: number;
  readonly values: Residuals;
  readonly grid: boolean;
  readonly distanceMs: number;
  readonly times: Residuals;
}

/** Numbers from `from` on that are written in Rice code, and how. */
interface Residuals {
  readonly numbers: Float64Array;
  readonly from: number;
  readonly parameter: number;
  readonly bits: number;
}

function planDecimal(columns: SampleColumns): DecimalPlan | null {
  const exponent = findIntegers(columns);
  if (exponent < 0) return null;
  const count = columns.length;
  let sum = 0;
  for (let at = 0; at < count; at++) sum += integers[at] ?? 0;
  const levelBase = Math.round(sum / count);
  const steps = Math.max(1, count - 1);
  const differenceBase = Math.round(((integers[count - 1] ?? 0) - (integers[0] ?? 0)) / steps);
  for (let at = 0; at < count; at++) {
    const integer = integers[at] ?? 0;
    levels[at] = integer - levelBase;
    differences[at] = integer - (integers[at - 1] ?? 0) - differenceBase;
  }
  const asLevels = planResiduals(levels, 0, count);
  const asDifferences = planResiduals(differences, 1, count);
  const useDifferences = asDifferences.bits < asLevels.bits;
  return {
    exponent,
    differences: useDifferences,
    base: useDifferences ? differenceBase : levelBase,
    values: useDifferences ? asDifferences : asLevels,
    ...planTimes(columns),
  };
}

function planTimes({
  timestampsMs,
  length,
}: SampleColumns): Pick<DecimalPlan, 'grid' | 'distanceMs' | 'times'> {
  const firstMs = timestampsMs[0] ?? 0;
  const distanceMs = Math.round(((timestampsMs[length - 1] ?? 0) - firstMs) / Math.max(1, length - 1));
  let before = distanceMs;
  for (let at = 1; at < length; at++) {
    const timestampMs = timestampsMs[at] ?? 0;
    const distance = timestampMs - (timestampsMs[at - 1] ?? 0);
    changes[at] = distance - before;
    offsets[at] = timestampMs - firstMs - at * distanceMs;
    before = distance;
  }
  const asChanges = planResiduals(changes, 1, length);
  const asOffsets = planResiduals(offsets, 1, length);
  return asOffsets.bits < asChanges.bits
    ? { grid: true, distanceMs, times: asOffsets }
    : { grid: false, distanceMs, times: asChanges };
}

/**
 * The Rice parameter for numbers, and about what they then cost. With a mean size of m, zigzag numbers average 2m,
 * and log2 of 0.7 times that is within a bit of the best; its neighbours are tried too.
 */
function planResiduals(numbers: Float64Array, from: number, to: number): Residuals {
  let total = 0;
  for (let at = from; at < to; at++) total += Math.abs(numbers[at] ?? 0);
  if (total === 0) return { numbers, from, parameter: ALL_ZERO, bits: 0 };
  const guess = Math.max(1, Math.min(MAX_PARAMETER - 1, Math.round(Math.log2((1.4 * total) / (to - from)))));
  let best = { numbers, from, parameter: guess, bits: Number.POSITIVE_INFINITY };
  for (let parameter = guess - 1; parameter <= guess + 1; parameter++) {
    const scale = 2 ** -parameter;
    let bits = (parameter + 1) * (to - from);
    for (let at = from; at < to; at++) bits += Math.floor(zigzag(numbers[at] ?? 0) * scale);
    if (bits < best.bits) best = { numbers, from, parameter, bits };
  }
  return best;
}

/** Fills `integers`; the exponent that makes all values whole, or −1 where none does exactly. */
function findIntegers(columns: SampleColumns): number {
  const { values, length } = columns;
  let exponent = 0;
  for (let at = 0; at < length; at++) {
    const value = values[at] ?? 0;
    while (!isWhole(value, exponent)) {
      if (++exponent > MAX_EXPONENT) return -1;
    }
  }
  const power = POWERS[exponent] ?? 1;
  for (let at = 0; at < length; at++) {
    const value = values[at] ?? 0;
    if (!isWhole(value, exponent)) return -1;
    integers[at] = Math.round(value * power);
  }
  return exponent;
}

/** Whether value × 10^exponent is an integer that gives back exactly the value (−0 and NaN never). */
function isWhole(value: number, exponent: number): boolean {
  const power = POWERS[exponent] ?? 1;
  const integer = Math.round(value * power);
  return integer / power === value && Math.abs(integer) < MAX_INTEGER && !Object.is(value, -0);
}

function writeXorForm(columns: SampleColumns): void {
  const { words, timestampsMs, length } = columns;
  writer.write(FORM_XOR, 8);
  writer.write(words[1] ?? 0, 32);
  writer.write(words[0] ?? 0, 32);
  let window = 0;
  let distance = 0;
  for (let at = 1; at < length; at++) {
    const nextDistance = (timestampsMs[at] ?? 0) - (timestampsMs[at - 1] ?? 0);
    writeStep(writer, nextDistance - distance);
    distance = nextDistance;
    const high = (words[2 * at + 1] ?? 0) ^ (words[2 * at - 1] ?? 0);
    const low = (words[2 * at] ?? 0) ^ (words[2 * at - 2] ?? 0);
    window = writeXor(writer, high, low, window);
  }
}

function writeDecimal(columns: SampleColumns, plan: DecimalPlan): void {
  writer.write(FORM_DECIMAL, 8);
  writer.write(plan.exponent + (plan.differences ? DIFFERENCES : 0) + (plan.grid ? GRID : 0), 8);
  writer.write(plan.values.parameter, 8);
  writer.write(plan.times.parameter, 8);
  writeWhole(zigzag(plan.distanceMs));
  writeWhole(zigzag(plan.base));
  if (plan.differences) writeWhole(zigzag(integers[0] ?? 0));
  writeResiduals(plan.times, columns.length);
  writeResiduals(plan.values, columns.length);
}

function writeResiduals({ numbers, from, parameter }: Residuals, to: number): void {
  if (parameter === ALL_ZERO) return;
  for (let at = from; at < to; at++) writeRice(zigzag(numbers[at] ?? 0), parameter);
}

function readDecimal(reader: BitReader, count: number, firstMs: number, into: SampleColumns): void {
  const kind = reader.read(8);
  const power = POWERS[kind & (DIFFERENCES - 1)] ?? 1;
  const isDifferences = (kind & DIFFERENCES) !== 0;
  const isGrid = (kind & GRID) !== 0;
  const valueParameter = reader.read(8);
  const timeParameter = reader.read(8);
  let distanceMs = unzigzag(readWhole(reader));
  const base = unzigzag(readWhole(reader));
  let integer = isDifferences ? unzigzag(readWhole(reader)) : 0;
  into.reserve(count);
  const { timestampsMs, values } = into;
  const start = into.length;
  const times = { numbers: timestampsMs, start, count, parameter: timeParameter };
  readResiduals(reader, times, 1);
  let timestampMs = firstMs;
  for (let at = 0; at < count; at++) {
    const residual = timestampsMs[start + at] ?? 0;
    if (!isGrid) distanceMs += residual;
    if (at > 0) timestampMs += distanceMs;
    timestampsMs[start + at] = isGrid ? timestampMs + residual : timestampMs;
  }
  readResiduals(reader, { numbers: values, start, count, parameter: valueParameter }, isDifferences ? 1 : 0);
  if (isDifferences) {
    // The first is the integer itself.
    integer -= base;
    for (let at = start; at < start + count; at++) {
      integer += (values[at] ?? 0) + base;
      values[at] = integer / power;
    }
  } else {
    for (let at = start; at < start + count; at++) values[at] = ((values[at] ?? 0) + base) / power;
  }
  into.length = start + count;
}

/**
 * Fills numbers with residuals from the `first`-th on; those before are 0. What `readRice` does, without a call for
 * codes that are short: this is where most of the time of a long query goes.
 */
function readResiduals(
  reader: BitReader,
  into: {
    readonly numbers: Float64Array;
    readonly start: number;
    readonly count: number;
    readonly parameter: number;
  },
  first: number,
): void {
  const { numbers, start, parameter } = into;
  const end = start + into.count;
  const { view } = reader;
  const lastWord = view.byteLength - 5;
  let place = start;
  while (place < start + first && place < end) numbers[place++] = 0;
  if (parameter === ALL_ZERO) {
    numbers.fill(0, place, end);
    return;
  }
  const isShort = parameter <= MAX_SHORT_PARAMETER;
  const down = 32 - parameter;
  let { bit } = reader;
  for (; place < end; place++) {
    const at = bit >>> 3;
    if (isShort && at <= lastWord) {
      const shift = bit & 7;
      const word = (view.getUint32(at) << shift) | (view.getUint8(at + 4) >>> (8 - shift));
      const ones = Math.clz32(~word);
      if (ones < SHORT_QUOTIENTS) {
        bit += ones + 1 + parameter;
        const low = parameter === 0 ? 0 : (word << (ones + 1)) >>> down;
        const zigzagged = (ones << parameter) + low;
        numbers[place] = (zigzagged >>> 1) ^ -(zigzagged & 1);
        continue;
      }
    }
    reader.bit = bit;
    numbers[place] = unzigzag(readRice(reader, parameter));
    bit = reader.bit;
  }
  reader.bit = bit;
}

function zigzag(value: number): number {
  return value >= 0 ? 2 * value : -2 * value - 1;
}

function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

function writeWhole(value: number): void {
  const high = Math.floor(value / WORD);
  const low = value % WORD;
  const length = high > 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(low);
  writer.write(length, 6);
  if (length > 32) writer.write(high, length - 32);
  writer.write(low, Math.min(32, length));
}

function readWhole(reader: BitReader): number {
  const length = reader.read(6);
  if (length === 0) return 0;
  const high = length > 32 ? reader.read(length - 32) : 0;
  return high * WORD + reader.read(Math.min(32, length));
}

function writeRice(value: number, parameter: number): void {
  if (parameter <= MAX_SHORT_PARAMETER && value < SHORT_QUOTIENTS * 2 ** parameter) {
    const quotient = value >>> parameter;
    const ones = ((2 << quotient) - 2) << parameter;
    writer.write(ones | (value & ((1 << parameter) - 1)), quotient + 1 + parameter);
    return;
  }
  const divisor = 2 ** parameter;
  const quotient = Math.floor(value / divisor);
  if (quotient >= MAX_QUOTIENT) {
    writer.write(2 ** MAX_QUOTIENT - 1, MAX_QUOTIENT);
    writeWhole(value);
    return;
  }
  writer.write(2 ** (quotient + 1) - 2, quotient + 1);
  const rest = value - quotient * divisor;
  if (parameter > 32) writer.write(Math.floor(rest / WORD), parameter - 32);
  if (parameter > 0) writer.write(rest % WORD, Math.min(32, parameter));
}

function readRice(reader: BitReader, parameter: number): number {
  const word = reader.peek();
  const ones = Math.clz32(~word);
  if (parameter <= MAX_SHORT_PARAMETER && ones < SHORT_QUOTIENTS) {
    reader.bit += ones + 1 + parameter;
    const low = parameter === 0 ? 0 : (word << (ones + 1)) >>> (32 - parameter);
    return (ones << parameter) + low;
  }
  const quotient = reader.readOnes(MAX_QUOTIENT);
  if (quotient === MAX_QUOTIENT) return readWhole(reader);
  if (parameter === 0) return quotient;
  const high = parameter > 32 ? reader.read(Math.min(32, parameter - 32)) : 0;
  const low = reader.read(Math.min(32, parameter));
  return quotient * 2 ** parameter + high * WORD + low;
}
