import type { Engine } from '#promql';
import type { SeriesLookup, Tsdb } from '#tsdb';
import { nextTurn, OmoiError, type Labels, type Matcher } from '#telemetry';
import type { ApiApp } from '../http/app.ts';
import { jsonOfList } from '../http/json-pieces.ts';
import { TRUNCATED, type PrometheusAnswer } from './answer.ts';
import { unescapeLabelName } from './label-name-escaping.ts';
import { checkSelectorCount, readMatcherLists } from './matcher-lists.ts';
import { EARLIEST_MS, LATEST_MS, readingParameter, type Parameters } from './parameters.ts';
import { QueryTurns } from './query-turns.ts';
import type { PromqlLanguage } from './query-routes.ts';
import { registerPrometheusReads, type PrometheusRequest } from './prometheus-route.ts';

export interface PrometheusSeriesParts {
  readonly store: Pick<Tsdb, 'lookUpSeries' | 'labelNames' | 'labelValues' | 'exemplars'>;
  readonly engine: Pick<Engine, 'prepare'>;
  readonly language: Pick<PromqlLanguage, 'sampleValueText' | 'selectorMatchers'>;
}

type Selectors = SeriesLookup['matcherLists'];
type Listing = Awaited<ReturnType<Tsdb['labelNames' | 'lookUpSeries']>>;

const LOOKUP_PARAMETERS = ['match[]', 'start', 'end', 'limit'];

/** Which series there are, what labels they have, and the exemplars that came with them. */
export function registerPrometheusSeriesRoutes(app: ApiApp, parts: PrometheusSeriesParts): void {
  const { store } = parts;
  // Each gives the event loop its turns, but many at once would leave little of a turn to others.
  const turns = new QueryTurns();
  const selectors = (parameters: Parameters): Selectors => readMatcherLists(parameters, parts.language);
  const found = async (
    { parameters, signal }: PrometheusRequest,
    lookUp: (lookup: SeriesLookup) => Promise<Listing>,
    readSelectors = selectors,
  ): Promise<PrometheusAnswer> => {
    const lookup = { ...readLookup(parameters, readSelectors), signal };
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
        return found(
          request,
          (lookup) => store.lookUpSeries(lookup),
          // As in Prometheus, only this route says which parameter it was.
          (parameters) => readingParameter('match[]', () => selectors(parameters)),
        );
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
      async answer(request) {
        const found = await findExemplars(request, parts, turns);
        return found && { data: jsonOfList(found) };
      },
    },
  ]);
}

function readLookup(
  parameters: Parameters,
  readSelectors: (parameters: Parameters) => Selectors,
): SeriesLookup {
  const limit = parameters.limit();
  const startMs = parameters.time('start');
  const endMs = parameters.time('end');
  return {
    matcherLists: readSelectors(parameters),
    ...(startMs !== null && startMs > EARLIEST_MS && { startMs }),
    ...(endMs !== null && endMs < LATEST_MS && { endMs }),
    ...(limit !== null && { limit }),
  };
}

/** Null where the query selects no series. */
async function findExemplars(
  { parameters, signal }: PrometheusRequest,
  { store, engine, language }: PrometheusSeriesParts,
  turns: QueryTurns,
): Promise<readonly object[] | null> {
  const startMs = parameters.time('start') ?? -Infinity;
  const endMs = parameters.time('end') ?? Infinity;
  if (endMs < startMs) {
    throw new OmoiError('invalid_request', 'end timestamp must not be before start timestamp');
  }
  const { selectors } = engine.prepare(parameters.text('query'));
  if (selectors.length === 0) return null;
  const different = differentOnes(selectors);
  checkSelectorCount(different.length, 'query');
  const bySeries = new Map<Labels, object>();
  for (const matchers of different) {
    // Each goes through all that there are, in slices of its own: one at least for each.
    await nextTurn();
    const found = await turns.run(signal, () => store.exemplars({ matchers, startMs, endMs }, signal));
    for (const { labels, exemplars } of found) {
      if (bySeries.has(labels)) continue;
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

/** The matchers of each selector that is not as one before it. */
function differentOnes(
  selectors: readonly { readonly matchers: readonly Matcher[] }[],
): readonly (readonly Matcher[])[] {
  const byText = new Map<string, readonly Matcher[]>();
  for (const { matchers } of selectors) {
    byText.set(
      JSON.stringify(matchers.map(({ name, operator, value }) => [name, operator, value])),
      matchers,
    );
  }
  return [...byText.values()];
}
