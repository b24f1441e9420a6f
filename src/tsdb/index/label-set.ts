import { METRIC_NAME_LABEL, OmoiError, emptyLabels, formatLabels, type Labels } from '#telemetry';
import type { TsdbLimits } from '../limits.ts';

/** A label set of the given names, in that order. */
export function labelSetOf(names: readonly string[], valueOf: (name: string, at: number) => string): Labels {
  const labels = emptyLabels();
  for (let at = 0; at < names.length; at++) {
    const name = names[at] ?? '';
    labels[name] = valueOf(name, at);
  }
  return labels;
}

/** The names whose values are not empty, sorted in code-unit order. */
export function presentNames(labels: Labels): string[] {
  const names: string[] = [];
  for (const name of Object.keys(labels)) if (labels[name] !== '') names.push(name);
  return names.sort();
}

/** @throws OmoiError `labels_invalid` when a label set may not become a series */
export function checkLabels(labels: Labels, names: readonly string[], limits: TsdbLimits): void {
  if (!labels[METRIC_NAME_LABEL]) {
    const shown = formatLabels(labels).slice(0, 200);
    throw new OmoiError('labels_invalid', `A series needs a metric name: ${shown} has none.`);
  }
  if (names.length > limits.maxLabelsPerSeries) {
    const metric = (labels[METRIC_NAME_LABEL] ?? '').slice(0, 200);
    throw new OmoiError(
      'labels_invalid',
      `A series of ${metric} has ${names.length} labels; max_labels_per_series is ${limits.maxLabelsPerSeries}.`,
    );
  }
  let length = 0;
  for (const name of names) {
    const value = labels[name] ?? '';
    checkLabel(name, value, limits);
    length += name.length + value.length;
  }
  if (length > limits.maxLabelSetLength) {
    const metric = (labels[METRIC_NAME_LABEL] ?? '').slice(0, 200);
    throw new OmoiError(
      'labels_invalid',
      `The labels of a series of ${metric} have ${length} characters; max_label_set_length is ${limits.maxLabelSetLength}.`,
    );
  }
}

function checkLabel(name: string, value: string, limits: TsdbLimits): void {
  if (name === '') throw new OmoiError('labels_invalid', 'A label has an empty name.');
  if (name.length > limits.maxLabelNameLength) {
    throw new OmoiError(
      'labels_invalid',
      `The label name ${name.slice(0, 80)}… is longer than max_label_name_length, ${limits.maxLabelNameLength}.`,
    );
  }
  if (value.length > limits.maxLabelValueLength) {
    throw new OmoiError(
      'labels_invalid',
      `The value of label ${name} (${value.slice(0, 80)}…) is longer than max_label_value_length, ${limits.maxLabelValueLength}.`,
    );
  }
  if (!name.isWellFormed() || !value.isWellFormed()) {
    throw new OmoiError('labels_invalid', `The label ${name.toWellFormed()} is not valid Unicode.`);
  }
}
