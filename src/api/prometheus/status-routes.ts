import type { Tsdb } from '#tsdb';
import { OmoiError, toRfc3339, type MetricMetadata } from '#telemetry';
import type { ApiApp } from '../http/app.ts';
import { jsonOf, jsonOfFields, jsonOfList } from '../http/json-pieces.ts';
import type { Parameters } from './parameters.ts';
import { registerPrometheusReads, type PrometheusRoute } from './prometheus-route.ts';

/** What there is, by kind and name, and whether it is on. */
export type FeatureFlags = Readonly<Record<string, Readonly<Record<string, boolean>>>>;

/** What the server says of itself where Prometheus's clients ask. */
export interface ServerFacts {
  readonly version: string;
  readonly startedAtMs: number;
  readonly hostname: string;
  readonly dataDirectory: string;
  readonly cpuCount: number;
  /** `15d or 10GiB`. */
  readonly storageRetention: string;
  /** The part of the configuration that Prometheus has too, as YAML, without secrets. */
  readonly configYaml: string;
  /** Whether the last reload was taken over; true before the first. */
  readonly isLastReloadSuccessful: boolean;
  /** When the configuration was last taken over, by the start or a reload: ms since epoch. */
  readonly lastConfigMs: number;
  /** Settings by the names of Prometheus's command line flags. */
  readonly flags: Readonly<Record<string, string>>;
  /** By the names of Prometheus's features. */
  readonly features: FeatureFlags;
}

export interface PrometheusStatusParts {
  readonly store: Pick<Tsdb, 'status' | 'metadata' | 'recovery'>;
  readonly facts: ServerFacts;
  readonly clock: { wallMs(): number };
}

/**
 * The Prometheus whose HTTP API and query language this is. Clients (Grafana for one) read the version to know what
 * they may ask for; our own stands beside it.
 */
const PROMETHEUS_VERSION = '3.14.0';
const DEFAULT_STATUS_ENTRIES = 10;
const maxStatusEntries = 10_000;

/** What the server is, how it is set, what it holds, and what metrics mean. */
export function registerPrometheusStatusRoutes(app: ApiApp, parts: PrometheusStatusParts): void {
  const { store, facts } = parts;
  const status = (path: string, summary: string, read: () => unknown): PrometheusRoute => ({
    path: `status/${path}`,
    takesForm: false,
    summary,
    parameters: [],
    answer: () => ({ data: jsonOf(read()) }),
  });
  registerPrometheusReads(app, [
    status('buildinfo', 'What this server is', () => buildInfo(facts)),
    status('config', 'Its configuration, as far as Prometheus has it too', () => ({
      yaml: facts.configYaml,
    })),
    status('flags', 'Its settings by the names of Prometheus’s flags', () => facts.flags),
    status('runtimeinfo', 'Where and since when it runs', () => runtimeInfo(parts)),
    {
      path: 'status/tsdb',
      takesForm: false,
      summary: 'How many series there are, and which metrics and labels have most of them',
      parameters: ['limit'],
      answer: async ({ parameters }) => ({ data: statusJson(await store.status(statusLimit(parameters))) }),
    },
    {
      path: 'features',
      takesForm: false,
      summary: 'What of Prometheus’s API, language and store there is, and whether it is on',
      parameters: [],
      answer: () => ({ data: jsonOf(facts.features) }),
    },
    {
      path: 'metadata',
      takesForm: false,
      summary: 'Type, unit and help of metrics, as their sources describe them',
      parameters: ['metric', 'limit', 'limit_per_metric'],
      answer: ({ parameters }) => ({ data: metadataJson(store.metadata(), parameters) }),
    },
  ]);
}

function buildInfo({ version }: ServerFacts): object {
  return {
    version: PROMETHEUS_VERSION,
    revision: `omoi-${version}`,
    branch: 'omoi',
    buildUser: '',
    buildDate: '',
    goVersion: '',
  };
}

function runtimeInfo({ store, facts, clock }: PrometheusStatusParts): object {
  return {
    startTime: toRfc3339(facts.startedAtMs),
    CWD: facts.dataDirectory,
    hostname: facts.hostname,
    serverTime: toRfc3339(clock.wallMs()),
    reloadConfigSuccess: facts.isLastReloadSuccessful,
    lastConfigTime: toRfc3339(facts.lastConfigMs),
    corruptionCount: store.recovery?.damage.length ?? 0,
    // What follows describes Go's runtime, which there is none of.
    goroutineCount: 0,
    GOMAXPROCS: facts.cpuCount,
    GOMEMLIMIT: 0,
    GOGC: '',
    GODEBUG: '',
    storageRetention: facts.storageRetention,
  };
}

function statusLimit(parameters: Parameters): number {
  const text = parameters.text('limit');
  if (text === '') return DEFAULT_STATUS_ENTRIES;
  const limit = /^[+-]?\d+$/.test(text) ? Number(text) : 0;
  if (limit < 1) {
    throw new OmoiError('invalid_request', 'limit must be a positive number');
  }
  if (limit > maxStatusEntries) {
    throw new OmoiError('invalid_request', `limit must not exceed ${maxStatusEntries}`);
  }
  return limit;
}

function statusJson(status: Awaited<ReturnType<Tsdb['status']>>): Iterable<string> {
  const headStats = {
    numSeries: status.seriesCount,
    numLabelPairs: status.labelPairCount,
    chunkCount: status.chunkCount,
    minTime: status.minTimeMs ?? 0,
    maxTime: status.maxTimeMs ?? 0,
  };
  return jsonOfFields([
    ['headStats', jsonOf(headStats)],
    ['seriesCountByMetricName', jsonOfList(status.seriesCountByMetricName)],
    ['labelValueCountByLabelName', jsonOfList(status.labelValueCountByLabelName)],
    ['memoryInBytesByLabelName', jsonOfList(status.memoryInBytesByLabelName)],
    ['seriesCountByLabelValuePair', jsonOfList(status.seriesCountByLabelValuePair)],
  ]);
}

/** A list a metric, as in Prometheus, whose targets may differ about one; here the last description counts. */
function metadataJson(known: ReadonlyMap<string, MetricMetadata>, parameters: Parameters): Iterable<string> {
  const limit = numberOf(parameters, 'limit') ?? -1;
  numberOf(parameters, 'limit_per_metric');
  const wanted = parameters.text('metric');
  const found = [...known].filter(([name]) => wanted === '' || name === wanted);
  const shown = limit < 0 ? found : found.slice(0, limit);
  return jsonOfFields(
    shown.map(([name, { type, unit, help }]) => [name, jsonOf([{ type, unit, help }])] as const),
  );
}

function numberOf(parameters: Parameters, name: string): number | null {
  const text = parameters.text(name);
  if (text === '') return null;
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  throw new OmoiError('invalid_request', `${name} must be a number`);
}
