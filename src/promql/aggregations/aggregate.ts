import type { Annotations } from '../annotations.ts';
import type { Steps } from '../evaluation/pacing.ts';
import type { VectorTable } from '../evaluation/vector-table.ts';
import { unwrap, type Aggregation } from '../syntax/ast.ts';
import { countValues } from './count-values.ts';
import { groupRows } from './grouped-rows.ts';
import { quantiles } from './quantiles.ts';
import { extremeRows, firstRows, ratioOfRows } from './selections.ts';
import { countSamples, deviations, extremes, markGroups } from './simple-folds.ts';
import { means, sums } from './sums.ts';

/** What an aggregation works with besides its vector. */
export interface AggregationInput {
  readonly table: VectorTable;
  /** The scalar parameter, one value a step; empty for aggregations without one. */
  readonly parameter: Float64Array;
  readonly annotations: Annotations;
}

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
    case 'sum':
      return yield* sums(grouped, options);
    case 'avg':
      return yield* means(grouped, options);
    case 'count':
      return yield* countSamples(grouped);
    case 'group':
      return yield* markGroups(grouped);
    case 'min':
    case 'max':
      return yield* extremes(operator, grouped, options);
    case 'stddev':
    case 'stdvar':
      return yield* deviations(operator, grouped, options);
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
  }
}

function labelOf({ parameter }: Aggregation): string {
  const literal = parameter && unwrap(parameter);
  return literal?.kind === 'string' ? literal.value : '';
}
