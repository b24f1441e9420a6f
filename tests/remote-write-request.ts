import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
// snappyjs is CommonJS without types.
const snappyjs = require('snappyjs') as { compress(bytes: Uint8Array): Uint8Array };

/** One series of a request. Values may be given as 8 bytes, to keep the bits of a NaN. */
export interface RequestSeries {
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly samples?: readonly { readonly timestampMs: number; readonly value: number | Uint8Array }[];
  /** Fields after the samples, encoded already. */
  readonly rest?: Uint8Array;
}

/** A prometheus.WriteRequest, by a plain encoder that shares nothing with the decoder under test. */
export function encodeWriteRequest(
  series: readonly RequestSeries[],
  rest: Uint8Array = new Uint8Array(0),
): Uint8Array {
  return Buffer.concat([...series.map((one) => field(1, encodeSeries(one))), rest]);
}

export function snappy(bytes: Uint8Array): Uint8Array {
  return snappyjs.compress(new Uint8Array(bytes));
}

function encodeSeries(series: RequestSeries): Uint8Array {
  return Buffer.concat([
    ...series.labels.map(([name, value]) =>
      field(1, Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from(value))])),
    ),
    ...(series.samples ?? []).map(({ timestampMs, value }) =>
      field(2, Buffer.concat([tag(1, 1), double(value), tag(2, 0), int64(timestampMs)])),
    ),
    series.rest ?? new Uint8Array(0),
  ]);
}

/** A length-delimited field. */
export function field(number: number, content: Uint8Array): Uint8Array {
  return Buffer.concat([tag(number, 2), int64(content.length), content]);
}

export function tag(number: number, wireType: number): Uint8Array {
  return int64(number * 8 + wireType);
}

export function double(value: number | Uint8Array): Uint8Array {
  if (typeof value !== 'number') return value;
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

/** A varint; negative numbers in two's complement. */
export function int64(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest >= 128n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

export function sint(value: number): Uint8Array {
  return int64(value >= 0 ? 2 * value : -2 * value - 1);
}
