import { METRIC_NAME_LABEL, type Labels } from '#telemetry';
import type { VectorMatching } from '../syntax/ast.ts';
import type { ElementOperation, Operand } from './element-operation.ts';
import { Grouping, NumbersByOthers } from './grouping.ts';
import { describeLabels, dropLabels, keepLabels } from './label-sets.ts';
import { ResultLabels } from './result-labels.ts';
import { rowsOfGroup, sortByGroup, type RowsByGroup } from './rows-by-group.ts';
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
  yield* join.combine(yield* join.match(), options.guard);
  options.operation.tellNotes();
  return join.rows.table;
}

/** Which rows of both sides meet, by group. */
interface Matches {
  readonly groupCount: number;
  /** Rows of the "many" side (of the left side in one-to-one matching). */
  readonly many: RowsByGroup;
  /** Rows of the "one" side: of a group at most one may have a sample at a step. */
  readonly one: RowsByGroup;
}

/** What of a group has been matched, where it matters; null where nothing can match twice. */
interface MatchesSoFar {
  /** 1 for the steps at which a one-to-one group has matched. */
  readonly matched: Uint8Array | null;
  /** The steps at which a group with a "many" side has matched to the same labels. */
  readonly inserted: InsertedSteps | null;
  /** 1 for the steps at which the group has matched at all, where the others are filled in. */
  readonly anything: Uint8Array | null;
}

const NOTHING_TWICE: MatchesSoFar = { matched: null, inserted: null, anything: null };

/** The rows of a pair; null for the side that a value stands in for. */
interface Pair {
  readonly many: number | null;
  readonly one: number | null;
  /** 1 for the steps that are none of this pair's. */
  readonly except?: Uint8Array | null;
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
  readonly #labels: ResultLabels;
  /** What stands in for a sample of the "many" side: Prometheus's `fill_left`, whichever side that is. */
  readonly #manyFill: number | null;
  readonly #oneFill: number | null;
  /** What matching does not compare, where it names that. */
  readonly #unmatched: ReadonlySet<string>;
  #manyPresent: Uint8Array | null = null;

  constructor(left: VectorTable, right: VectorTable, matching: VectorMatching, operation: ElementOperation) {
    this.#swapped = matching.cardinality === 'one-to-many';
    this.#many = this.#swapped ? right : left;
    this.#one = this.#swapped ? left : right;
    this.#matching = matching;
    this.#operation = operation;
    this.#labels = new ResultLabels(matching, operation.operator);
    this.#unmatched = new Set([...matching.labels, METRIC_NAME_LABEL]);
    this.#manyFill = matching.fill.left;
    this.#oneFill = matching.fill.right;
    this.rows = new OutputRows(left.stepCount, this.#many.rowCount);
  }

  /** Which rows of both sides meet. */
  *match(): Steps<Matches> {
    const grouping = new Grouping(this.#matching.labels, this.#matching.on ? 'only' : 'except');
    const ofMany = yield* grouping.groupsOf(this.#many);
    const ofOne = yield* grouping.groupsOf(this.#one);
    return {
      groupCount: grouping.count,
      many: yield* sortByGroup(ofMany, grouping.count),
      one: yield* sortByGroup(ofOne, grouping.count),
    };
  }

  *combine({ groupCount, many, one }: Matches, guard: QueryGuard): Steps<void> {
    const { stepCount } = this.#many;
    for (let group = 0; group < groupCount; group++) {
      const [manyStart = 0, manyEnd = 0] = [many.starts[group], many.starts[group + 1]];
      const [oneStart = 0, oneEnd = 0] = [one.starts[group], one.starts[group + 1]];
      if (oneEnd - oneStart > 1) yield* this.#assertUnique(rowsOfGroup(one, group));
      const isOneSided = manyEnd === manyStart || oneEnd === oneStart;
      if (isOneSided && !this.#fillsIn) continue;
      const soFar = this.#matchesSoFar(manyEnd - manyStart);
      for (let atMany = manyStart; atMany < manyEnd; atMany++) {
        for (let atOne = oneStart; atOne < oneEnd; atOne++) {
          this.#combinePair({ many: many.rows[atMany] ?? 0, one: one.rows[atOne] ?? 0 }, soFar);
          if (guard.spend(stepCount)) yield;
        }
      }
      if (!this.#fillsIn) continue;
      const rows = { many: rowsOfGroup(many, group), one: rowsOfGroup(one, group) };
      yield* this.#fillIn(rows, soFar, guard);
    }
  }

  /** What has found no partner in its group meets the value that stands in for one. */
  *#fillIn(
    { many, one }: { readonly many: Int32Array; readonly one: Int32Array },
    soFar: MatchesSoFar,
    guard: QueryGuard,
  ): Steps<void> {
    const { stepCount } = this.#many;
    if (this.#oneFill !== null) {
      const except = yield* presentSteps(this.#one, one);
      for (const row of many) {
        this.#combinePair({ many: row, one: null, except }, soFar);
        if (guard.spend(stepCount)) yield;
      }
    }
    if (this.#manyFill === null) return;
    for (const row of one) {
      this.#combinePair({ many: null, one: row, except: soFar.anything }, soFar);
      if (guard.spend(stepCount)) yield;
    }
  }

  /** Of a group with so many rows on the "many" side. */
  #matchesSoFar(manyCount: number): MatchesSoFar {
    const { stepCount } = this.#many;
    const anything = this.#manyFill === null ? null : new Uint8Array(stepCount);
    if (manyCount <= 1) return anything ? { ...NOTHING_TWICE, anything } : NOTHING_TWICE;
    return this.#matching.cardinality === 'one-to-one'
      ? { matched: new Uint8Array(stepCount), inserted: null, anything }
      : { matched: null, inserted: new InsertedSteps(stepCount), anything };
  }

  #combinePair(pair: Pair, { matched, inserted, anything }: MatchesSoFar): void {
    const { stepCount } = this.#many;
    const labels = this.#labelsOf(pair);
    const dropsName = pair.many !== null && (this.#many.dropsName[pair.many] ?? false);
    const insertedSteps = inserted?.stepsOf(labels);
    const { except = null } = pair;
    const manyCell = pair.many === null ? -1 : pair.many * stepCount;
    const oneCell = pair.one === null ? -1 : pair.one * stepCount;
    if (manyCell < 0) setFloat(this.#manyOperand, this.#manyFill);
    if (oneCell < 0) setFloat(this.#oneOperand, this.#oneFill);
    let to = -1;
    for (let step = 0; step < stepCount; step++) {
      if (except !== null && except[step] === 1) continue;
      if (manyCell >= 0 && !read(this.#manyOperand, this.#many, manyCell + step)) continue;
      if (oneCell >= 0 && !read(this.#oneOperand, this.#one, oneCell + step)) continue;
      const operation = this.#operation;
      const kind = this.#swapped
        ? operation.apply(this.#oneOperand, this.#manyOperand)
        : operation.apply(this.#manyOperand, this.#oneOperand);
      operation.takeNote(step, pair.many ?? this.#many.rowCount);
      if (kind === ABSENT) continue;
      if (matched) markOneToOne(matched, step);
      if (insertedSteps) markInserted(insertedSteps, step);
      if (anything) anything[step] = 1;
      if (!operation.keeps) continue;
      if (to < 0) to = this.rows.rowOf(labels, operation.returnBool || dropsName);
      this.rows.assertFree(to + step);
      if (operation.histogram) this.rows.table.setHistogram(to + step, operation.histogram);
      else this.rows.table.setFloat(to + step, operation.value);
    }
  }

  /** Of a side that is filled in, only what the group's label sets have in common. */
  #labelsOf({ many, one }: Pair): Labels {
    const ofMany = many === null ? null : (this.#many.labels[many] ?? {});
    const ofOne = one === null ? null : (this.#one.labels[one] ?? {});
    return this.#labels.of(
      ofMany ?? this.#matchedLabels(ofOne ?? {}),
      ofOne ?? this.#matchedLabels(ofMany ?? {}),
    );
  }

  /** What matching compares of a label set. */
  #matchedLabels(labels: Labels): Labels {
    const { on, labels: names } = this.#matching;
    return on ? keepLabels(labels, names) : dropLabels(labels, this.#unmatched);
  }

  /** Fails where two rows of the "one" side are present at a step at which the "many" side is not empty. */
  *#assertUnique(one: Int32Array): Steps<void> {
    const { stepCount, kinds } = this.#one;
    const first = new Int32Array(stepCount).fill(-1);
    yield* byRows({ rowCount: one.length, stepCount }, (place) => {
      const row = one[place] ?? 0;
      for (let step = 0; step < stepCount; step++) {
        if (kinds[row * stepCount + step] === ABSENT) continue;
        const other = first[step] ?? -1;
        if (other >= 0 && (this.#fillsIn || this.#manyPresentAt(step)))
          throw this.#duplicateError(other, row);
        first[step] = row;
      }
    });
  }

  get #fillsIn(): boolean {
    return this.#manyFill !== null || this.#oneFill !== null;
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
    const labels = this.#one.labels[second] ?? {};
    const group = this.#matchedLabels(labels);
    const side = this.#swapped ? 'left' : 'right';
    const pair = [this.#one.labels[first] ?? {}, labels].map(describeLabels).sort().join(', ');
    return evaluationError(
      `found duplicate series for the match group ${describeLabels(group)} on the ${side} hand-side of the operation: ` +
        `[${pair}];many-to-many matching not allowed: matching labels must be unique on one side`,
    );
  }
}

function setFloat(operand: Operand, value: number | null): void {
  operand.value = value ?? NaN;
  operand.histogram = null;
}

/** 1 for the steps at which one of the rows has a sample. */
function* presentSteps({ kinds, stepCount }: VectorTable, rows: Int32Array): Steps<Uint8Array> {
  const present = new Uint8Array(stepCount);
  yield* byRows({ rowCount: rows.length, stepCount }, (place) => {
    const cell = (rows[place] ?? 0) * stepCount;
    for (let step = 0; step < stepCount; step++) if (kinds[cell + step] !== ABSENT) present[step] = 1;
  });
  return present;
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

/** The steps at which labels have matched. */
class InsertedSteps {
  readonly #stepCount: number;
  readonly #numbers = new NumbersByOthers(new Set());
  readonly #steps: Uint8Array[] = [];

  constructor(stepCount: number) {
    this.#stepCount = stepCount;
  }

  /** 1 for each of them. */
  stepsOf(labels: Labels): Uint8Array {
    return (this.#steps[this.#numbers.numberOf(labels)] ??= new Uint8Array(this.#stepCount));
  }
}
