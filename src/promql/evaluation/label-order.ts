import { labelValue, type Labels } from '#telemetry';
import { byRows, type Steps } from './pacing.ts';

/**
 * The order of Prometheus's results among the given label sets: by sorted name and value pairs, the shorter set first
 * where one begins the other. What has to be known of each set is found in steps; comparing two makes nothing.
 * @returns compares two of the sets by their places
 */
export function* labelOrderOf(sets: readonly Labels[]): Steps<(left: number, right: number) => number> {
  const shapes = new Shapes();
  const namesOfSet: (readonly string[])[] = [];
  yield* byRows({ rowCount: sets.length, stepCount: 1 }, (place) => {
    namesOfSet.push(shapes.namesOf(sets[place] ?? {}));
  });
  return (left, right) => {
    const ofLeft = { labels: sets[left] ?? {}, names: namesOfSet[left] ?? [] };
    const ofRight = { labels: sets[right] ?? {}, names: namesOfSet[right] ?? [] };
    return comparePairs(ofLeft, ofRight);
  };
}

interface NamedLabels {
  readonly labels: Labels;
  /** Of the labels with a value, sorted. */
  readonly names: readonly string[];
}

function comparePairs(left: NamedLabels, right: NamedLabels): number {
  const shared = Math.min(left.names.length, right.names.length);
  for (let place = 0; place < shared; place++) {
    const name = left.names[place] ?? '';
    const otherName = right.names[place] ?? '';
    if (name !== otherName) return name < otherName ? -1 : 1;
    const value = left.labels[name] ?? '';
    const otherValue = right.labels[name] ?? '';
    if (value !== otherValue) return value < otherValue ? -1 : 1;
  }
  return left.names.length - right.names.length;
}

/** The names of label sets, one list for all that have the same. */
class Shapes {
  readonly #known = new Map<string, readonly string[]>();
  #last: readonly string[] = [];

  namesOf(labels: Labels): readonly string[] {
    if (hasNames(labels, this.#last)) return this.#last;
    const names = Object.keys(labels)
      .filter((name) => labels[name] !== '')
      .sort();
    const key = JSON.stringify(names);
    const known = this.#known.get(key) ?? names;
    this.#known.set(key, known);
    this.#last = known;
    return known;
  }
}

/** Whether these, and no others, have a value. */
function hasNames(labels: Labels, names: readonly string[]): boolean {
  let size = 0;
  for (const name in labels) if (labels[name] !== '') size++;
  return size === names.length && names.every((name) => labelValue(labels, name) !== '');
}
