import { z } from 'zod';

/** The keys that an object schema knows at a path of what it reads; empty where there is no object. */
export function knownKeys(schema: z.core.$ZodType, path: readonly PropertyKey[]): readonly string[] {
  let at: z.core.$ZodType | undefined = unwrap(schema);
  for (const step of path) {
    if (at instanceof z.ZodObject) at = unwrap((at.shape as Record<string, z.ZodType>)[String(step)]);
    else if (at instanceof z.ZodArray) at = unwrap(at.element);
    else if (at instanceof z.ZodRecord) at = unwrap(at.valueType);
    else return [];
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

/**
 * Where a schema first takes an object whose unknown keys it drops, which whoever sent them would never hear of.
 * @returns the path, `[]` for what stands in lists; null where each object refuses them or says that it is open
 */
export function lenientPath(schema: z.core.$ZodType, path = ''): string | null {
  const at = unwrap(schema);
  if (at instanceof z.ZodArray) return lenientPath(at.element, `${path}[]`);
  if (at instanceof z.ZodRecord) return lenientPath(at.valueType, `${path}.*`);
  if (at instanceof z.ZodUnion) return firstOf(at.options, (option) => lenientPath(option, path));
  if (at instanceof z.ZodIntersection)
    return firstOf([at.def.left, at.def.right], (side) => lenientPath(side, path));
  if (!(at instanceof z.ZodObject)) return null;
  if (at.def.catchall === undefined) return path;
  return firstOf(Object.entries(at.shape as z.core.$ZodShape), ([key, value]) =>
    lenientPath(value, `${path}.${key}`),
  );
}

function firstOf<Item>(items: readonly Item[], find: (item: Item) => string | null): string | null {
  for (const item of items) {
    const found = find(item);
    if (found !== null) return found;
  }
  return null;
}

function unwrap(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  let inner = schema;
  for (;;) {
    if (inner instanceof z.ZodOptional || inner instanceof z.ZodNullable) inner = inner.unwrap();
    else if (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) inner = inner.unwrap();
    else if (inner instanceof z.ZodReadonly || inner instanceof z.ZodCatch) inner = inner.unwrap();
    else if (inner instanceof z.ZodPipe) inner = inner.in instanceof z.ZodTransform ? inner.out : inner.in;
    else return inner;
  }
}

const MAX_SUGGESTED_EDITS = 3;

/** What to say behind an unknown key: the nearest of the known ones, or all of them; nothing where none is known. */
export function suggestKey(key: string, known: readonly string[]): string {
  const best = nearestWord(key, known);
  if (best !== null) return `; did you mean "${best}"?`;
  return known.length > 0 ? `; known are ${known.join(', ')}` : '';
}

/** The one of `candidates` that was probably meant; null where none is near. Of those that are as near, the first. */
export function nearestWord(
  word: string,
  candidates: Iterable<string>,
  maxEdits = MAX_SUGGESTED_EDITS,
): string | null {
  let best: string | null = null;
  let bestEdits = maxEdits + 1;
  let distance: WordDistance | null = null;
  for (const candidate of candidates) {
    // What differs in length by more is never near: a word may be as long as a body.
    if (Math.abs(candidate.length - word.length) > maxEdits) continue;
    distance ??= new WordDistance(word.toLowerCase());
    const edits = distance.to(candidate.toLowerCase());
    if (edits > Math.ceil(candidate.length / 2) || edits >= bestEdits) continue;
    best = candidate;
    bestEdits = edits;
  }
  return best;
}

/** Levenshtein distances of a short word to others. A request for many may be wrong in each: nothing is made for a pair. */
class WordDistance {
  readonly #word: string;
  #row: number[] = [];
  #previous: number[] = [];

  constructor(word: string) {
    this.#word = word;
  }

  to(other: string): number {
    const word = this.#word;
    for (let column = 0; column <= other.length; column++) this.#row[column] = column;
    for (let at = 1; at <= word.length; at++) {
      [this.#row, this.#previous] = [this.#previous, this.#row];
      const [row, previous] = [this.#row, this.#previous];
      row[0] = at;
      for (let column = 1; column <= other.length; column++) {
        const substituted = (previous[column - 1] ?? 0) + (word[at - 1] === other[column - 1] ? 0 : 1);
        row[column] = Math.min(substituted, (previous[column] ?? 0) + 1, (row[column - 1] ?? 0) + 1);
      }
    }
    return this.#row[other.length] ?? 0;
  }
}
