import { formatLabelName, quote } from '../syntax/text-literals.ts';
import {
  emptyLabels,
  copyLabels,
  labelValue,
  METRIC_NAME_LABEL,
  type Labels,
  type MutableLabels,
} from '#telemetry';

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
export function dropLabels(labels: Labels, names: ReadonlySet<string>): MutableLabels {
  const kept = emptyLabels();
  for (const name in labels) {
    const value = labels[name];
    if (value && !names.has(name)) kept[name] = value;
  }
  return kept;
}

/** The label set with one label set, or removed where the value is empty. */
export function withLabel(labels: Labels, name: string, value: string): Labels {
  const changed = value === '' ? withoutLabel(labels, name) : copyLabels(labels);
  if (value !== '') changed[name] = value;
  return changed;
}

/** A copy without one label: one that is deleted from an object makes it a hash table of its own. */
function withoutLabel(labels: Labels, name: string): MutableLabels {
  const kept = emptyLabels();
  for (const other in labels) if (other !== name) kept[other] = labels[other] ?? '';
  return kept;
}

/** What a metric is called, and its type and unit where they are kept as labels: one goes with the others. */
export const METADATA: ReadonlySet<string> = new Set([METRIC_NAME_LABEL, '__type__', '__unit__']);

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

/** `{__name__="m", a="b"}`, as Prometheus shows a label set. */
export function describeLabels(labels: Labels): string {
  const pairs = Object.keys(labels)
    .sort()
    .map((name) => `${formatLabelName(name)}=${quote(labels[name] ?? '')}`);
  return `{${pairs.join(', ')}}`;
}
