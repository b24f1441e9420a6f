import type { HistogramValue } from '#telemetry';
import type { Annotations } from '../annotations.ts';
import { addHistograms, subtractHistograms, type CombinedHistogram } from '../histograms/arithmetic.ts';
import { equalHistograms } from '../histograms/equality.ts';
import { divideHistogram, multiplyHistogram } from '../histograms/scaling.ts';
import { trimHistogram } from '../histograms/trimming.ts';
import { isComparison, type BinaryOperator, type SetOperator } from '../syntax/ast.ts';
import type { Position } from '../syntax/position.ts';
import { calculate, compare } from './arithmetic.ts';
import { ABSENT, FLOAT, HISTOGRAM, type SampleKind } from './vector-table.ts';

export type ElementOperator = Exclude<BinaryOperator, SetOperator>;

/** What one side of an operation is: a float where `histogram` is null. */
export interface Operand {
  value: number;
  histogram: HistogramValue | null;
}

/**
 * A binary operator on two samples. The result is left in `value`, `histogram` and `keeps`, so that nothing is
 * allocated for a pair of floats.
 */
export class ElementOperation {
  readonly operator: ElementOperator;
  readonly returnBool: boolean;
  readonly #annotations: Annotations;
  readonly #position: Position;
  value = 0;
  histogram: HistogramValue | null = null;
  /** False where a comparison filters the sample out. Without meaning where `apply` answers ABSENT. */
  keeps = true;

  constructor(options: {
    readonly operator: ElementOperator;
    readonly returnBool: boolean;
    readonly annotations: Annotations;
    readonly position: Position;
  }) {
    this.operator = options.operator;
    this.returnBool = options.returnBool;
    this.#annotations = options.annotations;
    this.#position = options.position;
  }

  /** The kind of the result; ABSENT where the operator does not take such samples, which is annotated. */
  apply(left: Operand, right: Operand): SampleKind {
    const kind = this.#combine(left, right);
    if (kind === ABSENT || !this.returnBool) return kind;
    this.value = this.keeps ? 1 : 0;
    this.histogram = null;
    this.keeps = true;
    return FLOAT;
  }

  #combine(left: Operand, right: Operand): SampleKind {
    this.keeps = true;
    this.histogram = null;
    if (left.histogram && right.histogram) return this.#onHistograms(left.histogram, right.histogram);
    if (left.histogram) return this.#onHistogramAndFloat(left.histogram, right.value);
    if (right.histogram) return this.#onFloatAndHistogram(left.value, right.histogram);
    const { operator } = this;
    if (operator === '</' || operator === '>/') return this.#refuse('float', 'float');
    if (isComparison(operator)) {
      this.value = left.value;
      this.keeps = compare(operator, left.value, right.value);
    } else {
      this.value = calculate(operator, left.value, right.value);
    }
    return FLOAT;
  }

  #onHistograms(left: HistogramValue, right: HistogramValue): SampleKind {
    const { operator } = this;
    if (operator === '+') return this.#finish(addHistograms(left, right), 'addition');
    if (operator === '-') return this.#finish(subtractHistograms(left, right), 'subtraction');
    if (operator !== '==' && operator !== '!=') return this.#refuse('histogram', 'histogram');
    this.histogram = left;
    this.keeps = equalHistograms(left, right) === (operator === '==');
    return HISTOGRAM;
  }

  #finish(combined: CombinedHistogram | null, operation: 'addition' | 'subtraction'): SampleKind {
    if (!combined) {
      this.#annotations.incompatibleBucketLayout(this.operator, this.#position);
      return ABSENT;
    }
    if (combined.counterResetCollision) {
      this.#annotations.counterResetCollision(operation, this.#position);
    } else if (combined.boundsReconciled) {
      this.#annotations.customBucketsReconciled(operation, this.#position);
    }
    this.histogram =
      operation === 'addition' ? combined.histogram : { ...combined.histogram, counterReset: 'gauge' };
    return HISTOGRAM;
  }

  #onHistogramAndFloat(left: HistogramValue, right: number): SampleKind {
    const { operator } = this;
    if (operator === '*') this.histogram = multiplyHistogram(left, right);
    else if (operator === '/') this.histogram = divideHistogram(left, right);
    else if (operator === '</') this.histogram = trimHistogram(left, right, 'above');
    else if (operator === '>/') this.histogram = trimHistogram(left, right, 'below');
    else return this.#refuse('histogram', 'float');
    return HISTOGRAM;
  }

  #onFloatAndHistogram(left: number, right: HistogramValue): SampleKind {
    if (this.operator !== '*') return this.#refuse('float', 'histogram');
    this.histogram = multiplyHistogram(right, left);
    return HISTOGRAM;
  }

  #refuse(left: string, right: string): SampleKind {
    this.#annotations.incompatibleTypes(left, this.operator, right, this.#position);
    return ABSENT;
  }
}
