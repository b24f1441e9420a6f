import { literalAlternatives, type Matcher } from '#telemetry';

/** Sets that begin with the same label without asking for one value of it: so many of them are looked at. */
export const maxComparedSets = 100;

/**
 * The few values that a label may have by matchers that all have to match, a missing label as ''; null where they are not few
 * words (`team=~"web-.*"`).
 */
function fewValues(matchers: readonly Matcher[], name: string): readonly string[] | null {
  const own = matchers.filter((matcher) => matcher.name === name);
  for (const { operator, value } of own) {
    const words = operator === '=' ? [value] : operator === '=~' ? literalAlternatives(value) : null;
    if (words) return words.filter((word) => own.every((matcher) => matcher.matches(word)));
  }
  return null;
}

/**
 * The label for which no value is left where all of these matchers have to match: nothing matches them. Null where none is
 * known; expressions that are no words are not compared with each other.
 */
export function contradictedLabel(matchers: readonly Matcher[]): string | null {
  const names = new Set(matchers.map(({ name }) => name));
  for (const name of names) if (fewValues(matchers, name)?.length === 0) return name;
  return null;
}

type FewValues = ReadonlyMap<string, readonly string[] | null>;

/** Whether what matches all of `matchers`, which leave these values, is sure to match `implied`, too. */
function implies(matchers: readonly Matcher[], left: FewValues, implied: Matcher): boolean {
  const { name, operator, value } = implied;
  const values = left.get(name);
  if (values) return values.every((word) => implied.matches(word));
  return matchers.some(
    (matcher) => matcher.name === name && matcher.operator === operator && matcher.value === value,
  );
}

/** Matcher sets, found by one that implies them: whatever it accepts, they accept. */
export class ImpliedMatchers<Item> {
  readonly #ofAll: Entry<Item>[] = [];
  readonly #byFirst = new Map<string, Entry<Item>[]>();

  add(item: Item, matchers: readonly Matcher[]): void {
    const [first] = matchers;
    if (!first) {
      this.#ofAll.push({ item, matchers });
      return;
    }
    const key = keyOf(first);
    const entries = this.#byFirst.get(key);
    if (!entries) this.#byFirst.set(key, [{ item, matchers }]);
    else if (entries.length < maxComparedSets) entries.push({ item, matchers });
  }

  /** In the order in which they were added; of sets that many others resemble, some may be missing. */
  find(matchers: readonly Matcher[]): readonly Item[] {
    const left = new Map(matchers.map(({ name }) => [name, fewValues(matchers, name)]));
    const keys = [...left].flatMap(([name, values]) => keysFor(name, values));
    const candidates = keys.flatMap((key) => this.#byFirst.get(key) ?? []);
    const found = candidates.filter((entry) => entry.matchers.every((one) => implies(matchers, left, one)));
    return [...this.#ofAll, ...found].map(({ item }) => item);
  }
}

interface Entry<Item> {
  readonly item: Item;
  readonly matchers: readonly Matcher[];
}

function keyOf({ name, operator, value }: Matcher): string {
  return operator === '=' ? `${name}=${value}` : name;
}

function keysFor(name: string, values: readonly string[] | null): readonly string[] {
  return [name, ...(values ?? []).slice(0, 1).map((value) => `${name}=${value}`)];
}
