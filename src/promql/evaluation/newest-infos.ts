import { describeLabels } from './label-sets.ts';
import { evaluationError } from './query-error.ts';
import { ABSENT, type VectorTable } from './vector-table.ts';

/** The info series of one metric and one target: at each step the one with the newest sample counts. */
export class NewestInfos {
  /** The times of the samples, in seconds. */
  readonly #times: VectorTable;
  /** The row that counts at each step; −1 where none has a sample. */
  readonly #rows: Int32Array;

  constructor(times: VectorTable) {
    this.#times = times;
    this.#rows = new Int32Array(times.stepCount).fill(-1);
  }

  rowAt(step: number): number {
    return this.#rows[step] ?? -1;
  }

  /**
   * @param hasElements 1 for the steps at which somebody asks
   * @throws OmoiError `query_failed` where another one has a sample of the same time at such a step
   */
  add(row: number, hasElements: Uint8Array): void {
    const { stepCount, kinds, values } = this.#times;
    for (let step = 0; step < stepCount; step++) {
      const cell = row * stepCount + step;
      if (kinds[cell] === ABSENT) continue;
      const before = this.rowAt(step);
      const seconds = values[cell] ?? NaN;
      const secondsBefore = before < 0 ? -Infinity : (values[before * stepCount + step] ?? NaN);
      if (seconds > secondsBefore) this.#rows[step] = row;
      else if (seconds === secondsBefore && hasElements[step] === 1)
        throw this.#ambiguous(before, row, seconds);
    }
  }

  #ambiguous(first: number, second: number, seconds: number): Error {
    const [existing, other] = [first, second].map((row) => describeLabels(this.#times.labels[row] ?? {}));
    const timeMs = Math.round(seconds * 1000);
    return evaluationError(
      `found duplicate series for info metric: existing ${existing} @ ${timeMs}, new ${other} @ ${timeMs}`,
    );
  }
}
