import { labelValue, type Labels } from '#telemetry';
import { isComparison, type VectorMatching } from '../syntax/ast.ts';
import type { ElementOperator } from './element-operation.ts';
import { dropLabels, keepLabels, METADATA, withoutMetricName } from './label-sets.ts';

const NOTHING: ReadonlySet<string> = new Set();

/** The labels of an operation's results: those of the "many" side, less or more what the matching says. */
export class ResultLabels {
  readonly #matching: VectorMatching;
  /** Whether the result no longer is the metric. */
  readonly #dropsName: boolean;
  /** What `on (…)` leaves of a pair. */
  readonly #kept: readonly string[];
  /** What the result does not have from the "many" side. */
  readonly #dropped: ReadonlySet<string>;

  constructor(matching: VectorMatching, operator: ElementOperator) {
    const { cardinality, labels: names, include } = matching;
    this.#matching = matching;
    this.#dropsName = !isComparison(operator) && operator !== '</' && operator !== '>/';
    const metadata = this.#dropsName ? METADATA : NOTHING;
    this.#kept = names.filter((name) => !metadata.has(name));
    this.#dropped = new Set([...metadata, ...(cardinality === 'one-to-one' ? names : include)]);
  }

  of(many: Labels, one: Labels): Labels {
    const { cardinality, on, labels: names, include } = this.#matching;
    const isOneToOne = cardinality === 'one-to-one';
    if (isOneToOne && on) return keepLabels(many, this.#kept);
    if ((isOneToOne ? names : include).length === 0) return this.#dropsName ? withoutMetricName(many) : many;
    const labels = dropLabels(many, this.#dropped);
    if (isOneToOne) return labels;
    for (const name of include) {
      const value = labelValue(one, name);
      if (value) labels[name] = value;
    }
    return labels;
  }
}
