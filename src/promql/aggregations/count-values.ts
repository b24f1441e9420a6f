import { Grouping, withLabel } from '../evaluation/label-sets.ts';
import { byRows, type Steps } from '../evaluation/pacing.ts';
import { OutputRows } from '../evaluation/output-rows.ts';
import { evaluationError } from '../evaluation/query-error.ts';
import { ABSENT, HISTOGRAM, type VectorTable } from '../evaluation/vector-table.ts';
import { describeHistogram } from '../histograms/description.ts';
import type { Aggregation } from '../syntax/ast.ts';
import { formatDecimal, quote } from '../syntax/text-literals.ts';

/** `count_values`: how often each value occurs in each group, the value being put into a label. */
export function* countValues(
  label: string,
  input: VectorTable,
  aggregation: Aggregation,
): Steps<VectorTable> {
  if (label === '' || !label.isWellFormed()) throw evaluationError(`invalid label name ${quote(label)}`);
  const { grouping, without } = aggregation;
  const groups = without ? new Grouping(grouping, 'except') : new Grouping([...grouping, label], 'only');
  const rows = new OutputRows(input.stepCount, input.rowCount);
  const { stepCount } = input;
  yield* byRows(input, (row) => {
    for (let step = 0; step < stepCount; step++) {
      const cell = row * stepCount + step;
      const kind = input.kinds[cell];
      if (kind === ABSENT) continue;
      const text =
        kind === HISTOGRAM
          ? describeHistogram(input.histogramAt(cell))
          : formatDecimal(input.values[cell] ?? NaN);
      const labels = groups.labelsOf(withLabel(input.labels[row] ?? {}, label, text));
      const to = rows.rowOf(labels, false) + step;
      rows.table.setFloat(to, (rows.table.values[to] ?? 0) + 1);
    }
  });
  return rows.table;
}
