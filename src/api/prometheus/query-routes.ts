import type { Engine, Expression, PreparedQuery, QueryResult, SampleStatistics, TreeNode } from '#promql';
import { type Clock, type Matcher, nextTurn, OmoiError, type Queryable } from '#telemetry';
import type { ApiApp } from '../http/app.ts';
import { jsonOf } from '../http/json-pieces.ts';
import { TRUNCATED, type PrometheusAnswer } from './answer.ts';
import { invalidParameter, readDuration, readingParameter, type Parameters } from './parameters.ts';
import { QueryStopwatch, statisticsWarnings, withStatistics } from './query-statistics.ts';
import { QueryTurns } from './query-turns.ts';
import { registerPrometheusReads, type PrometheusRequest } from './prometheus-route.ts';

/** The query language, as far as the API speaks it. */
export interface PromqlLanguage {
  prettyPrint(expression: Expression): string;
  expressionTree(expression: Expression): TreeNode;
  /** `{"resultType":…,"result":…}`, in pieces. */
  resultJson(result: QueryResult): Iterable<string>;
  sampleValueText(value: number): string;
  /** The matchers of a series selector. @throws OmoiError `query_invalid` */
  selectorMatchers(text: string): readonly Matcher[];
  /** A query in one line, as Prometheus shows those of rules. @throws OmoiError `query_invalid` */
  formatQuery(text: string): string;
}

export interface PrometheusQueryParts {
  readonly engine: Pick<Engine, 'prepare'>;
  readonly language: PromqlLanguage;
  readonly queryable: Queryable;
  readonly clock: Clock;
}

/** Prometheus's own bound: a minute's resolution for a week, or an hour's for a year. */
const maxPointsPerSeries = 11_000;
const QUERY_PARAMETERS = ['query', 'timeout', 'limit', 'lookback_delta', 'stats'];

/** Queries at one time and over a range, and what a query means. */
export function registerPrometheusQueryRoutes(app: ApiApp, parts: PrometheusQueryParts): void {
  const turns = new QueryTurns();
  const { language } = parts;
  registerPrometheusReads(app, [
    {
      path: 'query',
      takesForm: true,
      summary: 'Evaluate a query at one time',
      parameters: [...QUERY_PARAMETERS, 'time'],
      answer: (request) => answerInstant(request, parts, turns),
    },
    {
      path: 'query_range',
      takesForm: true,
      summary: 'Evaluate a query over a range of time',
      parameters: [...QUERY_PARAMETERS, 'start', 'end', 'step'],
      answer: (request) => answerRange(request, parts, turns),
    },
    {
      path: 'format_query',
      takesForm: true,
      summary: 'Write a query well',
      parameters: ['query'],
      async answer({ parameters }) {
        const { expression } = prepareQuery(parameters, parts);
        // To read a long text takes its time, and so do to write it and to send it.
        await nextTurn();
        const text = language.prettyPrint(expression);
        await nextTurn();
        return { data: jsonOf(text) };
      },
    },
    {
      path: 'parse_query',
      takesForm: true,
      summary: 'A query as a tree',
      parameters: ['query'],
      async answer({ parameters }) {
        const { expression } = prepareQuery(parameters, parts);
        await nextTurn();
        const tree = language.expressionTree(expression);
        await nextTurn();
        return { data: jsonOf(tree) };
      },
    },
  ]);
}

async function answerInstant(
  { parameters, signal }: PrometheusRequest,
  parts: PrometheusQueryParts,
  turns: QueryTurns,
): Promise<PrometheusAnswer> {
  const limit = parameters.limit();
  const timeMs = parameters.time('time') ?? parts.clock.wallMs();
  const stopwatch = new QueryStopwatch(parts.clock);
  const query = prepareQuery(parameters, parts);
  stopwatch.prepared();
  const onStatistics = (samples: SampleStatistics): void => stopwatch.ended(samples);
  const result = await turns.run(signal, () => {
    stopwatch.begun();
    return query.instantInSlices(parts.queryable, timeMs, { signal, onStatistics });
  });
  return answerWith(result, { limit, stopwatch, stats: parameters.text('stats') }, parts);
}

async function answerRange(
  { parameters, signal }: PrometheusRequest,
  parts: PrometheusQueryParts,
  turns: QueryTurns,
): Promise<PrometheusAnswer> {
  const limit = parameters.limit();
  const startMs = parameters.requiredTime('start');
  const endMs = parameters.requiredTime('end');
  if (endMs < startMs) throw invalidParameter('end', 'end timestamp must not be before start time');
  const exactStepMs = parameters.requiredDuration('step');
  if (exactStepMs <= 0) {
    const problem = 'zero or negative query resolution step widths are not accepted. Try a positive integer';
    throw invalidParameter('step', problem);
  }
  if (Math.floor((endMs - startMs) / exactStepMs) > maxPointsPerSeries) {
    throw new OmoiError(
      'invalid_request',
      'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
    );
  }
  const stopwatch = new QueryStopwatch(parts.clock);
  const query = prepareQuery(parameters, parts);
  if (query.type === 'matrix' || query.type === 'string') {
    const type = query.type === 'matrix' ? 'range vector' : 'string';
    const problem = `invalid expression type "${type}" for range query, must be Scalar or instant Vector`;
    throw invalidParameter('query', problem);
  }
  const stepMs = Math.max(1, Math.trunc(exactStepMs));
  stopwatch.prepared();
  const onStatistics = (samples: SampleStatistics): void => stopwatch.ended(samples);
  const range = { startMs, endMs, stepMs, signal, onStatistics };
  const result = await turns.run(signal, () => {
    stopwatch.begun();
    return query.range(parts.queryable, range);
  });
  return answerWith(result, { limit, stopwatch, stats: parameters.text('stats') }, parts);
}

function prepareQuery(parameters: Parameters, { engine }: PrometheusQueryParts): PreparedQuery {
  const timeoutMs = parameters.duration('timeout');
  const lookbackMs = readLookback(parameters.text('lookback_delta'));
  const overrides = {
    ...(timeoutMs !== null && { timeoutMs }),
    // As in Prometheus, 0 stands for the default.
    ...(lookbackMs !== null && lookbackMs > 0 && { lookbackMs }),
  };
  return readingParameter('query', () => engine.prepare(parameters.text('query'), overrides));
}

/** @returns ms; null where there is none, so that the engine's own counts */
function readLookback(text: string): number | null {
  if (text === '') return null;
  return readDuration(
    text,
    (problem) => new OmoiError('invalid_request', `error parsing lookback delta duration: ${problem}`),
  );
}

interface AnswerOptions {
  readonly limit: number | null;
  /** The parameter: statistics are told where it is not empty. */
  readonly stats: string;
  readonly stopwatch: QueryStopwatch;
}

function answerWith(
  result: QueryResult,
  { limit, stats, stopwatch }: AnswerOptions,
  { language }: PrometheusQueryParts,
): PrometheusAnswer {
  const shown = limit === null ? result : truncated(result, limit);
  const { warnings, infos } = result;
  const json = language.resultJson(shown);
  return {
    data: stats === '' ? json : withStatistics(json, stopwatch),
    warnings: [...warnings, ...(shown === result ? [] : [TRUNCATED]), ...statisticsWarnings(stats)],
    infos,
  };
}

/** The result cut to so many elements or series; itself where it has no more. */
function truncated(result: QueryResult, limit: number): QueryResult {
  if (result.kind === 'vector' && result.elements.length > limit) {
    return { ...result, elements: result.elements.slice(0, limit) };
  }
  if (result.kind === 'matrix' && result.series.length > limit) {
    return { ...result, series: result.series.slice(0, limit) };
  }
  return result;
}
