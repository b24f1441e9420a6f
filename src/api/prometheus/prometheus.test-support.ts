import { createEngine, queryLanguage as language } from '#promql';
import {
  type Labels,
  type Queryable,
  SampleBatch,
  SelfMetrics,
  silentLogger,
  VirtualClock,
} from '#telemetry';
import { createTsdb, type Tsdb } from '#tsdb';
import { startTestApi, type TestApi } from '../api.test-support.ts';
import { registerPrometheusQueryRoutes } from './query-routes.ts';
import { registerPrometheusSeriesRoutes, type PrometheusSeriesParts } from './series-routes.ts';
import { registerPrometheusStatusRoutes } from './status-routes.ts';

export const NOW_MS = Date.UTC(2026, 10, 22, 12, 0, 0);
export const NOW = NOW_MS / 1000;

const facts = {
  version: '9.9.9',
  startedAtMs: NOW_MS - 1000,
  hostname: 'host',
  dataDirectory: '/data',
  cpuCount: 2,
  storageRetention: '15d or 10GiB',
  configYaml: 'global: {}\n',
  isLastReloadSuccessful: false,
  lastConfigMs: NOW_MS - 500,
  flags: { 'query.timeout': '2m' },
  features: { promql: { anchored: false } },
};

export type Form = Readonly<Record<string, string | readonly string[]>>;

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** Stands before the store, so that a test can hold a query back in the middle. */
export class Gate {
  asked = Promise.withResolvers<void>();
  #opened: Promise<void> = Promise.resolve();

  /** @returns opens it again */
  close(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.asked = Promise.withResolvers<void>();
    this.#opened = promise;
    return resolve;
  }

  async pass(): Promise<void> {
    this.asked.resolve();
    await this.#opened;
  }
}

/** The routes of Prometheus's API over a store with a few series. */
export interface PrometheusStage {
  readonly clock: VirtualClock;
  readonly served: TestApi;
  readonly tsdb: Tsdb;
  readonly gate: Gate;
  /** The status of every answer, also of those that nobody was there to take. */
  readonly sent: number[];
  /** How often exemplars were searched for. */
  readonly searched: { times: number };
  /** Replaced by a test that waits for a connection's end. */
  connectionEnded: PromiseWithResolvers<void>;
  /** As a viewer, unless the headers say otherwise. */
  get(path: string, parameters?: Form, headers?: Record<string, string>): Promise<Answer>;
  post(path: string, parameters: Form, headers?: Record<string, string>): Promise<Answer>;
  close(): Promise<void>;
}

export async function openPrometheusStage(): Promise<PrometheusStage> {
  const clock = new VirtualClock(NOW_MS);
  const tsdb = await storeOf(clock);
  const gate = new Gate();
  const sent: number[] = [];
  const searched = { times: 0 };
  const queryable: Queryable = {
    async select(selection) {
      await gate.pass();
      return tsdb.select(selection);
    },
  };
  const served = await startTestApi({
    // As a server has it by default.
    parts: { limits: { maxBodyBytes: 4_194_304 } },
    register(app) {
      app.addHook('onSend', async (_request, reply) => void sent.push(reply.statusCode));
      app.addHook('onRequest', async (_request, reply) => {
        reply.raw.once('close', () => stage.connectionEnded.resolve());
      });
      const engine = createEngine({ clock, timeoutMs: 60_000 });
      registerPrometheusQueryRoutes(app, { engine, language, queryable, clock });
      registerPrometheusSeriesRoutes(app, { engine, language, store: countingSearches(tsdb, searched) });
      registerPrometheusStatusRoutes(app, { store: tsdb, facts, clock });
    },
  });
  const stage: PrometheusStage = {
    clock,
    served,
    tsdb,
    gate,
    sent,
    searched,
    connectionEnded: Promise.withResolvers<void>(),
    async get(path, parameters = {}, headers = served.as('viewer')) {
      const url = `/prometheus/api/v1/${path}?${formOf(parameters)}`;
      const answer = await served.app.inject({ method: 'GET', url, headers });
      return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
    },
    async post(path, parameters, headers = served.as('viewer')) {
      const answer = await served.app.inject({
        method: 'POST',
        url: `/prometheus/api/v1/${path}`,
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        payload: formOf(parameters),
      });
      return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
    },
    async close() {
      await served.close();
      await tsdb.stop();
    },
  };
  return stage;
}

async function storeOf(clock: VirtualClock): Promise<Tsdb> {
  const tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics: new SelfMetrics() });
  const batch = new SampleBatch();
  const add = (labels: Labels, values: readonly number[]): number => {
    const ref = tsdb.series(labels);
    values.forEach((value, at) => batch.add(ref, NOW_MS - (values.length - 1 - at) * 15_000, value));
    return ref;
  };
  const first = add({ __name__: 'depth', queue: 'a' }, [1, 2, 0.1 + 0.2]);
  add({ __name__: 'depth', queue: 'b' }, [NaN, 1e21, Infinity]);
  add({ __name__: 'http.requests', 'k8s.pod': 'p' }, [7]);
  const exemplar = { labels: { trace_id: 'abc' }, timestampMs: NOW_MS - 500, value: 0.25 };
  batch.addExemplar(first, exemplar);
  const receivedMonotonicMs = clock.monotonicMs();
  tsdb.commit(batch, { source: 'import', traceparent: null, receivedAtMs: NOW_MS, receivedMonotonicMs });
  tsdb.describe('depth', { type: 'gauge', help: 'How deep.', unit: 'tasks' });
  return tsdb;
}

export function formOf(parameters: Form): string {
  const form = new URLSearchParams();
  for (const [name, given] of Object.entries(parameters)) {
    for (const value of [given].flat()) form.append(name, value);
  }
  return form.toString();
}

export const success = (data: unknown, more: object = {}) => ({
  status: 200,
  body: { status: 'success', data, ...more },
});

function countingSearches(tsdb: Tsdb, searched: { times: number }): PrometheusSeriesParts['store'] {
  return {
    lookUpSeries: (lookup) => tsdb.lookUpSeries(lookup),
    labelNames: (lookup) => tsdb.labelNames(lookup),
    labelValues: (name, lookup) => tsdb.labelValues(name, lookup),
    exemplars(selection, signal) {
      searched.times++;
      return tsdb.exemplars(selection, signal);
    },
  };
}
