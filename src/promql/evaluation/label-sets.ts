import { emptyLabels, copyLabels, labelValue, METRIC_NAME_LABEL, labelsKey, type Labels } from '#telemetry';

const keys = new WeakMap<Labels, string>();

/** `labelsKey`, remembered for each label set: stores hand out the same objects again and again. */
export function keyOf(labels: Labels): string {
  let key = keys.get(labels);
  if (key === undefined) {
    key = labelsKey(labels);
    keys.set(labels, key);
  }
  return key;
}

/** The order of Prometheus's results: by sorted name and value pairs, the shorter set first where one begins the other. */
export function compareLabels(left: Labels, right: Labels): number {
  const leftKey = sortKeyOf(left);
  const rightKey = sortKeyOf(right);
  const shared = Math.min(leftKey.length, rightKey.length);
  for (let place = 0; place < shared; place++) {
    const a = leftKey[place] ?? '';
    const b = rightKey[place] ?? '';
    if (a !== b) return a < b ? -1 : 1;
  }
  return leftKey.length - rightKey.length;
}

const sortKeys = new WeakMap<Labels, readonly string[]>();

function sortKeyOf(labels: Labels): readonly string[] {
  let key = sortKeys.get(labels);
  if (!key) {
    key = Object.keys(labels)
      .filter((name) => labels[name] !== '')
      .sort()
      .flatMap((name) => [name, labels[name] ?? '']);
    sortKeys.set(labels, key);
  }
  return key;
}

export function metricNameOf(labels: Labels): string {
  return labels[METRIC_NAME_LABEL] ?? '';
}

/** The labels of these names only. */
export function keepLabels(labels: Labels, names: readonly string[]): Labels {
  const kept = emptyLabels();
  for (const name of names) {
    const value = labelValue(labels, name);
    if (value) kept[name] = value;
  }
  return kept;
}

/** The label set without some labels. */
export function dropLabels(labels: Labels, names: ReadonlySet<string>): Labels {
  const kept = emptyLabels();
  for (const name of Object.keys(labels)) {
    const value = labels[name];
    if (value && !names.has(name)) kept[name] = value;
  }
  return kept;
}

/** The label set with one label set, or removed where the value is empty. */
export function withLabel(labels: Labels, name: string, value: string): Labels {
  const changed = copyLabels(labels);
  if (value === '') delete changed[name];
  else changed[name] = value;
  return changed;
}

/** What a metric is called, and its type and unit where they are kept as labels: one goes with the others. */
const METADATA: ReadonlySet<string> = new Set([METRIC_NAME_LABEL, '__type__', '__unit__']);

/** Whether something would be dropped with the metric name. */
export function hasMetadata(labels: Labels): boolean {
  return (
    labels[METRIC_NAME_LABEL] !== undefined ||
    labels['__type__'] !== undefined ||
    labels['__unit__'] !== undefined
  );
}

/** The label set of what no longer is the metric: without its name, type and unit. */
export function withoutMetricName(labels: Labels): Labels {
  return hasMetadata(labels) ? dropLabels(labels, METADATA) : labels;
}

/** Numbers label sets by what `on (…)`, `ignoring (…)`, `by (…)` or `without (…)` leaves of them, from 0. */
export class Grouping {
  readonly #names: readonly string[];
  readonly #dropped: ReadonlySet<string> | null;
  /** By label values for "only these": a map a level, so that no key has to be built. */
  readonly #tree = new Map<string, unknown>();
  readonly #byKey = new Map<string, number>();
  #count = 0;

  /**
   * @param keep true: only `names` count. False: all labels but `names` and the metric name.
   */
  constructor(names: readonly string[], mode: 'only' | 'except') {
    this.#names = mode === 'only' ? [...new Set(names)] : names;
    this.#dropped = mode === 'except' ? new Set([...names, METRIC_NAME_LABEL]) : null;
  }

  get count(): number {
    return this.#count;
  }

  /** The number of a label set's group; a new one where none is equal. */
  groupOf(labels: Labels): number {
    return this.#dropped ? this.#groupByKey(labels) : this.#groupByValues(labels);
  }

  /** What the group keeps of a label set. */
  labelsOf(labels: Labels): Labels {
    return this.#dropped ? dropLabels(labels, this.#dropped) : keepLabels(labels, this.#names);
  }

  #groupByKey(labels: Labels): number {
    const key = labelsKey(this.labelsOf(labels));
    let group = this.#byKey.get(key);
    if (group === undefined) {
      group = this.#count++;
      this.#byKey.set(key, group);
    }
    return group;
  }

  #groupByValues(labels: Labels): number {
    const names = this.#names;
    const last = names.length - 1;
    if (last < 0) {
      this.#count = 1;
      return 0;
    }
    let level = this.#tree;
    for (let depth = 0; depth < last; depth++) {
      const value = labelValue(labels, names[depth] ?? '');
      let below = level.get(value);
      if (!(below instanceof Map)) {
        below = new Map<string, unknown>();
        level.set(value, below);
      }
      level = below as Map<string, unknown>;
    }
    const value = labelValue(labels, names[last] ?? '');
    const known = level.get(value);
    if (typeof known === 'number') return known;
    level.set(value, this.#count);
    return this.#count++;
  }
}
