import { emptyLabels, type Labels } from './label-set.ts';

/** The label that holds a series' metric name. */
export const METRIC_NAME_LABEL = '__name__';

/**
 * The canonical text of a label set: sorted by name in code-unit order, `name 0xFF value 0xFF` repeated; where 0xFF,
 * which is the letter ÿ, is among the labels themselves, 0xFF and the names and values as JSON. Equal label sets, and
 * no others, have equal keys; empty values do not count.
 */
export function labelsKey(labels: Labels): string {
  const names = Object.keys(labels).sort();
  let key = '';
  for (const name of names) {
    const value = labels[name];
    if (!value) continue;
    if (name.includes('\xFF') || value.includes('\xFF')) return keyAsJson(labels, names);
    key += `${name}\xFF${value}\xFF`;
  }
  return key;
}

function keyAsJson(labels: Labels, names: readonly string[]): string {
  return `\xFF${JSON.stringify(names.filter((name) => labels[name]).map((name) => [name, labels[name]]))}`;
}

const BARE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** `{a="1", b="2"}` with names sorted, the metric name in front: `m{a="1"}`. For messages and logs. */
export function formatLabels(labels: Labels): string {
  const name = labels[METRIC_NAME_LABEL] ?? '';
  const pairs = Object.keys(labels)
    .filter((label) => label !== METRIC_NAME_LABEL)
    .sort()
    .map(
      (label) => `${BARE_NAME.test(label) ? label : JSON.stringify(label)}=${JSON.stringify(labels[label])}`,
    );
  return pairs.length > 0 || name === '' ? `${name}{${pairs.join(', ')}}` : name;
}

/** The label set without the named labels. */
export function withoutLabels(labels: Labels, ...names: readonly string[]): Labels {
  const kept = emptyLabels();
  for (const [name, value] of Object.entries(labels)) if (!names.includes(name)) kept[name] = value;
  return kept;
}
