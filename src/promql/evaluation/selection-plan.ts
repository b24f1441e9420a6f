import type { LatestSamples, Queryable, SelectedSeries, Selection } from '../queryable.ts';
import { childrenOf, type AtModifier, type Expression, type VectorSelector } from '../syntax/ast.ts';
import type { QueryGuard } from './query-guard.ts';
import { endOf, type QueryGrid } from './vector-table.ts';

/** What a selector needs from the store: samples in [startMs, endMs]. */
export interface PlannedSelection {
  readonly selector: VectorSelector;
  readonly startMs: number;
  readonly endMs: number;
  readonly latestOnly: boolean;
  /** Only counts and sums of native histograms are needed; counter resets are detected while reading. */
  readonly statisticsOnly: boolean;
}

/** The series of every selector of a query, fetched before the evaluation begins. */
export interface SelectedData {
  readonly series: ReadonlyMap<VectorSelector, readonly SelectedSeries[]>;
  readonly latest: ReadonlyMap<VectorSelector, LatestSamples>;
  readonly statisticsOnly: ReadonlySet<VectorSelector>;
}

/** The absolute time of an `@`, given the whole query's grid. */
export function resolveAt(at: AtModifier, query: QueryGrid): number {
  switch (at.kind) {
    case 'time':
      return at.timeMs;
    case 'start':
      return query.startMs;
    case 'end':
      return query.endMs;
  }
}

interface Scope {
  readonly fromMs: number;
  readonly toMs: number;
  readonly inSubquery: boolean;
  readonly statisticsOnly: boolean;
}

/** Works out what each selector of an expression will read when it is evaluated over a grid. */
export function planSelections(
  expression: Expression,
  query: QueryGrid,
  lookbackMs: number,
): readonly PlannedSelection[] {
  const planned: PlannedSelection[] = [];
  const visit = (node: Expression, scope: Scope): void => {
    if (node.kind === 'vector_selector') {
      planned.push(plan(node, lookbackMs, scope));
    } else if (node.kind === 'matrix_selector') {
      planned.push({ ...plan(node.selector, node.rangeMs, scope), latestOnly: false });
    } else if (node.kind === 'subquery') {
      const at = node.at && resolveAt(node.at, query);
      const fromMs = (at ?? scope.fromMs) - node.offsetMs - node.rangeMs;
      const toMs = (at ?? scope.toMs) - node.offsetMs;
      visit(node.expression, { fromMs, toMs, inSubquery: true, statisticsOnly: false });
    } else {
      const inner = { ...scope, statisticsOnly: statisticsBelow(node, scope.statisticsOnly) };
      for (const child of childrenOf(node)) visit(child, inner);
    }
  };
  const plan = (selector: VectorSelector, reachMs: number, scope: Scope): PlannedSelection => {
    const at = selector.at && resolveAt(selector.at, query);
    const fromMs = (at ?? scope.fromMs) - selector.offsetMs;
    const toMs = (at ?? scope.toMs) - selector.offsetMs;
    const { statisticsOnly, inSubquery } = scope;
    return {
      selector,
      startMs: fromMs - reachMs,
      endMs: toMs,
      latestOnly: fromMs === toMs && !inSubquery && !statisticsOnly,
      statisticsOnly,
    };
  };
  visit(expression, {
    fromMs: query.startMs,
    toMs: endOf(query),
    inSubquery: false,
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

/** Fetches all planned selections; a promise only where the store gives one. */
export function fetchSelections(
  queryable: Queryable,
  planned: readonly PlannedSelection[],
  options: { readonly guard: QueryGuard; readonly mayPause: boolean },
): SelectedData | Promise<SelectedData> {
  const { guard, mayPause } = options;
  const series = new Map<VectorSelector, readonly SelectedSeries[]>();
  const latest = new Map<VectorSelector, LatestSamples>();
  const statisticsOnly = new Set(
    planned.filter((plan) => plan.statisticsOnly).map(({ selector }) => selector),
  );
  const data = { series, latest, statisticsOnly };
  const waits: Promise<void>[] = [];
  for (const plan of planned) {
    const selection = selectionOf(plan, guard, mayPause);
    if (plan.latestOnly && queryable.selectLatest) {
      const keep = (samples: LatestSamples): void => {
        guard.holdSeries(samples.labels.length);
        guard.hold(samples.labels.length);
        latest.set(plan.selector, samples);
      };
      const answer = queryable.selectLatest(selection);
      if (answer instanceof Promise) waits.push(answer.then(keep));
      else keep(answer);
      continue;
    }
    const keep = (selected: readonly SelectedSeries[]): void => {
      guard.holdSeries(selected.length);
      let samples = 0;
      for (const one of selected) samples += one.values.length;
      guard.hold(samples);
      series.set(plan.selector, selected);
    };
    const answer = queryable.select(selection);
    if (answer instanceof Promise) waits.push(answer.then(keep));
    else keep(answer);
  }
  return waits.length === 0 ? data : Promise.all(waits).then(() => data);
}

function selectionOf(plan: PlannedSelection, guard: QueryGuard, mayPause: boolean): Selection {
  return {
    matchers: plan.selector.matchers,
    startMs: plan.startMs,
    endMs: plan.endMs,
    maxSamples: guard.samplesLeft,
    maxSeries: guard.limits.maxSeries,
    mayPause,
    ...(plan.latestOnly ? { latestOnly: true } : {}),
  };
}
