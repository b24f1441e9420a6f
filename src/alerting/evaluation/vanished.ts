import { METRIC_NAME_LABEL, type Labels } from '#telemetry';
import type { VectorElement } from './rule-query.ts';
import type { SlicedWork } from './sliced-work.ts';

/** Label sets that have the same names, in order. */
interface Alike<Item> {
  readonly names: readonly string[];
  readonly items: Item[];
}

/**
 * Which of the label sets no element of the data agrees with any more. An element agrees where no label contradicts:
 * aggregations drop labels, so missing ones agree. Looked up by the labels that both have, not searched: the cost grows
 * with the two numbers, not with their product.
 * @param missing label sets without a metric name, by anything that tells them apart
 */
export function* findVanished<Key>(
  missing: ReadonlyMap<Key, Labels>,
  data: readonly VectorElement[],
): SlicedWork<ReadonlySet<Key>> {
  const vanished = new Set(missing.keys());
  const elements = yield* alike(data, ({ labels }) => labels);
  const sought = yield* alike(missing, ([, labels]) => labels);
  for (const some of sought) {
    for (const present of elements) {
      const shared = present.names.filter((name) => some.names.includes(name));
      const known = new Set<string>();
      for (const { labels } of present.items) {
        known.add(valuesOf(labels, shared));
        yield;
      }
      for (const [key, labels] of some.items) {
        if (known.has(valuesOf(labels, shared))) vanished.delete(key);
        yield;
      }
    }
  }
  return vanished;
}

function* alike<Item>(
  items: Iterable<Item>,
  labelsOf: (item: Item) => Labels,
): SlicedWork<readonly Alike<Item>[]> {
  const groups = new Map<string, Alike<Item>>();
  for (const item of items) {
    const names = Object.keys(labelsOf(item))
      .filter((name) => name !== METRIC_NAME_LABEL)
      .sort();
    const signature = names.join('\xFF');
    const group = groups.get(signature);
    if (group) group.items.push(item);
    else groups.set(signature, { names, items: [item] });
    yield;
  }
  return [...groups.values()];
}

/** The values of the named labels as one text; each with its length in front, so that no two lists read the same. */
function valuesOf(labels: Labels, names: readonly string[]): string {
  let text = '';
  for (const name of names) {
    const value = labels[name] ?? '';
    text += `${value.length}:${value}`;
  }
  return text;
}
