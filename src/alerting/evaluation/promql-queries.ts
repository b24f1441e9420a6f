import type { TemplateSample } from '#gotemplate';
import { type Engine, formatExpression, type PreparedQuery, type QueryResult } from '#promql';
import { OmoiError, type Queryable } from '#telemetry';
import type { RuleQueries } from '../alerting.ts';
import { dataExpressions } from './data-expressions.ts';
import type { RuleQuery, VectorElement } from './rule-query.ts';
import type { SlicedWork } from './sliced-work.ts';

/** Rules' expressions, evaluated by the PromQL engine. */
export function promqlQueries(engine: Engine, source: Queryable): RuleQueries {
  return {
    features: engine.features,
    prepare: (expr) => prepareRule(engine, source, expr),
    queryNow: (expr, timeMs) => queryNow(engine, source, expr, timeMs),
  };
}

/** @throws OmoiError `query_invalid`, also for an expression that no rule can have */
export function prepareForRule(engine: Engine, expr: string): PreparedQuery {
  const query = engine.prepare(expr);
  if (query.type === 'vector' || query.type === 'scalar') return query;
  throw new OmoiError('query_invalid', `a rule needs an instant vector or a scalar, not a ${query.type}`);
}

function prepareRule(engine: Engine, source: Queryable, expr: string): RuleQuery {
  const query = prepareForRule(engine, expr);
  let selectors: RuleQuery['selectors'] | undefined;
  let data: readonly PreparedQuery[] | null | undefined;
  return {
    get selectors() {
      selectors ??= query.selectors.map(({ matchers }) => matchers);
      return selectors;
    },
    metricName: query.comparison?.metricName ?? null,
    threshold: query.comparison?.threshold ?? null,
    comparison: query.comparison?.operator ?? null,
    get reachMs() {
      return query.reachMs;
    },
    sharesLabel: (name) => query.sharesLabel(name),
    evaluate: (timeMs) => elementsAt(query, source, timeMs),
    *evaluateData(timeMs) {
      // Few rules ever lose an element: their other queries are prepared when the first does.
      if (data === undefined) data = yield* prepareData(engine, query);
      if (data === null) return null;
      const elements: VectorElement[] = [];
      for (const part of data) {
        for (const element of yield* elementsAt(part, source, timeMs)) elements.push(element);
      }
      return elements;
    },
  };
}

/** One for each side of `or`, of which there may be thousands. */
function* prepareData(engine: Engine, query: PreparedQuery): SlicedWork<readonly PreparedQuery[] | null> {
  const expressions = dataExpressions(query.expression);
  if (expressions === null) return null;
  const prepared: PreparedQuery[] = [];
  for (const expression of expressions) {
    prepared.push(engine.prepare(formatExpression(expression)));
    yield;
  }
  return prepared;
}

function* elementsAt(
  query: PreparedQuery,
  source: Queryable,
  timeMs: number,
): SlicedWork<readonly VectorElement[]> {
  return elementsOf(yield* query.instantWork(source, timeMs));
}

function elementsOf(result: QueryResult): readonly VectorElement[] {
  switch (result.kind) {
    case 'vector':
      return result.elements.some(({ histogram }) => histogram !== undefined)
        ? result.elements.map((element) =>
            element.histogram ? { labels: element.labels, value: 0, histogram: element.histogram } : element,
          )
        : result.elements;
    case 'scalar':
      return [{ labels: {}, value: result.value }];
    case 'matrix':
      return result.series.map(({ labels, values }) => ({ labels, value: values.at(-1) ?? 0 }));
    case 'string':
      return [];
  }
}

function queryNow(
  engine: Engine,
  source: Queryable,
  expr: string,
  timeMs: number,
): readonly TemplateSample[] {
  const result = engine.prepare(expr).instant(source, timeMs);
  if (result instanceof Promise) {
    // Nobody waits for it any more.
    result.catch(() => undefined);
    throw new Error('query works only on samples in memory');
  }
  return elementsOf(result).map(({ labels, value }) => ({ labels, value }));
}
