import {
  GoInteger,
  GoMap,
  GoSlice,
  integerOf,
  stringOf,
  TemplateRunError,
  typeName,
  type TemplateValue,
} from '../values/value.ts';

/** Go's `len`: bytes of a text, elements of a list or map. */
export function lengthOf(value: TemplateValue): bigint {
  const text = stringOf(value);
  if (text !== null) return BigInt(Buffer.byteLength(text));
  if (value instanceof GoSlice) return BigInt(value.items.length);
  if (value instanceof GoMap) return BigInt(value.entries.size);
  throw new TemplateRunError(value === null ? 'len of nil pointer' : `len of type ${typeName(value)}`);
}

/** Go's `index`: `index x 1 "a"` is `x[1]["a"]`; of a text it is a byte. */
export function elementAt([item = null, ...keys]: readonly TemplateValue[]): TemplateValue {
  if (item === null) throw new TemplateRunError('index of untyped nil');
  return keys.reduce(elementOf, item);
}

function elementOf(item: TemplateValue, key: TemplateValue): TemplateValue {
  if (item === null) throw new TemplateRunError('index of nil pointer');
  if (item instanceof GoMap) {
    if (key === null) throw new TemplateRunError('value is nil; should be of type string');
    if (typeof key !== 'string') {
      throw new TemplateRunError(`value has type ${typeName(key)}; should be string`);
    }
    return item.entries.get(key) ?? item.zero;
  }
  if (item instanceof GoSlice) return item.items[placeIn(item.items.length - 1, key)] ?? null;
  if (typeof item === 'string') {
    const bytes = Buffer.from(item);
    return new GoInteger('uint8', BigInt(bytes[placeIn(bytes.length - 1, key)] ?? 0));
  }
  throw new TemplateRunError(`can't index item of type ${typeName(item)}`);
}

const MAX_SLICE_BOUNDS = 3;

/** Go's `slice`: `slice x 1 2` is `x[1:2]`; of a text its bytes. */
export function sliceOf([item = null, ...bounds]: readonly TemplateValue[]): TemplateValue {
  if (item === null) throw new TemplateRunError('slice of untyped nil');
  if (bounds.length > MAX_SLICE_BOUNDS) {
    throw new TemplateRunError(`too many slice indexes: ${bounds.length}`);
  }
  if (typeof item === 'string') {
    if (bounds.length === MAX_SLICE_BOUNDS) throw new TemplateRunError('cannot 3-index slice a string');
    const bytes = Buffer.from(item);
    const [start, end] = boundsIn(bytes.length, bounds);
    return bytes.subarray(start, end).toString();
  }
  if (item instanceof GoSlice) {
    const [start, end] = boundsIn(item.items.length, bounds);
    return new GoSlice(item.items.slice(start, end), item.type);
  }
  throw new TemplateRunError(`can't slice item of type ${typeName(item)}`);
}

function boundsIn(length: number, bounds: readonly TemplateValue[]): readonly [number, number] {
  const places = bounds.map((bound) => placeIn(length, bound));
  const [start = 0, end = length, most = length] = places;
  if (start > end) throw new TemplateRunError(`invalid slice index: ${start} > ${end}`);
  if (end > most) throw new TemplateRunError(`invalid slice index: ${end} > ${most}`);
  return [start, end];
}

function placeIn(last: number, place: TemplateValue): number {
  if (place === null) throw new TemplateRunError('cannot index slice/array with nil');
  const integer = integerOf(place);
  if (integer === null) throw new TemplateRunError(`cannot index slice/array with type ${typeName(place)}`);
  if (integer < 0n || integer > BigInt(last)) throw new TemplateRunError(`index out of range: ${integer}`);
  return Number(integer);
}
