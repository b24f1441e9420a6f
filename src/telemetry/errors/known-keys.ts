import { z } from 'zod';
import { alternatives, unwrap, valueAt } from './schema-steps.ts';

/** The keys that an object schema knows at a path of what it reads; empty where there is no object. */
export function knownKeys(schema: z.core.$ZodType, path: readonly PropertyKey[]): readonly string[] {
  let readers = alternatives(schema);
  for (const step of path) {
    readers = readers.flatMap((reader) =>
      alternatives(reader instanceof z.ZodArray ? reader.element : valueAt(reader, String(step))),
    );
  }
  const objects = readers.filter((reader) => reader instanceof z.ZodObject);
  return [...new Set(objects.flatMap((object) => Object.keys(object.shape)))];
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
  distance = new WordDistance(),
): string | null {
  let best: string | null = null;
  let bestEdits = maxEdits + 1;
  let meant: string | null = null;
  for (const candidate of candidates) {
    const atMost = Math.min(bestEdits - 1, Math.ceil(candidate.length / 2));
    // What differs in length by more is never near: a word may be as long as a body.
    if (Math.abs(candidate.length - word.length) > atMost) continue;
    meant ??= word.toLowerCase();
    const edits = distance.between(meant, candidate.toLowerCase(), atMost);
    if (edits === null) continue;
    best = candidate;
    bestEdits = edits;
    if (edits === 0) break;
  }
  return best;
}

/**
 * Levenshtein distances up to a bound. Of the table of all beginnings only the band is looked at in which a distance can be
 * within the bound, behind what both words begin with and before what they end with; a row beyond it ends the look
 * (Ukkonen, Algorithms for approximate string matching, 1985). Nothing is made for a pair: a reload may be wrong in a
 * thousand names and know ten thousand.
 */
export class WordDistance {
  #row: number[] = [];
  #previous: number[] = [];
  /** Cells of the table that were filled so far: what the comparisons have cost. */
  cells = 0;

  /** @returns how many letters have to be inserted, deleted or replaced; null where those are more than `atMost` */
  between(one: string, other: string, atMost: number): number | null {
    let start = 0;
    let oneEnd = one.length;
    let otherEnd = other.length;
    while (start < oneEnd && start < otherEnd && one[start] === other[start]) start++;
    while (oneEnd > start && otherEnd > start && one[oneEnd - 1] === other[otherEnd - 1]) {
      oneEnd--;
      otherEnd--;
    }
    const rows = oneEnd - start;
    const columns = otherEnd - start;
    if (Math.abs(rows - columns) > atMost) return null;
    if (rows === 0 || columns === 0) return Math.max(rows, columns);
    const beyond = atMost + 1;
    for (let column = 0; column <= Math.min(columns, beyond); column++) this.#row[column] = column;
    for (let at = 1; at <= rows; at++) {
      [this.#row, this.#previous] = [this.#previous, this.#row];
      const [row, previous] = [this.#row, this.#previous];
      const from = Math.max(1, at - atMost);
      const to = Math.min(columns, at + atMost);
      row[from - 1] = from === 1 ? at : beyond;
      let least = row[from - 1] ?? beyond;
      for (let column = from; column <= to; column++) {
        const isSame = one[start + at - 1] === other[start + column - 1];
        const replaced = (previous[column - 1] ?? beyond) + (isSame ? 0 : 1);
        const edits = Math.min(replaced, (previous[column] ?? beyond) + 1, (row[column - 1] ?? beyond) + 1);
        row[column] = edits;
        if (edits < least) least = edits;
      }
      // The next row looks one further, where nothing of this one stands.
      if (to < columns) row[to + 1] = beyond;
      this.cells += to - from + 1;
      if (least > atMost) return null;
    }
    const edits = this.#row[columns] ?? beyond;
    return edits > atMost ? null : edits;
  }
}
