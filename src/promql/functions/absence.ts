import { emptyLabels, METRIC_NAME_LABEL, type Labels } from '#telemetry';
import { byRows, type Steps } from '../evaluation/pacing.ts';
import { ABSENT, VectorTable } from '../evaluation/vector-table.ts';
import { unwrap, type Expression } from '../syntax/ast.ts';

/** `absent` and `absent_over_time`: 1 at every step at which the vector has no element. */
export function* absence(table: VectorTable, argument: Expression): Steps<VectorTable> {
  const { stepCount, kinds } = table;
  const present = new Uint8Array(stepCount);
  yield* byRows(table, (row) => {
    for (let step = 0; step < stepCount; step++) {
      if (kinds[row * stepCount + step] !== ABSENT) present[step] = 1;
    }
  });
  const absent = new VectorTable(stepCount, 1);
  const cell = absent.addRow(labelsOfAbsence(argument), false);
  for (let step = 0; step < stepCount; step++) {
    if (present[step] === 0) absent.setFloat(cell + step, 1);
  }
  return absent;
}

/**
 * The labels that the argument's matchers fix to one value: nothing else is known of what is not there. Bytes that are no
 * UTF-8 read as U+FFFD, as in every answer.
 */
function labelsOfAbsence(argument: Expression): Labels {
  const inner = unwrap(argument);
  const selector = inner.kind === 'matrix_selector' ? inner.selector : inner;
  if (selector.kind !== 'vector_selector') return {};
  const labels = emptyLabels();
  const fixed = new Set<string>();
  for (const { name: written, operator, value } of selector.matchers) {
    const name = written.toWellFormed();
    if (name === METRIC_NAME_LABEL) continue;
    if (operator === '=' && !fixed.has(name)) {
      if (value !== '') labels[name] = value.toWellFormed();
      fixed.add(name);
    } else {
      delete labels[name];
    }
  }
  return labels;
}
