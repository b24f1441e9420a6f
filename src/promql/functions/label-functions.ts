import {
  compileRegex,
  expandReferences,
  labelValue,
  METRIC_NAME_LABEL,
  messageOf,
  RegexTooLarge,
} from '#telemetry';
import { withLabel } from '../evaluation/label-sets.ts';
import { byRows, type Steps } from '../evaluation/pacing.ts';
import { mergeEqualRows } from '../evaluation/output-rows.ts';
import { evaluationError } from '../evaluation/query-error.ts';
import type { QueryGuard } from '../evaluation/query-guard.ts';
import type { VectorTable } from '../evaluation/vector-table.ts';

/** What is expanded before its length is looked at: a replacement may refer to its groups thousands of times. */
const MAX_EXPANDED_CHARACTERS = 1024 * 1024;

export interface LabelReplacement {
  readonly target: string;
  /** `$1`, `${1}` and `${name}` stand for what the expression's groups matched. */
  readonly replacement: string;
  readonly source: string;
  readonly expression: string;
}

/**
 * Sets a label from what a regular expression, anchored at both ends, finds in another; rows that it does not
 * match stay as they are.
 */
export function* replaceLabel(
  table: VectorTable,
  { target, replacement, source, expression }: LabelReplacement,
  guard: QueryGuard,
): Steps<VectorTable> {
  const references = replacement.split('$').length - 1;
  const pattern = compile(expression);
  // A query may have many calls, and each compiles its own.
  yield;
  assertLabelName(target, 'invalid destination label name in label_replace()');
  yield* byRows(table, (row) => {
    const text = labelValue(table.labels[row] ?? {}, source);
    const matcher = pattern.matcher(text);
    if (!matcher.matches()) return;
    const most = replacement.length + references * text.length;
    if (most > MAX_EXPANDED_CHARACTERS) guard.holdLabelValue(most);
    const value = expandReferences(replacement, matcher);
    guard.holdLabelValue(value.length);
    setLabel(table, row, target, value);
  });
  return yield* mergeEqualRows(table);
}

export interface LabelJoin {
  readonly target: string;
  readonly separator: string;
  readonly sources: readonly string[];
}

/** Sets a label to the values of others, joined. */
export function* joinLabels(
  table: VectorTable,
  { target, separator, sources }: LabelJoin,
  guard: QueryGuard,
): Steps<VectorTable> {
  for (const source of sources) assertLabelName(source, 'invalid source label name in label_join()');
  assertLabelName(target, 'invalid destination label name in label_join()');
  yield* byRows(table, (row) => {
    const labels = table.labels[row] ?? {};
    const values = sources.map((source) => labelValue(labels, source));
    const separators = Math.max(0, values.length - 1) * separator.length;
    guard.holdLabelValue(values.reduce((length, value) => length + value.length, separators));
    setLabel(table, row, target, values.join(separator));
  });
  return yield* mergeEqualRows(table);
}

/** Bytes that are no UTF-8 (`"\xff"`) become U+FFFD here; Prometheus does that when it writes its answer. */
function setLabel(table: VectorTable, row: number, name: string, value: string): void {
  table.labels[row] = withLabel(table.labels[row] ?? {}, name, value.toWellFormed());
  if (name === METRIC_NAME_LABEL) table.dropsName[row] = false;
}

function compile(expression: string): ReturnType<typeof compileRegex> {
  try {
    return compileRegex(expression, 'any');
  } catch (thrown) {
    if (thrown instanceof RegexTooLarge) throw evaluationError(`label_replace(): ${messageOf(thrown)}`);
    throw evaluationError(`invalid regular expression in label_replace(): ${expression}`);
  }
}

function assertLabelName(name: string, problem: string): void {
  if (name === '' || !name.isWellFormed()) throw evaluationError(`${problem}: ${name}`);
}
