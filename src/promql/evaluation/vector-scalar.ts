import { isComparison } from '../syntax/ast.ts';
import { byRows, type Steps } from './pacing.ts';
import type { ElementOperation, Operand } from './element-operation.ts';
import { ABSENT, FLOAT, HISTOGRAM, type VectorTable } from './vector-table.ts';

/**
 * A binary operator between every sample of a vector and a scalar, in place. A comparison keeps the vector's
 * sample whichever side it stands on.
 */
export function* combineWithScalar(
  table: VectorTable,
  scalar: Float64Array,
  operation: ElementOperation,
  vectorSide: 'left' | 'right',
): Steps<void> {
  const { stepCount, kinds, values } = table;
  const vectorOperand: Operand = { value: 0, histogram: null };
  const scalarOperand: Operand = { value: 0, histogram: null };
  const [left, right] =
    vectorSide === 'left' ? [vectorOperand, scalarOperand] : [scalarOperand, vectorOperand];
  const filters = isComparison(operation.operator) && !operation.returnBool;
  yield* byRows(table, (row) => {
    for (let step = 0; step < stepCount; step++) {
      const cell = row * stepCount + step;
      const kind = kinds[cell];
      if (kind === ABSENT) continue;
      vectorOperand.value = values[cell] ?? NaN;
      vectorOperand.histogram = kind === HISTOGRAM ? table.histogramAt(cell) : null;
      scalarOperand.value = scalar[step] ?? NaN;
      const result = operation.apply(left, right);
      operation.takeNote(step, row);
      if (result === ABSENT || !operation.keeps) kinds[cell] = ABSENT;
      else if (filters) continue;
      else if (operation.histogram) table.setHistogram(cell, operation.histogram);
      else {
        values[cell] = operation.value;
        kinds[cell] = FLOAT;
      }
    }
    if (!filters && operation.operator !== '</' && operation.operator !== '>/') table.dropsName[row] = true;
  });
  operation.tellNotes();
}
