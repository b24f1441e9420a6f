/** A value as one piece. */
export function* jsonOf(value: unknown): Generator<string, void, void> {
  yield JSON.stringify(value);
}

/** Each element is made when it is asked for: many, or large ones, are never all there at once. */
export function* mapped<From, To>(
  values: Iterable<From>,
  make: (value: From) => To,
): Generator<To, void, void> {
  for (const value of values) yield make(value);
}

/** A list, element by element: it may be long. */
export function* jsonOfList(values: Iterable<unknown>): Generator<string, void, void> {
  let before = '[';
  for (const value of values) {
    yield before + JSON.stringify(value);
    before = ',';
  }
  yield before === '[' ? '[]' : ']';
}

/** A list of what fits, where null is what was looked at and does not: an empty piece, so that the sender can pause. */
export function* jsonOfFitting(values: Iterable<object | null>): Generator<string, void, void> {
  let before = '[';
  for (const value of values) {
    yield value === null ? '' : before + JSON.stringify(value);
    if (value !== null) before = ',';
  }
  yield before === '[' ? '[]' : ']';
}

/** A list whose elements may be long themselves; they are JSON already. */
export function* jsonOfElements(elements: Iterable<Iterable<string>>): Generator<string, void, void> {
  let before = '[';
  for (const element of elements) {
    yield before;
    yield* element;
    before = ',';
  }
  yield before === '[' ? '[]' : ']';
}

/** An object, field by field; the values are JSON already. */
export function* jsonOfFields(
  fields: Iterable<readonly [name: string, json: Iterable<string>]>,
): Generator<string, void, void> {
  let before = '{';
  for (const [name, json] of fields) {
    yield `${before}${JSON.stringify(name)}:`;
    yield* json;
    before = ',';
  }
  yield before === '{' ? '{}' : '}';
}
