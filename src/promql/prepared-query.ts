import { OmoiError, type Clock, type Matcher, type Queryable } from '#telemetry';
import { Annotations } from './annotations.ts';
import { comparisonOf, type Comparison } from './comparison.ts';
import { hasDurationExpressions, withDurations } from './evaluation/durations.ts';
import type { EvaluationContext } from './evaluation/evaluation-context.ts';
import { evaluate, evaluateSubquery } from './evaluation/evaluator.ts';
import { runAtOnce, runInSlices, runWithin, type Steps, type Work } from './evaluation/pacing.ts';
import { QueryGuard, type QueryLimits, type SampleStatistics } from './evaluation/query-guard.ts';
import { seriesOfExtendedRuns } from './evaluation/extended-results.ts';
import { dropNames, elementsOf, seriesOf, seriesOfRuns } from './evaluation/results.ts';
import {
  fetchSelections,
  planSelections,
  resolveAt,
  type FetchOptions,
} from './evaluation/selection-plan.ts';
import { runsOf } from './evaluation/selectors.ts';
import { SelectionMoved } from './evaluation/series-readers.ts';
import type { StepGrid } from './evaluation/vector-table.ts';
import { evaluationError } from './evaluation/query-error.ts';
import type { QueryResult } from './query-result.ts';
import { sharesLabel } from './shared-labels.ts';
import { unwrap, type Expression, type ValueType } from './syntax/ast.ts';
import { childrenOf } from './syntax/children.ts';
import { typeOf } from './syntax/checker.ts';

export interface QuerySelector {
  readonly matchers: readonly Matcher[];
  /** 0 for an instant selector, whose reach is the engine's lookback. */
  readonly rangeMs: number;
  readonly offsetMs: number;
}

export interface RangeOptions {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly signal?: AbortSignal;
  readonly onStatistics?: StatisticsListener;
}

/** Told what a query had to do, when it is through. */
export type StatisticsListener = (statistics: SampleStatistics) => void;

export interface EvaluationSettings {
  readonly lookbackMs: number;
  readonly subqueryStepMs: number;
  readonly limits: QueryLimits;
  readonly clock: Clock;
  readonly usesStarts: boolean;
  readonly usesTypes: boolean;
}

/** Work on a query: it yields where others may have a turn (undefined), and what it has to wait for. */
export type QueryWork = Work<QueryResult>;

interface WorkOptions {
  /** With the durations that it has over the grid. */
  readonly expression: Expression;
  readonly grid: StepGrid;
  readonly guard: QueryGuard;
  /** Whether the store may pause, too. */
  readonly mayPause: boolean;
}

/** A query that has been parsed and checked, to be evaluated any number of times. */
export class PreparedQuery {
  readonly text: string;
  readonly expression: Expression;
  readonly type: ValueType;
  readonly comparison: Comparison | null;
  readonly #settings: EvaluationSettings;
  /** Whether its durations are known only for a query's step and range. */
  readonly #hasDurationExpressions: boolean;
  #reachMs: number | null = null;
  #selectors: readonly QuerySelector[] | null = null;
  #sharesLabel: ((name: string) => boolean) | null = null;

  constructor(text: string, expression: Expression, settings: EvaluationSettings) {
    this.text = text;
    this.expression = expression;
    this.type = typeOf(expression);
    this.comparison = comparisonOf(expression);
    this.#settings = settings;
    this.#hasDurationExpressions = hasDurationExpressions(expression);
  }

  /** As it is evaluated over a grid. @throws OmoiError `query_failed` for arithmetic that comes to no duration */
  #expressionFor(grid: StepGrid): Expression {
    return this.#hasDurationExpressions ? withDurations(this.expression, grid) : this.expression;
  }

  /** As it is evaluated at one time; as it is written where that fails. */
  get #instantExpression(): Expression {
    try {
      return this.#expressionFor(ONE_TIME);
    } catch (thrown) {
      if (thrown instanceof OmoiError) return this.expression;
      throw thrown;
    }
  }

  /** All selectors of the query: whose new samples can change its result. */
  get selectors(): readonly QuerySelector[] {
    this.#selectors ??= [...selectorsOf(this.#instantExpression)];
    return this.#selectors;
  }

  /** Whether each element of the result has that label in common with all series that it rests on. */
  sharesLabel(name: string): boolean {
    this.#sharesLabel ??= sharesLabel(this.expression);
    return this.#sharesLabel(name);
  }

  /** How far back an evaluation looks, in ms; beyond all measure where an `@` fixes a time. */
  get reachMs(): number {
    this.#reachMs ??= reachOf(this.#instantExpression, this.#settings.lookbackMs);
    return this.#reachMs;
  }

  /**
   * The result at one time. A promise only where the store answers with one; then, too, the evaluation itself runs
   * in one go. For queries of unknown size there are `instantWork` and `instantInSlices`.
   * @throws OmoiError `query_failed`, `query_limit`, `query_timeout`
   */
  instant(
    queryable: Queryable,
    timeMs: number,
    options: { readonly signal?: AbortSignal } = {},
  ): QueryResult | Promise<QueryResult> {
    return runAtOnce(this.#instantWork(queryable, timeMs, { guard: this.#guard(options.signal) }));
  }

  /**
   * As `instant`, as work that its caller paces: rules do what is small in the call, and what is large within their
   * budget. Samples of series that it has not come to yet may be newer than those it has read.
   */
  instantWork(queryable: Queryable, timeMs: number): QueryWork {
    return this.#instantWork(queryable, timeMs, { guard: this.#guard(undefined) });
  }

  /** As `instant`, with turns of the event loop every few milliseconds. */
  async instantInSlices(
    queryable: Queryable,
    timeMs: number,
    options: { readonly signal?: AbortSignal; readonly onStatistics?: StatisticsListener } = {},
  ): Promise<QueryResult> {
    const guard = this.#guard(options.signal);
    const work = this.#instantWork(queryable, timeMs, { guard, mayPause: true });
    const result = await runInSlices(work, guard);
    options.onStatistics?.(guard.statistics);
    return result;
  }

  /**
   * The result at every step of a range, as a matrix, with turns of the event loop every few milliseconds.
   * @throws OmoiError `query_failed` for a range without steps, an expression that is neither a scalar nor an
   * instant vector, and what the data does not allow; `query_limit`, `query_timeout`
   */
  async range(queryable: Queryable, options: RangeOptions): Promise<QueryResult> {
    const grid = gridOf(options);
    if (this.type !== 'scalar' && this.type !== 'vector') {
      throw evaluationError(
        `invalid expression type "${this.type === 'matrix' ? 'range vector' : 'string'}" for range query, must be Scalar or instant Vector`,
      );
    }
    const guard = this.#guard(options.signal);
    const expression = this.#expressionFor(grid);
    const work = this.#work(queryable, { expression, grid, guard, mayPause: true }, (context) =>
      this.#evaluateRange(expression, context),
    );
    const result = await runInSlices(work, guard);
    options.onStatistics?.(guard.statistics);
    return result;
  }

  #instantWork(
    queryable: Queryable,
    timeMs: number,
    { guard, mayPause = false }: { readonly guard: QueryGuard; readonly mayPause?: boolean },
  ): QueryWork {
    const grid = { startMs: timeMs, endMs: timeMs, stepMs: 1, stepCount: 1 };
    const expression = this.#expressionFor(grid);
    return this.#work(queryable, { expression, grid, guard, mayPause }, (context) =>
      this.#evaluateInstant(expression, context),
    );
  }

  /** Begins anew, with all samples read at once, where samples have moved before it was their turn to be read. */
  *#work(
    queryable: Queryable,
    options: WorkOptions,
    evaluation: (context: EvaluationContext) => Steps<QueryResult>,
  ): QueryWork {
    const { guard } = options;
    try {
      const context = yield* this.#fetch(queryable, options, 'one_at_a_time');
      return yield* runWithin(evaluation(context), guard);
    } catch (thrown) {
      if (!(thrown instanceof SelectionMoved)) throw thrown;
      guard.startOver();
      const context = yield* this.#fetch(queryable, options, 'all_at_once');
      return yield* runWithin(evaluation(context), guard);
    }
  }

  *#fetch(
    queryable: Queryable,
    { expression, grid, guard, mayPause }: WorkOptions,
    reads: FetchOptions['reads'],
  ): Work<EvaluationContext> {
    const { lookbackMs, subqueryStepMs, usesStarts, usesTypes } = this.#settings;
    const planned = planSelections(expression, grid, lookbackMs);
    const data = yield* fetchSelections(queryable, planned, { guard, mayPause, reads });
    const annotations = new Annotations();
    const settings = { lookbackMs, subqueryStepMs, usesStarts, usesTypes };
    return { data, query: grid, annotations, guard, ...settings };
  }

  #guard(signal: AbortSignal | undefined): QueryGuard {
    return new QueryGuard(this.#settings.limits, this.#settings.clock, signal);
  }

  *#evaluateInstant(written: Expression, context: EvaluationContext): Steps<QueryResult> {
    const { query } = context;
    const timestampMs = query.startMs;
    const expression = unwrap(written);
    if (expression.kind === 'matrix_selector') {
      const { selector, rangeMs } = expression;
      const endMs = (selector.at ? resolveAt(selector.at, query) : timestampMs) - selector.offsetMs;
      const interval = { startMs: endMs - rangeMs, endMs };
      const runs = runsOf(selector, context);
      const { boundary } = selector;
      const series = boundary
        ? yield* seriesOfExtendedRuns(runs, { ...interval, boundary }, context)
        : yield* seriesOfRuns(runs, interval, context.guard);
      return { kind: 'matrix', series, ...this.#noticed(context) };
    }
    if (expression.kind === 'subquery') {
      const { table, grid } = yield* evaluateSubquery(expression, query, context);
      return {
        kind: 'matrix',
        series: yield* seriesOf(yield* dropNames(table), grid),
        ...this.#noticed(context),
      };
    }
    const value = yield* evaluate(expression, query, context);
    switch (value.type) {
      case 'scalar':
        return {
          kind: 'scalar',
          value: value.values[0] ?? NaN,
          timestampMs,
          ...this.#noticed(context),
        };
      case 'string':
        return { kind: 'string', value: value.value.toWellFormed(), timestampMs, ...this.#noticed(context) };
      case 'vector': {
        const elements = yield* elementsOf(yield* dropNames(value.table), timestampMs);
        return { kind: 'vector', elements, ...this.#noticed(context) };
      }
    }
  }

  *#evaluateRange(expression: Expression, context: EvaluationContext): Steps<QueryResult> {
    const { query } = context;
    const value = yield* evaluate(expression, query, context);
    if (value.type === 'string') throw new Error('a string has no range');
    if (value.type === 'scalar') {
      const timestampsMs = value.values.map((_, step) => query.startMs + step * query.stepMs);
      const series = [{ labels: {}, timestampsMs, values: value.values }];
      return { kind: 'matrix', series, ...this.#noticed(context) };
    }
    const series = yield* seriesOf(yield* dropNames(value.table), query);
    return { kind: 'matrix', series, ...this.#noticed(context) };
  }

  #noticed({ annotations }: EvaluationContext): Pick<QueryResult, 'warnings' | 'infos'> {
    return { warnings: annotations.warnings(this.text), infos: annotations.infos(this.text) };
  }
}

const ONE_TIME: StepGrid = { startMs: 0, endMs: 0, stepMs: 1, stepCount: 1 };

/** Later than any time that an `@` names. */
const FAR_OFF_MS = 8.64e15;

function reachOf(expression: Expression, lookbackMs: number): number {
  const grid = { startMs: FAR_OFF_MS, endMs: FAR_OFF_MS, stepMs: 1, stepCount: 1 };
  const planned = planSelections(expression, grid, lookbackMs);
  return planned.reduce((reachMs, { startMs }) => Math.max(reachMs, FAR_OFF_MS - startMs), 0);
}

function gridOf({ startMs, endMs, stepMs }: RangeOptions): StepGrid {
  if (!(stepMs > 0)) throw evaluationError('the step of a range must be greater than 0');
  if (!(endMs >= startMs)) throw evaluationError('the end of a range must not be before its start');
  const stepCount = Math.floor((endMs - startMs) / stepMs) + 1;
  return { startMs, endMs, stepMs, stepCount };
}

/** In a loop: each level of a deep expression would pass on what all below it found. */
function* selectorsOf(root: Expression): Generator<QuerySelector, void, void> {
  const pending = [root];
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (node.kind === 'vector_selector') {
      yield { matchers: node.matchers, rangeMs: 0, offsetMs: node.offsetMs };
    } else if (node.kind === 'matrix_selector') {
      const { matchers, offsetMs } = node.selector;
      yield { matchers, rangeMs: node.rangeMs, offsetMs };
    } else pending.push(...childrenOf(node).toReversed());
  }
}
