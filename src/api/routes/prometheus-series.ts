import type { Engine } from '#promql';
import type { SeriesLookup, Tsdb } from '#tsdb';
import { OmoiError, type Labels, type Matcher } from '#telemetry';
import type { ApiApp } from '../app.ts';
import { jsonOfList, TRUNCATED, type PrometheusAnswer } from '../prometheus/answer.ts';
import { unescapeLabelName } from '../prometheus/label-name-escaping.ts';
import { readingParameter, type Parameters } from '../prometheus/parameters.ts';
import { QueryTurns } from '../prometheus/query-turns.ts';
import type { PromqlLanguage } from './prometheus-queries.ts';
import { registerPrometheusReads, type PrometheusRequest } from './prometheus-route.ts';

export interface PrometheusSeriesParts {
  readonly store: Pick<Tsdb, 'lookUpSeries' | 'labelNames' | 'labelValues' | 'exemplars'>;
  readonly engine: Pick<Engine, 'prepare'>;
  readonly language: Pick<PromqlLanguage, 'sampleValueText'>;
}

type Listing = Awaited<ReturnType<Tsdb['labelNames' | 'lookUpSeries']>>;

const LOOKUP_PARAMETERS = ['match[]', 'start', 'end', 'limit'];

/** Which series there are, what labels they have, and the exemplars that came with them. */
export function registerPrometheusSeriesRoutes(app: ApiApp, parts: PrometheusSeriesParts): void {
  const { store } = parts;
  // Each gives the event loop its turns, but many at once would leave little of a turn to others.
  const turns = new QueryTurns();
  const found = async (
    { parameters, signal }: PrometheusRequest,
    lookUp: (lookup: SeriesLookup) => Promise<Listing>,
  ): Promise<PrometheusAnswer> => {
    const lookup = { ...readLookup(parameters, parts), signal };
    const { items, isTruncated } = await turns.run(signal, () => lookUp(lookup));
    return { data: jsonOfList(items), ...(isTruncated && { warnings: [TRUNCATED] }) };
  };
  registerPrometheusReads(app, [
    {
      path: 'series',
      takesForm: true,
      summary: 'The label sets of the series that some selector matches',
      parameters: LOOKUP_PARAMETERS,
      answer(request) {
        if (request.parameters.all('match[]').length === 0) {
          throw new OmoiError('invalid_request', 'no match[] parameter provided');
        }
        return found(request, (lookup) => store.lookUpSeries(lookup));
      },
    },
    {
      path: 'labels',
      takesForm: true,
      summary: 'The names of labels in use',
      parameters: LOOKUP_PARAMETERS,
      answer: (request) => found(request, (lookup) => store.labelNames(lookup)),
    },
    {
      path: 'label/:name/values',
      takesForm: false,
      summary: 'The values of a label in use; a name may be escaped (U__…)',
      parameters: LOOKUP_PARAMETERS,
      answer(request) {
        const labelName = unescapeLabelName(request.name);
        if (labelName === '') throw new OmoiError('invalid_request', 'invalid label name: ""');
        return found(request, (lookup) => store.labelValues(labelName, lookup));
      },
    },
    {
      path: 'query_exemplars',
      takesForm: true,
      summary: 'The exemplars of the series that a query selects',
      parameters: ['query', 'start', 'end'],
      answer: async (request) => ({ data: jsonOfList(await findExemplars(request, parts)) }),
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
  const limit = parameters.limit();
  return {
    matcherLists,
    ...(startMs !== null && startMs > -Infinity && { startMs }),
    ...(limit !== null && { limit }),
  };
}

function matchersOf(text: string, engine: PrometheusSeriesParts['engine']): readonly Matcher[] {
  const { expression } = engine.prepare(text);
  if (expression.kind !== 'vector_selector' || expression.offsetMs !== 0 || expression.at) {
    throw new OmoiError('invalid_request', `${JSON.stringify(text)} is no series selector`);
  }
  return expression.matchers;
}

async function findExemplars(
  { parameters, signal }: PrometheusRequest,
  { store, engine, language }: PrometheusSeriesParts,
): Promise<readonly object[]> {
  const startMs = parameters.time('start') ?? -Infinity;
  const endMs = parameters.time('end') ?? Infinity;
  if (endMs < startMs) {
    throw new OmoiError('invalid_request', 'end timestamp must not be before start timestamp');
  }
  const bySeries = new Map<Labels, object>();
  for (const { matchers } of engine.prepare(parameters.text('query')).selectors) {
    for (const { labels, exemplars } of await store.exemplars({ matchers, startMs, endMs }, signal)) {
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
