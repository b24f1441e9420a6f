/** Stands in a list of a body for an element that no handler may see. */
export class RefusedElement {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

const FORGED = 'the key "__proto__" is not allowed';

/**
 * A list of JSON in which elements that have a key `__proto__` somewhere are refused: whoever copied such an element would write to
 * a prototype. Null where the text is no list.
 */
export function withoutForged(text: string): readonly unknown[] | null {
  let value: unknown;
  try {
    // The parser itself makes a key of it like any other.
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!Array.isArray(value)) return null;
  return (value as unknown[]).map((element) => (isForged(element) ? new RefusedElement(FORGED) : element));
}

function isForged(element: unknown): boolean {
  const left: unknown[] = [element];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (typeof next !== 'object' || next === null) continue;
    if (Object.hasOwn(next, '__proto__')) return true;
    for (const inner of Object.values(next))
      if (typeof inner === 'object' && inner !== null) left.push(inner);
  }
  return false;
}
