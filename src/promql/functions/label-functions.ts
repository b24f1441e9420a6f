import { METRIC_NAME_LABEL } from '#telemetry';
import { RE2JS, type RE2JS as Pattern } from 're2js';
import { withLabel } from '../evaluation/label-sets.ts';
import { byRows, type Steps } from '../evaluation/pacing.ts';
import { mergeEqualRows } from '../evaluation/output-rows.ts';
import { evaluationError } from '../evaluation/query-error.ts';
import type { VectorTable } from '../evaluation/vector-table.ts';

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
): Steps<VectorTable> {
  const pattern = compile(expression);
  assertLabelName(target, 'invalid destination label name in label_replace()');
  yield* byRows(table, (row) => {
    const matcher = pattern.matcher(table.labels[row]?.[source] ?? '');
    if (!matcher.matches()) return;
    const value = expand(replacement, (group) => groupText(matcher, group));
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
): Steps<VectorTable> {
  for (const source of sources) assertLabelName(source, 'invalid source label name in label_join()');
  assertLabelName(target, 'invalid destination label name in label_join()');
  table.labels.forEach((labels, row) => {
    setLabel(table, row, target, sources.map((source) => labels[source] ?? '').join(separator));
  });
  return yield* mergeEqualRows(table);
}

function setLabel(table: VectorTable, row: number, name: string, value: string): void {
  table.labels[row] = withLabel(table.labels[row] ?? {}, name, value);
  if (name === METRIC_NAME_LABEL) table.dropsName[row] = false;
}

function compile(expression: string): Pattern {
  try {
    return RE2JS.compile(expression, RE2JS.DOTALL);
  } catch {
    throw evaluationError(`invalid regular expression in label_replace(): ${expression}`);
  }
}

function assertLabelName(name: string, problem: string): void {
  if (name === '' || !name.isWellFormed()) throw evaluationError(`${problem}: ${name}`);
}

function groupText(
  matcher: { groupCount(): number; group(group: number | string): string | null },
  group: string,
): string {
  const number = /^(?:0|[1-9]\d*)$/.test(group) ? Number(group) : null;
  if (number !== null) return number <= matcher.groupCount() ? (matcher.group(number) ?? '') : '';
  try {
    return matcher.group(group) ?? '';
  } catch {
    // A group that the expression does not have stands for nothing.
    return '';
  }
}

const REFERENCE = /\$(?:\$|\{(\w+)\}|(\w+))/g;

/** Go's `Regexp.Expand`: `$$` is a dollar sign, a `$` before anything else stays. */
function expand(template: string, text: (group: string) => string): string {
  return template.replaceAll(REFERENCE, (_, braced: string | undefined, bare: string | undefined) => {
    const group = braced ?? bare;
    return group === undefined ? '$' : text(group);
  });
}
