import type { Annotations } from '../annotations.ts';
import type { EvaluationContext } from '../evaluation/evaluation-context.ts';
import type { Steps } from '../evaluation/pacing.ts';
import type { VectorTable } from '../evaluation/vector-table.ts';
import { unwrap, type Aggregation } from '../syntax/ast.ts';
import { countValues } from './count-values.ts';
import { Folding, type FoldOptions, type GroupFold } from './fold.ts';
import { groupRows } from './grouped-rows.ts';
import { Means } from './means.ts';
import { quantiles } from './quantiles.ts';
import { extremeRows, firstRows, ratioOfRows } from './selections.ts';
import { Counts, Deviations, Extremes, Marks } from './simple-folds.ts';
import { Sums } from './sums.ts';

/** What an aggregation works with besides its vector. */
export interface AggregationInput {
  readonly table: VectorTable;
  /** The scalar parameter, one value a step; empty for aggregations without one. */
  readonly parameter: Float64Array;
  readonly annotations: Annotations;
}

/** The aggregations that take their input row by row; null for those that need all of it. */
export function foldingOf(
  aggregation: Aggregation,
  stepCount: number,
  { annotations, guard }: Pick<EvaluationContext, 'annotations' | 'guard'>,
): Folding | null {
  const { operator, expression } = aggregation;
  const fold = foldOf(operator, stepCount, { annotations, position: unwrap(expression).position });
  return fold && new Folding(aggregation, fold, guard);
}

function foldOf(
  operator: Aggregation['operator'],
  stepCount: number,
  options: FoldOptions,
): GroupFold | null {
  switch (operator) {
    case 'sum':
      return new Sums(stepCount, options);
    case 'avg':
      return new Means(stepCount, options);
    case 'count':
      return new Counts(stepCount);
    case 'group':
      return new Marks(stepCount);
    case 'min':
    case 'max':
      return new Extremes(operator, stepCount, options);
    case 'stddev':
    case 'stdvar':
      return new Deviations(operator, stepCount, options);
    case 'quantile':
    case 'topk':
    case 'bottomk':
    case 'limitk':
    case 'limit_ratio':
    case 'count_values':
      return null;
  }
}

/** The aggregations that need their whole input. */
export function* aggregate(aggregation: Aggregation, input: AggregationInput): Steps<VectorTable> {
  const { operator, expression, parameter } = aggregation;
  if (operator === 'count_values') {
    return yield* countValues(labelOf(aggregation), input.table, aggregation);
  }
  const grouped = yield* groupRows(input.table, aggregation);
  const { position } = unwrap(expression);
  const options = { annotations: input.annotations, position };
  const parameterPosition = unwrap(parameter ?? expression).position;
  switch (operator) {
    case 'quantile':
      return yield* quantiles(input.parameter, grouped, { ...options, parameterPosition });
    case 'topk':
    case 'bottomk':
      return yield* extremeRows(operator, input.parameter, grouped, {
        ...options,
        position: aggregation.position,
      });
    case 'limitk':
      return yield* firstRows(input.parameter, grouped);
    case 'limit_ratio':
      return yield* ratioOfRows(input.parameter, grouped, { ...options, parameterPosition });
    case 'sum':
    case 'avg':
    case 'count':
    case 'group':
    case 'min':
    case 'max':
    case 'stddev':
    case 'stdvar':
      throw new Error(`${operator} takes its input row by row`);
  }
}

function labelOf({ parameter }: Aggregation): string {
  const literal = parameter && unwrap(parameter);
  return literal?.kind === 'string' ? literal.value : '';
}
