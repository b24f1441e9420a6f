import type { FunctionEntry, TemplateFunction } from './functions.ts';
import { printf } from './printf.ts';
import {
  isList,
  isMap,
  isTruthy,
  printValue,
  TemplateRunError,
  typeName,
  type TemplateValue,
} from './value.ts';

const entry = (arity: FunctionEntry['arity'], call: TemplateFunction): FunctionEntry => ({ arity, call });

type Ordering = (order: number) => boolean;

const compared = (holds: Ordering): FunctionEntry =>
  entry(2, ([left = null, right = null]) => holds(order(left, right)));

/** The functions every Go template has. `and` and `or` are here for their names; the evaluator cuts them short. */
export const GO_FUNCTIONS: Readonly<Record<string, FunctionEntry>> = {
  and: entry({ atLeast: 1 }, (args) => args.find((arg) => !isTruthy(arg)) ?? args.at(-1) ?? null),
  or: entry({ atLeast: 1 }, (args) => args.find((arg) => isTruthy(arg)) ?? args.at(-1) ?? null),
  not: entry(1, ([value = null]) => !isTruthy(value)),
  eq: entry({ atLeast: 2 }, ([left = null, ...others]) => others.some((other) => areEqual(left, other))),
  ne: entry(2, ([left = null, right = null]) => !areEqual(left, right)),
  lt: compared((order) => order < 0),
  le: compared((order) => order <= 0),
  gt: compared((order) => order > 0),
  ge: compared((order) => order >= 0),
  len: entry(1, ([value = null]) => lengthOf(value)),
  index: entry({ atLeast: 1 }, ([value = null, ...keys]) => keys.reduce(elementOf, value)),
  slice: entry({ atLeast: 1 }, ([value = null, ...bounds]) => sliceOf(value, bounds)),
  print: entry({ atLeast: 0 }, print),
  println: entry({ atLeast: 0 }, (args) => `${args.map(printValue).join(' ')}\n`),
  printf: entry({ atLeast: 1 }, ([format = null, ...args]) => {
    if (typeof format !== 'string') throw new TemplateRunError('wrong type for format of printf');
    return printf(format, args);
  }),
  html: entry({ atLeast: 1 }, (args) =>
    args
      .map(printValue)
      .join('')
      .replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`),
  ),
  urlquery: entry({ atLeast: 1 }, (args) =>
    encodeURIComponent(args.map(printValue).join('')).replaceAll('%20', '+'),
  ),
};

function areEqual(left: TemplateValue, right: TemplateValue): boolean {
  if (left === null || right === null) return left === right;
  if (typeof left !== typeof right || typeof left === 'object') {
    throw new TemplateRunError('incompatible types for comparison');
  }
  return left === right;
}

/** Below, at or above zero as left is to right; NaN where they have no order. */
function order(left: TemplateValue, right: TemplateValue): number {
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : Number(left > right);
  if (typeof left === 'number' && typeof right === 'number') {
    return left === right ? 0 : left < right ? -1 : left > right ? 1 : Number.NaN;
  }
  if (typeof left === 'bigint' && typeof right === 'bigint') return left < right ? -1 : Number(left > right);
  throw new TemplateRunError('incompatible types for comparison');
}

function lengthOf(value: TemplateValue): bigint {
  if (typeof value === 'string') return BigInt(Buffer.byteLength(value));
  if (isList(value)) return BigInt(value.length);
  if (isMap(value)) return BigInt(Object.keys(value).length);
  throw new TemplateRunError(`len of type ${typeName(value)}`);
}

function elementOf(value: TemplateValue, key: TemplateValue): TemplateValue {
  if (isMap(value)) {
    if (typeof key !== 'string')
      throw new TemplateRunError(`value has type ${typeName(key)}; should be string`);
    // A label that is missing reads as the empty string, the zero value of Go's map of strings.
    return Object.hasOwn(value, key) ? (value[key] ?? '') : '';
  }
  if (isList(value)) {
    const element = typeof key === 'bigint' && key >= 0n ? value[Number(key)] : undefined;
    if (element === undefined) throw new TemplateRunError(`index out of range: ${printValue(key)}`);
    return element;
  }
  throw new TemplateRunError(`can't index item of type ${typeName(value)}`);
}

function sliceOf(value: TemplateValue, bounds: readonly TemplateValue[]): TemplateValue {
  if (typeof value !== 'string' && !isList(value)) {
    throw new TemplateRunError(`can't slice item of type ${typeName(value)}`);
  }
  const [start = 0n, end = BigInt(value.length)] = bounds;
  const inRange =
    typeof start === 'bigint' &&
    typeof end === 'bigint' &&
    start >= 0n &&
    end <= value.length &&
    start <= end;
  if (!inRange) throw new TemplateRunError(`slice bounds out of range`);
  return value.slice(Number(start), Number(end));
}

/** Go's fmt.Sprint: a space between operands where neither is a string. */
function print(args: readonly TemplateValue[]): string {
  return args
    .map((arg, place) => {
      const before = args[place - 1];
      const spaced = place > 0 && typeof arg !== 'string' && typeof before !== 'string';
      return (spaced ? ' ' : '') + printValue(arg);
    })
    .join('');
}
