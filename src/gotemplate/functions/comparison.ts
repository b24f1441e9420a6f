import {
  compareTexts,
  GoMap,
  GoSlice,
  GoStruct,
  integerOf,
  stringOf,
  TemplateRunError,
  typeName,
  type TemplateValue,
} from '../values/value.ts';

/** What a value is compared as; null for what has no order. */
type Kind = 'bool' | 'int' | 'float' | 'string' | null;

function kindOf(value: TemplateValue): Kind {
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return 'float';
  if (stringOf(value) !== null) return 'string';
  return integerOf(value) === null ? null : 'int';
}

/** Go's `eq`: whether the first equals any of the others. Integers compare whatever their types are. */
export function equalsAny([first = null, ...others]: readonly TemplateValue[]): boolean {
  if (others.length === 0) throw new TemplateRunError('missing argument for comparison');
  return others.some((other) => areEqual(first, other));
}

function areEqual(left: TemplateValue, right: TemplateValue): boolean {
  if (left === null || right === null) return left === right;
  const kind = kindOf(left);
  if (kind !== kindOf(right)) throw incompatible(left, right);
  if (kind === 'int') return integerOf(left) === integerOf(right);
  if (kind === 'string') return stringOf(left) === stringOf(right);
  if (kind !== null) return left === right;
  for (const side of [left, right]) {
    if (side instanceof GoStruct) continue;
    if (side instanceof GoMap || side instanceof GoSlice || typeof side === 'object') {
      throw new TemplateRunError(`non-comparable type ${typeName(side)}`);
    }
  }
  return left === right;
}

/**
 * Below, at or above zero as left is to right; NaN where a NaN has no order.
 * @throws TemplateRunError where the types have none
 */
export function orderOf(left: TemplateValue, right: TemplateValue): number {
  const kind = kindOf(left);
  if (kind === null || kindOf(right) === null) throw new TemplateRunError('invalid type for comparison');
  if (kind !== kindOf(right)) throw incompatible(left, right);
  const [leftText, rightText] = [stringOf(left), stringOf(right)];
  if (leftText !== null && rightText !== null) return compareTexts(leftText, rightText);
  if (typeof left === 'number' && typeof right === 'number') {
    return left === right ? 0 : left < right ? -1 : left > right ? 1 : Number.NaN;
  }
  const [a, b] = [integerOf(left), integerOf(right)];
  if (a === null || b === null) throw new TemplateRunError('invalid type for comparison');
  return a < b ? -1 : Number(a > b);
}

function incompatible(left: TemplateValue, right: TemplateValue): TemplateRunError {
  return new TemplateRunError(`incompatible types for comparison: ${typeName(left)} and ${typeName(right)}`);
}
