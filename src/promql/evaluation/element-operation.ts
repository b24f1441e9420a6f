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

type Note = (annotations: Annotations, position: Position) => void;

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
  /** By step, what the last element that was worth a remark was worth. */
  readonly #notes = new Map<number, { readonly row: number; readonly note: Note }>();
  #note: Note | null = null;
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

  /**
   * Keeps what the last `apply` had to remark. Of a step only the remark about the last row is told, as in
   * Prometheus.
   */
  takeNote(step: number, row: number): void {
    const note = this.#note;
    if (!note) return;
    this.#note = null;
    if ((this.#notes.get(step)?.row ?? -1) <= row) this.#notes.set(step, { row, note });
  }

  /** Annotates what was kept. */
  tellNotes(): void {
    for (const { note } of this.#notes.values()) note(this.#annotations, this.#position);
    this.#notes.clear();
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
      this.#note = (annotations, position) => {
        annotations.incompatibleBucketLayout(this.operator, position);
      };
      return ABSENT;
    }
    if (combined.counterResetCollision) {
      this.#note = (annotations, position) => {
        annotations.counterResetCollision(operation, position);
      };
      return ABSENT;
    }
    if (combined.boundsReconciled) {
      this.#note = (annotations, position) => {
        annotations.customBucketsReconciled(operation, position);
      };
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
    this.#note = (annotations, position) => {
      annotations.incompatibleTypes(left, this.operator, right, position);
    };
    return ABSENT;
  }
}
