import type { EvaluationContext } from './evaluation-context.ts';
import type { Steps } from './pacing.ts';
import type { QueryGuard } from './query-guard.ts';
import { VectorTable, type StepGrid } from './vector-table.ts';

/** Cells of a block: few enough to stay in a processor's cache until they have been taken. */
const BLOCK_CELLS = 4096;

/** Takes the rows of a table that is used again afterwards. */
export type TakeRows = (block: VectorTable) => Steps<void>;

/** Where the rows of an expression go: all into one table, or in blocks to whoever folds them. */
export interface RowTarget {
  readonly grid: StepGrid;
  readonly context: EvaluationContext;
  readonly takeRows?: TakeRows | null;
}

/** A table that is filled row by row, and handed over each time that it is full where somebody takes its rows. */
export class BlockTable {
  readonly table: VectorTable;
  readonly #guard: QueryGuard;
  readonly #takeRows: TakeRows | null;
  readonly #maxRows: number;
  #held = 0;

  constructor(
    parts: { readonly grid: StepGrid; readonly guard: QueryGuard; readonly takeRows: TakeRows | null },
    rowCapacity: number,
  ) {
    const { stepCount } = parts.grid;
    this.#guard = parts.guard;
    this.#takeRows = parts.takeRows;
    this.#maxRows = parts.takeRows ? Math.max(1, Math.floor(BLOCK_CELLS / stepCount)) : Infinity;
    const rows = Math.min(rowCapacity, this.#maxRows);
    parts.guard.checkTable(stepCount, rows);
    this.table = new VectorTable(stepCount, rows);
  }

  /** Counts samples of the row that was filled last. */
  hold(samples: number): void {
    this.#held += samples;
    this.#guard.hold(samples);
  }

  get isFull(): boolean {
    return this.table.rowCount >= this.#maxRows;
  }

  *handOver(): Steps<void> {
    if (this.#takeRows) yield* this.#takeRows(this.table);
    this.table.clear();
    this.#guard.release(this.#held);
    this.#held = 0;
  }
}
