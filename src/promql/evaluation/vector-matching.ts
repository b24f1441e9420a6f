import { labelValue, copyLabels, METRIC_NAME_LABEL, type Labels } from '#telemetry';
import { formatLabelName, quote } from '../syntax/text-literals.ts';
import { isComparison, type VectorMatching } from '../syntax/ast.ts';
import type { ElementOperation, Operand } from './element-operation.ts';
import { Grouping, dropLabels, keepLabels, keyOf, withoutMetricName } from './label-sets.ts';
import { OutputRows } from './output-rows.ts';
import { byRows, type Steps } from './pacing.ts';
import type { QueryGuard } from './query-guard.ts';
import { evaluationError } from './query-error.ts';
import { ABSENT, HISTOGRAM, type VectorTable } from './vector-table.ts';

/**
 * A binary operator between two vectors. Which rows meet is worked out once for the whole grid; steps only compute.
 * @throws OmoiError `query_failed` where an element finds more partners than its matching allows
 */
export function* combineVectors(
  left: VectorTable,
  right: VectorTable,
  matching: VectorMatching,
  options: { readonly operation: ElementOperation; readonly guard: QueryGuard },
): Steps<VectorTable> {
  const join = new Join(left, right, matching, options.operation);
  for (const group of yield* join.match()) yield* join.combine(group, options.guard);
  options.operation.tellNotes();
  return join.rows.table;
}

interface MatchGroup {
  /** Rows of the "many" side (of the left side in one-to-one matching). */
  readonly many: number[];
  /** Rows of the "one" side: at most one of them may have a sample at a step. */
  readonly one: number[];
}

/** What of a group has been matched, where it matters; null where nothing can match twice. */
interface MatchesSoFar {
  /** 1 for the steps at which a one-to-one group has matched. */
  readonly matched: Uint8Array | null;
  /** By output labels: the steps at which a group with a "many" side has matched to them. */
  readonly inserted: Map<string, Uint8Array> | null;
}

class Join {
  readonly rows: OutputRows;
  readonly #many: VectorTable;
  readonly #one: VectorTable;
  readonly #matching: VectorMatching;
  readonly #operation: ElementOperation;
  /** Whether the "many" side is the right one. */
  readonly #swapped: boolean;
  readonly #manyOperand: Operand = { value: 0, histogram: null };
  readonly #oneOperand: Operand = { value: 0, histogram: null };
  #manyPresent: Uint8Array | null = null;

  constructor(left: VectorTable, right: VectorTable, matching: VectorMatching, operation: ElementOperation) {
    this.#swapped = matching.cardinality === 'one-to-many';
    this.#many = this.#swapped ? right : left;
    this.#one = this.#swapped ? left : right;
    this.#matching = matching;
    this.#operation = operation;
    this.rows = new OutputRows(left.stepCount, this.#many.rowCount);
  }

  /** Which rows of both sides meet. */
  *match(): Steps<readonly MatchGroup[]> {
    const grouping = new Grouping(this.#matching.labels, this.#matching.on ? 'only' : 'except');
    const groups: MatchGroup[] = [];
    const groupAt = (labels: Labels): MatchGroup => {
      const number = grouping.groupOf(labels);
      return (groups[number] ??= { many: [], one: [] });
    };
    for (const [table, side] of [
      [this.#many, 'many'],
      [this.#one, 'one'],
    ] as const) {
      yield* byRows(table, (row) => {
        groupAt(table.labels[row] ?? {})[side].push(row);
      });
    }
    return groups;
  }

  *combine(group: MatchGroup, guard: QueryGuard): Steps<void> {
    const { many, one } = group;
    if (one.length > 1) this.#assertUnique(one);
    if (many.length === 0 || one.length === 0) return;
    const oneToOne = this.#matching.cardinality === 'one-to-one';
    const matched = oneToOne && many.length > 1 ? new Uint8Array(this.#many.stepCount) : null;
    const inserted = oneToOne || many.length === 1 ? null : new Map<string, Uint8Array>();
    for (const manyRow of many) {
      for (const oneRow of one) {
        this.#combinePair(manyRow, oneRow, { matched, inserted });
        if (guard.spend(this.#many.stepCount)) yield;
      }
    }
  }

  #combinePair(manyRow: number, oneRow: number, { matched, inserted }: MatchesSoFar): void {
    const { stepCount } = this.#many;
    const manyCell = manyRow * stepCount;
    const oneCell = oneRow * stepCount;
    const labels = this.#resultLabels(manyRow, oneRow);
    const dropsName = this.#many.dropsName[manyRow] ?? false;
    const insertedSteps = inserted && stepsOf(inserted, keyOf(labels), stepCount);
    let to = -1;
    for (let step = 0; step < stepCount; step++) {
      if (!read(this.#manyOperand, this.#many, manyCell + step)) continue;
      if (!read(this.#oneOperand, this.#one, oneCell + step)) continue;
      const operation = this.#operation;
      const kind = this.#swapped
        ? operation.apply(this.#oneOperand, this.#manyOperand)
        : operation.apply(this.#manyOperand, this.#oneOperand);
      operation.takeNote(step, manyRow);
      if (kind === ABSENT) continue;
      if (matched) markOneToOne(matched, step);
      if (insertedSteps) markInserted(insertedSteps, step);
      if (!operation.keeps) continue;
      if (to < 0) to = this.rows.rowOf(labels, operation.returnBool || dropsName);
      this.rows.assertFree(to + step);
      if (operation.histogram) this.rows.table.setHistogram(to + step, operation.histogram);
      else this.rows.table.setFloat(to + step, operation.value);
    }
  }

  /** The labels of an operation's result: those of the "many" side, less or more what the matching says. */
  #resultLabels(manyRow: number, oneRow: number): Labels {
    const { cardinality, on, labels: names, include } = this.#matching;
    const { operator } = this.#operation;
    const oneLabels = this.#one.labels[oneRow] ?? {};
    let labels = this.#many.labels[manyRow] ?? {};
    if (!isComparison(operator) && operator !== '</' && operator !== '>/') labels = withoutMetricName(labels);
    if (cardinality === 'one-to-one') {
      if (on) return keepLabels(labels, names);
      return names.length === 0 ? labels : dropLabels(labels, new Set(names));
    }
    if (include.length === 0) return labels;
    const extended = copyLabels(labels);
    for (const name of include) {
      const value = labelValue(oneLabels, name);
      if (value) extended[name] = value;
      else delete extended[name];
    }
    return extended;
  }

  /** Fails where two rows of the "one" side are present at a step at which the "many" side is not empty. */
  #assertUnique(one: readonly number[]): void {
    const { stepCount, kinds } = this.#one;
    const first = new Int32Array(stepCount).fill(-1);
    for (const row of one) {
      for (let step = 0; step < stepCount; step++) {
        if (kinds[row * stepCount + step] === ABSENT) continue;
        const other = first[step] ?? -1;
        if (other >= 0 && this.#manyPresentAt(step)) throw this.#duplicateError(other, row);
        first[step] = row;
      }
    }
  }

  #manyPresentAt(step: number): boolean {
    if (!this.#manyPresent) {
      const { stepCount, kinds, rowCount } = this.#many;
      this.#manyPresent = new Uint8Array(stepCount);
      for (let cell = 0; cell < rowCount * stepCount; cell++) {
        if (kinds[cell] !== ABSENT) this.#manyPresent[cell % stepCount] = 1;
      }
    }
    return this.#manyPresent[step] === 1;
  }

  #duplicateError(first: number, second: number): Error {
    const { on, labels: names } = this.#matching;
    const labels = this.#one.labels[second] ?? {};
    const dropped = new Set([...names, METRIC_NAME_LABEL]);
    const group = on ? keepLabels(labels, names) : dropLabels(labels, dropped);
    const side = this.#swapped ? 'left' : 'right';
    const pair = [this.#one.labels[first] ?? {}, labels].map(describeLabels).sort().join(', ');
    return evaluationError(
      `found duplicate series for the match group ${describeLabels(group)} on the ${side} hand-side of the operation: ` +
        `[${pair}];many-to-many matching not allowed: matching labels must be unique on one side`,
    );
  }
}

function read(operand: Operand, table: VectorTable, cell: number): boolean {
  const kind = table.kinds[cell];
  if (kind === ABSENT) return false;
  operand.value = table.values[cell] ?? NaN;
  operand.histogram = kind === HISTOGRAM ? table.histogramAt(cell) : null;
  return true;
}

function markOneToOne(matched: Uint8Array, step: number): void {
  if (matched[step] === 1) {
    throw evaluationError(
      'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)',
    );
  }
  matched[step] = 1;
}

function markInserted(steps: Uint8Array, step: number): void {
  if (steps[step] === 1) {
    throw evaluationError('multiple matches for labels: grouping labels must ensure unique matches');
  }
  steps[step] = 1;
}

function stepsOf(byKey: Map<string, Uint8Array>, key: string, stepCount: number): Uint8Array {
  let steps = byKey.get(key);
  if (!steps) {
    steps = new Uint8Array(stepCount);
    byKey.set(key, steps);
  }
  return steps;
}

/** `{__name__="m", a="b"}`, as Prometheus shows a label set. */
function describeLabels(labels: Labels): string {
  const pairs = Object.keys(labels)
    .sort()
    .map((name) => `${formatLabelName(name)}=${quote(labels[name] ?? '')}`);
  return `{${pairs.join(', ')}}`;
}
