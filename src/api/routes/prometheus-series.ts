import type { Engine } from '#promql';
import type { SeriesLookup, Tsdb } from '#tsdb';
import { OmoiError, type Labels, type Matcher } from '#telemetry';
import type { ApiApp } from '../app.ts';
import { jsonOfList, TRUNCATED, type PrometheusAnswer } from '../prometheus/answer.ts';
import { unescapeLabelName } from '../prometheus/label-name-escaping.ts';
import { readingParameter, type Parameters } from '../prometheus/parameters.ts';
import type { PromqlLanguage } from './prometheus-queries.ts';
import { registerPrometheusReads } from './prometheus-route.ts';

export interface PrometheusSeriesParts {
  readonly store: Pick<Tsdb, 'lookUpSeries' | 'labelNames' | 'labelValues' | 'exemplars'>;
  readonly engine: Pick<Engine, 'prepare'>;
  readonly language: Pick<PromqlLanguage, 'sampleValueText'>;
}

const LOOKUP_PARAMETERS = ['match[]', 'start', 'end', 'limit'];

/** Which series there are, what labels they have, and the exemplars that came with them. */
export function registerPrometheusSeriesRoutes(app: ApiApp, parts: PrometheusSeriesParts): void {
  const { store } = parts;
  registerPrometheusReads(app, [
    {
      path: 'series',
      takesForm: true,
      summary: 'The label sets of the series that some selector matches',
      parameters: LOOKUP_PARAMETERS,
      async answer({ parameters }) {
        if (parameters.all('match[]').length === 0) {
          throw new OmoiError('invalid_request', 'no match[] parameter provided');
        }
        return listed(await store.lookUpSeries(readLookup(parameters, parts)), parameters);
      },
    },
    {
      path: 'labels',
      takesForm: true,
      summary: 'The names of labels in use',
      parameters: LOOKUP_PARAMETERS,
      answer: async ({ parameters }) =>
        listed(await store.labelNames(readLookup(parameters, parts)), parameters),
    },
    {
      path: 'label/:name/values',
      takesForm: false,
      summary: 'The values of a label in use; a name may be escaped (U__…)',
      parameters: LOOKUP_PARAMETERS,
      async answer({ parameters, name }) {
        const labelName = unescapeLabelName(name);
        if (labelName === '') throw new OmoiError('invalid_request', 'invalid label name: ""');
        return listed(await store.labelValues(labelName, readLookup(parameters, parts)), parameters);
      },
    },
    {
      path: 'query_exemplars',
      takesForm: true,
      summary: 'The exemplars of the series that a query selects',
      parameters: ['query', 'start', 'end'],
      answer: ({ parameters }) => ({
        data: jsonOfList(findExemplars(parameters, parts)),
      }),
    },
  ]);
}

function readLookup(parameters: Parameters, { engine }: PrometheusSeriesParts): SeriesLookup {
  const startMs = parameters.time('start');
  // What a series was before it ended is not kept apart, so that the end of the interval excludes nothing.
  parameters.time('end');
  const matcherLists = parameters
    .all('match[]')
    .map((text) => readingParameter('match[]', () => matchersOf(text, engine)));
  return { matcherLists, ...(startMs !== null && startMs > -Infinity && { startMs }) };
}

function matchersOf(text: string, engine: PrometheusSeriesParts['engine']): readonly Matcher[] {
  const { expression } = engine.prepare(text);
  if (expression.kind !== 'vector_selector' || expression.offsetMs !== 0 || expression.at) {
    throw new OmoiError('invalid_request', `${JSON.stringify(text)} is no series selector`);
  }
  return expression.matchers;
}

function listed(found: readonly (string | Labels)[], parameters: Parameters): PrometheusAnswer {
  const limit = parameters.limit();
  if (limit === null || found.length <= limit) return { data: jsonOfList(found) };
  return { data: jsonOfList(found.slice(0, limit)), warnings: [TRUNCATED] };
}

function findExemplars(
  parameters: Parameters,
  { store, engine, language }: PrometheusSeriesParts,
): readonly object[] {
  const startMs = parameters.time('start') ?? -Infinity;
  const endMs = parameters.time('end') ?? Infinity;
  if (endMs < startMs) {
    throw new OmoiError('invalid_request', 'end timestamp must not be before start timestamp');
  }
  const bySeries = new Map<Labels, object>();
  for (const { matchers } of engine.prepare(parameters.text('query')).selectors) {
    for (const { labels, exemplars } of store.exemplars({ matchers, startMs, endMs })) {
      bySeries.set(labels, {
        seriesLabels: labels,
        exemplars: exemplars.map((exemplar) => ({
          labels: exemplar.labels,
          value: language.sampleValueText(exemplar.value),
          timestamp: exemplar.timestampMs / 1000,
        })),
      });
    }
  }
  return [...bySeries.values()];
}
