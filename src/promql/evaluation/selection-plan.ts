import { type LatestSamples, type Queryable, type Selection } from '#telemetry';
import {
  chainOf,
  type BinaryExpression,
  type AtModifier,
  type Boundary,
  type Expression,
  type VectorSelector,
} from '../syntax/ast.ts';
import { childrenOf } from '../syntax/children.ts';
import type { Work } from './pacing.ts';
import type { QueryGuard } from './query-guard.ts';
import type { WindowMargin } from './range-window.ts';
import { ReaderOfAll, ReaderOfOne, type SelectedSeriesReader } from './series-readers.ts';
import { endOf, type StepGrid } from './vector-table.ts';

/** What a selector needs from the store: samples in [startMs, endMs]. */
export interface PlannedSelection {
  readonly selector: VectorSelector;
  readonly startMs: number;
  readonly endMs: number;
  readonly latestOnly: boolean;
  /** Only counts and sums of native histograms are needed; counter resets are detected while reading. */
  readonly statisticsOnly: boolean;
}

/** The series of every selector of a query, found before the evaluation begins. */
export interface SelectedData {
  readonly series: ReadonlyMap<VectorSelector, SelectedSeriesReader>;
  readonly latest: ReadonlyMap<VectorSelector, LatestSamples>;
  readonly statisticsOnly: ReadonlySet<VectorSelector>;
}

export interface FetchOptions {
  readonly guard: QueryGuard;
  readonly mayPause: boolean;
  /** Whether the samples of a series are read when it is its turn, where the store can do that. */
  readonly reads: 'one_at_a_time' | 'all_at_once';
}

/** The absolute time of an `@`, given the whole query's grid. */
export function resolveAt(at: AtModifier, query: StepGrid): number {
  switch (at.kind) {
    case 'time':
      return at.timeMs;
    case 'start':
      return query.startMs;
    case 'end':
      return query.endMs;
  }
}

/** How far around its range a selector reads: where it begins and ends at samples, these may lie as far as a lookback away. */
export function marginOf(boundary: Boundary | null, lookbackMs: number): WindowMargin {
  return {
    beforeMs: boundary === null ? 0 : lookbackMs,
    afterMs: boundary === 'smoothed' ? lookbackMs : 0,
  };
}

interface Scope {
  readonly fromMs: number;
  readonly toMs: number;
  readonly inSubquery: boolean;
  /** Only whole series say when their samples began counting. */
  readonly readsStarts: boolean;
  readonly statisticsOnly: boolean;
}

/** Works out what each selector of an expression will read when it is evaluated over a grid. */
export function planSelections(
  expression: Expression,
  query: StepGrid,
  lookbackMs: number,
): readonly PlannedSelection[] {
  const planned: PlannedSelection[] = [];
  const visit = (node: Expression, scope: Scope): void => {
    if (node.kind === 'vector_selector') {
      planned.push(
        plan(node, { beforeMs: lookbackMs, afterMs: marginOf(node.boundary, lookbackMs).afterMs }, scope),
      );
    } else if (node.kind === 'matrix_selector') {
      const { beforeMs, afterMs } = marginOf(node.selector.boundary, lookbackMs);
      const reach = { beforeMs: node.rangeMs + beforeMs, afterMs };
      planned.push({ ...plan(node.selector, reach, scope), latestOnly: false });
    } else if (node.kind === 'subquery') {
      const at = node.at && resolveAt(node.at, query);
      const fromMs = (at ?? scope.fromMs) - node.offsetMs - node.rangeMs;
      const toMs = (at ?? scope.toMs) - node.offsetMs;
      visit(node.expression, { ...scope, fromMs, toMs, inSubquery: true, statisticsOnly: false });
    } else if (node.kind === 'binary') visitChain(node, scope);
    else {
      const inner = {
        ...scope,
        readsStarts: scope.readsStarts || (node.kind === 'call' && node.name === 'start_timestamp'),
        statisticsOnly: statisticsBelow(node, scope.statisticsOnly),
      };
      for (const child of childrenOf(node)) visit(child, inner);
    }
  };
  const visitChain = (outermost: BinaryExpression, scope: Scope): void => {
    const { first, links } = chainOf(outermost);
    let { statisticsOnly } = scope;
    const scopes = links.toReversed().map((link) => {
      statisticsOnly = statisticsBelow(link, statisticsOnly);
      return { ...scope, statisticsOnly };
    });
    visit(first, scopes.at(-1) ?? scope);
    links.forEach(({ right }, place) => {
      visit(right, scopes[links.length - 1 - place] ?? scope);
    });
  };
  const plan = (selector: VectorSelector, reach: WindowMargin, scope: Scope): PlannedSelection => {
    const at = selector.at && resolveAt(selector.at, query);
    const fromMs = (at ?? scope.fromMs) - selector.offsetMs;
    const toMs = (at ?? scope.toMs) - selector.offsetMs;
    const { statisticsOnly } = scope;
    const needsSeries = scope.inSubquery || scope.readsStarts || statisticsOnly;
    return {
      selector,
      startMs: fromMs - reach.beforeMs,
      endMs: toMs + reach.afterMs,
      latestOnly: fromMs === toMs && reach.afterMs === 0 && !needsSeries,
      statisticsOnly,
    };
  };
  visit(expression, {
    fromMs: query.startMs,
    toMs: endOf(query),
    inSubquery: false,
    readsStarts: false,
    statisticsOnly: false,
  });
  return planned;
}

const NEEDS_STATISTICS: ReadonlySet<string> = new Set(['histogram_count', 'histogram_sum', 'histogram_avg']);
const NEEDS_BUCKETS: ReadonlySet<string> = new Set([
  'histogram_quantile',
  'histogram_quantiles',
  'histogram_fraction',
]);

/** Whether selectors below a node may leave buckets out, given what is known above it. */
function statisticsBelow(node: Expression, above: boolean): boolean {
  if (node.kind === 'call' && NEEDS_STATISTICS.has(node.name)) return true;
  if (node.kind === 'call' && NEEDS_BUCKETS.has(node.name)) return false;
  if (node.kind === 'binary' && (node.operator === '</' || node.operator === '>/')) return false;
  return above;
}

/**
 * Finds the series of all planned selections, one after the other, with a pause between any two: all at once, each would
 * take its slice of one and the same turn of the event loop, and there may be thousands that cost little each.
 */
export function* fetchSelections(
  queryable: Queryable,
  planned: readonly PlannedSelection[],
  options: FetchOptions,
): Work<SelectedData> {
  const { guard } = options;
  const data = {
    series: new Map<VectorSelector, SelectedSeriesReader>(),
    latest: new Map<VectorSelector, LatestSamples>(),
    statisticsOnly: new Set(planned.filter((plan) => plan.statisticsOnly).map(({ selector }) => selector)),
  };
  let isFirst = true;
  for (const plan of planned) {
    if (!isFirst) {
      guard.check();
      yield undefined;
    }
    isFirst = false;
    const wait = fetchOne(queryable, plan, { ...options, data });
    if (wait) yield wait;
  }
  return data;
}

interface FetchInto extends FetchOptions {
  readonly data: {
    readonly series: Map<VectorSelector, SelectedSeriesReader>;
    readonly latest: Map<VectorSelector, LatestSamples>;
    readonly statisticsOnly: ReadonlySet<VectorSelector>;
  };
}

/** @returns what is to be waited for; undefined where the store has answered */
function fetchOne(
  queryable: Queryable,
  plan: PlannedSelection,
  { guard, mayPause, reads, data }: FetchInto,
): Promise<void> | undefined {
  const selection = selectionOf(plan, guard, mayPause);
  if (plan.latestOnly && queryable.selectLatest) {
    const keep = (samples: LatestSamples): void => {
      guard.holdSeries(samples.labels.length);
      guard.hold(samples.labels.length);
      data.latest.set(plan.selector, samples);
    };
    const answer = queryable.selectLatest(selection);
    if (answer instanceof Promise) return answer.then(keep);
    keep(answer);
    return undefined;
  }
  const keep = (reader: SelectedSeriesReader): void => {
    guard.holdSeries(reader.seriesCount);
    data.series.set(plan.selector, reader);
  };
  const answer =
    reads === 'one_at_a_time' && queryable.open
      ? eventually(queryable.open(selection), (reader) => new ReaderOfOne(reader, guard))
      : eventually(queryable.select(selection), (selected) => new ReaderOfAll(selected, guard));
  if (answer instanceof Promise) return answer.then(keep);
  keep(answer);
  return undefined;
}

function eventually<Given, Result>(
  given: Given | Promise<Given>,
  then: (given: Given) => Result,
): Result | Promise<Result> {
  return given instanceof Promise ? given.then(then) : then(given);
}

function selectionOf(plan: PlannedSelection, guard: QueryGuard, mayPause: boolean): Selection {
  return {
    matchers: plan.selector.matchers,
    startMs: plan.startMs,
    endMs: plan.endMs,
    maxSamples: guard.samplesLeft,
    maxSeries: guard.limits.maxSeries,
    mayPause,
    ...(mayPause && { afterPause: () => guard.check() }),
    ...(plan.latestOnly ? { latestOnly: true } : {}),
  };
}
