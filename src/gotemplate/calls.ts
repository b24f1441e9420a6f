import type { InPieces } from './values/in-pieces.ts';
import {
  type FunctionDefinition,
  GoFunction,
  GoMap,
  GoSlice,
  integerOf,
  stringOf,
  TemplateRunError,
  type TemplateValue,
  typeName,
} from './values/value.ts';

/** @throws TemplateRunError where a function is given too few or too many arguments */
export function assertArity(
  name: string,
  { parameters, isVariadic }: FunctionDefinition,
  count: number,
): void {
  const least = isVariadic ? parameters.length - 1 : parameters.length;
  if (isVariadic ? count >= least : count === least) return;
  const wanted = isVariadic ? `at least ${least}` : String(least);
  throw new TemplateRunError(`wrong number of args for ${name}: want ${wanted} got ${count}`);
}

/** The type of the parameter that the argument at a place is for. */
export function typeAt({ parameters }: FunctionDefinition, place: number): string {
  return parameters[Math.min(place, parameters.length - 1)] ?? 'any';
}

/** @throws TemplateRunError where the value is not of the parameter's type */
export function checked(value: TemplateValue, type: string): TemplateValue {
  if (type === 'any' || typeName(value) === type || typeName(value) === `*${type}`) return value;
  if (value instanceof GoSlice && value.underlying === type) return value;
  if (value === null) throw new TemplateRunError(`invalid value; expected ${type}`);
  throw new TemplateRunError(`wrong type for value; expected ${type}; got ${typeName(value)}`);
}

/** Go's `call`: the first argument is a function, the others are its arguments. */
export function callValue(
  [callee = null, ...args]: readonly TemplateValue[],
  maxCharacters: number,
): TemplateValue | InPieces<TemplateValue> {
  if (callee === null) throw new TemplateRunError('call of nil');
  if (!(callee instanceof GoFunction)) {
    throw new TemplateRunError(`non-function of type ${typeName(callee)}`);
  }
  const { definition } = callee;
  assertArity('call', definition, args.length);
  args.forEach((arg, place) => {
    const type = typeAt(definition, place);
    if (type === 'any' || typeName(arg) === type) return;
    if (type === 'int' && integerOf(arg) !== null) return;
    throw new TemplateRunError(`arg ${place}: value has type ${typeName(arg)}; should be ${type}`);
  });
  return definition.call(args, maxCharacters);
}

/** What a value costs: the characters of a text, some for each element of a list or map. */
export function sizeOf(value: TemplateValue): number {
  const elementCharacters = 16;
  const text = stringOf(value);
  if (text !== null) return text.length;
  if (value instanceof GoSlice) return value.items.length * elementCharacters;
  return value instanceof GoMap ? value.entries.size * elementCharacters : 0;
}
