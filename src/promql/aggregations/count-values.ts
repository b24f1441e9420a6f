import { METRIC_NAME_LABEL, TextNumbers, type Labels } from '#telemetry';
import { Grouping } from '../evaluation/grouping.ts';
import { finishHash, HashNumbers, mixHash } from '../evaluation/hash-numbers.ts';
import { withLabel } from '../evaluation/label-sets.ts';
import { byRows, type Steps } from '../evaluation/pacing.ts';
import { evaluationError } from '../evaluation/query-error.ts';
import { ABSENT, HISTOGRAM, VectorTable } from '../evaluation/vector-table.ts';
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
  const counts = new ValueCounts(label, input.stepCount, aggregation);
  const { stepCount } = input;
  yield* byRows(input, (row) => {
    const labels = input.labels[row] ?? {};
    const group = counts.groupOf(labels);
    for (let step = 0; step < stepCount; step++) {
      const cell = row * stepCount + step;
      const kind = input.kinds[cell];
      if (kind === ABSENT) continue;
      const text =
        kind === HISTOGRAM
          ? describeHistogram(input.histogramAt(cell))
          : formatDecimal(input.values[cell] ?? NaN);
      counts.add({ group, labels, text }, step);
    }
  });
  return counts.table;
}

interface CountedValue {
  readonly group: number;
  /** Of a series of the group. */
  readonly labels: Labels;
  readonly text: string;
}

/** One row for each value of each group; labels are made for a row, not for each sample that it counts. */
class ValueCounts {
  readonly table: VectorTable;
  readonly #label: string;
  readonly #groups: Grouping;
  /** Whether the aggregation leaves the value's label out again. */
  readonly #leavesOut: boolean;
  readonly #texts = new TextNumbers();
  readonly #rows = new HashNumbers();
  /** By row. */
  readonly #groupOfRow: number[] = [];
  readonly #textOfRow: number[] = [];
  #soughtGroup = 0;
  #soughtText = 0;

  constructor(label: string, stepCount: number, { grouping, without }: Aggregation) {
    this.table = new VectorTable(stepCount, 1);
    this.#label = label;
    const others = grouping.filter((name) => name !== label);
    this.#groups = without ? new Grouping([...others, label], 'except') : new Grouping(others, 'only');
    this.#leavesOut = without && (grouping.includes(label) || label === METRIC_NAME_LABEL);
  }

  /** What a series' values are counted in. */
  groupOf(labels: Labels): number {
    return this.#groups.groupOf(labels);
  }

  add({ group, labels, text }: CountedValue, step: number): void {
    const cell = this.#rowOf(group, labels, text) * this.table.stepCount + step;
    this.table.setFloat(cell, (this.table.values[cell] ?? 0) + 1);
  }

  #rowOf(group: number, labels: Labels, text: string): number {
    const number = this.#leavesOut ? 0 : this.#numberOf(text);
    const hash = finishHash(mixHash(group, number));
    this.#soughtGroup = group;
    this.#soughtText = number;
    const known = this.#rows.find(hash, this.#isSought);
    if (known >= 0) return known;
    const ofGroup = this.#groups.labelsOf(labels);
    this.table.addRow(this.#leavesOut ? ofGroup : withLabel(ofGroup, this.#label, text), false);
    this.#groupOfRow.push(group);
    this.#textOfRow.push(number);
    return this.#rows.add(hash);
  }

  #numberOf(text: string): number {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const number = this.#texts.size;
    this.#texts.add(text, number);
    return number;
  }

  readonly #isSought = (row: number): boolean =>
    this.#groupOfRow[row] === this.#soughtGroup && this.#textOfRow[row] === this.#soughtText;
}
