import type { Labels } from '#telemetry';
import { Grouping } from '../evaluation/grouping.ts';
import { byRows, type Steps } from '../evaluation/pacing.ts';
import type { VectorTable } from '../evaluation/vector-table.ts';
import type { QueryGuard } from '../evaluation/query-guard.ts';
import type { Annotations } from '../annotations.ts';
import type { Aggregation } from '../syntax/ast.ts';
import type { Position } from '../syntax/position.ts';

export interface FoldOptions {
  readonly annotations: Annotations;
  /** Where the aggregated expression stands. */
  readonly position: Position;
}

/** What is made of the samples of a group at each step, row by row, so that the rows need not all be there at once. */
export interface GroupFold {
  /** One row a group; rows are added as groups come up. */
  readonly output: VectorTable;
  /** Takes what a row of a table has at each step into its group. */
  add(input: VectorTable, row: number, group: number): void;
  /** Called once, after the last row. */
  finish(): void;
}

/** Puts tables, one after the other, into groups: an aggregation as its input comes. */
export class Folding {
  readonly #fold: GroupFold;
  readonly #groups: Grouping;
  readonly #guard: QueryGuard;

  constructor({ grouping, without }: Aggregation, fold: GroupFold, guard: QueryGuard) {
    this.#fold = fold;
    this.#guard = guard;
    this.#groups = new Grouping(grouping, without ? 'except' : 'only');
  }

  /** The table may be used again afterwards. */
  *add(input: VectorTable): Steps<void> {
    yield* byRows(input, (row) => {
      this.#fold.add(input, row, this.#groupOf(input, row));
    });
  }

  finish(): VectorTable {
    this.#fold.finish();
    return this.#fold.output;
  }

  #groupOf(input: VectorTable, row: number): number {
    const { output } = this.#fold;
    const labels: Labels = input.labels[row] ?? {};
    const group = this.#groups.groupOf(labels);
    if (group === output.rowCount) {
      this.#guard.hold(output.stepCount);
      output.addRow(this.#groups.labelsOf(labels), false);
    }
    if (input.dropsName[row] && input.hasSamples(row)) output.dropsName[group] = true;
    return group;
  }
}

/** Numbers beside the cells of a table that grows: an array with a place for each of `cells`. */
export function withRoomFor(numbers: Float64Array<ArrayBuffer>, cells: number): Float64Array<ArrayBuffer> {
  if (numbers.length >= cells) return numbers;
  const more = new Float64Array(Math.max(cells, numbers.length * 2));
  more.set(numbers);
  return more;
}
