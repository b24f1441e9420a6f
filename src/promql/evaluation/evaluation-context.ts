import type { Annotations } from '../annotations.ts';
import type { QueryGuard } from './query-guard.ts';
import type { SelectedData } from './selection-plan.ts';
import type { Expression, Subquery } from '../syntax/ast.ts';
import type { Steps } from './pacing.ts';
import type { StepGrid, VectorTable } from './vector-table.ts';

/** What one evaluation of one query has at hand. */
export interface EvaluationContext {
  readonly data: SelectedData;
  /** The steps of the whole query: `@ start()` and `@ end()` mean its ends. */
  readonly query: StepGrid;
  readonly lookbackMs: number;
  /** The resolution of subqueries that name none. */
  readonly subqueryStepMs: number;
  readonly annotations: Annotations;
  readonly guard: QueryGuard;
  /** Whether what samples say of when they began counting is made use of. */
  readonly usesStarts: boolean;
  /** Whether it is the label `__type__` that says what a counter is, and not the metric's name. */
  readonly usesTypes: boolean;
}

/** The grid an expression is evaluated on, and how its parts are evaluated on the same grid. */
export interface Frame {
  readonly grid: StepGrid;
  readonly context: EvaluationContext;
  vector(expression: Expression): Steps<VectorTable>;
  /** One value a step. */
  scalar(expression: Expression): Steps<Float64Array>;
  /** The instant vector of a subquery on the subquery's own grid. */
  subquery(subquery: Subquery): Steps<{ readonly table: VectorTable; readonly grid: StepGrid }>;
}
