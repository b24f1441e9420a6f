import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRemoteWriteReceiver } from '#ingest';
import { createEngine, queryLanguage as language } from '#promql';
import { createSeededRandom, SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import { createTsdb, type Tsdb } from '#tsdb';
import { registerPrometheusQueryRoutes } from '../../src/api/prometheus/query-routes.ts';
import { registerPrometheusSeriesRoutes } from '../../src/api/prometheus/series-routes.ts';
import { BodyBudget } from '../../src/api/http/body-budget.ts';
import { registerRemoteWriteRoutes } from '../../src/api/prometheus/remote-write-route.ts';
import { startTestApi, type TestApi } from '../../src/api/api.test-support.ts';
import {
  double,
  encodeWriteRequest,
  field,
  int64,
  sint,
  snappy,
  tag,
  type RequestSeries,
} from '../remote-write-request.ts';
import { isPrometheusInstalled, PrometheusServer } from './promql/prometheus-server.ts';

/*
 * The same remote write request goes to Omoi and to a real Prometheus (Debian's 2.42), and both are asked the same
 * over HTTP. Their answers must mean the same, byte by byte of every value and time. Left out is what Prometheus
 * changed since: the left end of ranges (no sample of the data lies on one), annotations, wording of parse errors.
 */
const installed = isPrometheusInstalled();
if (!installed && process.env['CI'] === 'true')
  throw new Error('prometheus is missing: apt-get install prometheus');

const STEP_MS = 15_000;
const SAMPLES = 80;
/** The newest sample; Prometheus takes recent ones only. */
const END_MS = Math.floor(Date.now() / STEP_MS) * STEP_MS - STEP_MS;
/** Between two samples, so that no window begins or ends on one. */
const AT = String((END_MS + 1437) / 1000);
const FROM = String((END_MS + 1437 - 600_000) / 1000);

function named(name: string, labels: Readonly<Record<string, string>>): RequestSeries['labels'] {
  return Object.entries({ __name__: name, ...labels }).sort(([a], [b]) => (a < b ? -1 : 1));
}

function series(
  name: string,
  labels: Readonly<Record<string, string>>,
  valueAt: (at: number) => number,
): RequestSeries {
  const samples = Array.from({ length: SAMPLES }, (_, at) => ({
    timestampMs: END_MS - (SAMPLES - 1 - at) * STEP_MS,
    value: valueAt(at),
  }));
  return { labels: named(name, labels), samples };
}

const STALE = Uint8Array.of(2, 0, 0, 0, 0, 0, 0xf0, 0x7f);
const ODD_VALUES = [0, -0, 0.1, 1 / 3, 1e21, 1e-7, 123456789.125, NaN, Infinity, -Infinity, 5e-324, 1.5e300];

/** A native histogram of integers: schema 0, a zero bucket, three positive buckets, one negative. */
function histogram(timestampMs: number, growth: number): Uint8Array {
  const span = (offset: number, length: number) =>
    Buffer.concat([tag(1, 0), sint(offset), tag(2, 0), int64(length)]);
  const packed = (...deltas: number[]) => Buffer.concat(deltas.map(sint));
  return field(
    4,
    Buffer.concat([
      tag(1, 0),
      int64(3 + 4 * growth),
      tag(3, 1),
      double(18.4 * growth),
      tag(4, 0),
      sint(0),
      tag(5, 1),
      double(0.001),
      tag(6, 0),
      int64(2),
      field(8, span(0, 1)),
      field(9, packed(1)),
      field(11, span(-1, 3)),
      field(12, packed(growth, growth, -growth)),
      tag(15, 0),
      int64(timestampMs),
    ]),
  );
}

function exemplar(traceId: string, value: number, timestampMs: number): Uint8Array {
  const label = Buffer.concat([field(1, Buffer.from('trace_id')), field(2, Buffer.from(traceId))]);
  return field(3, Buffer.concat([field(1, label), tag(2, 1), double(value), tag(3, 0), int64(timestampMs)]));
}

function request(): Uint8Array {
  const random = createSeededRandom(42);
  const histogramSamples = [40, 30, 20, 10, 0].map((ago, at) => histogram(END_MS - ago * 1000, at + 1));
  const ended = series('gone', { queue: 'a' }, (at) => at);
  return snappy(
    encodeWriteRequest([
      series('odd', { kind: 'values' }, (at) => ODD_VALUES[at % ODD_VALUES.length] ?? 0),
      ...['a', 'b', 'c'].map((queue, place) =>
        series('depth', { queue, host: `h${place % 2}` }, () => Math.round(random.next() * 1e6) / 7),
      ),
      ...['200', '500'].map((code) => series('calls_total', { code }, (at) => at * 3.25 + Number(code))),
      ...['0.1', '1', '+Inf'].map((le, place) =>
        series('wait_seconds_bucket', { le }, (at) => at * (place + 1) + place),
      ),
      { ...ended, samples: [...(ended.samples ?? []).slice(0, -3), { timestampMs: END_MS, value: STALE }] },
      { labels: named('spread', { unit: 'µs "x"\\' }), rest: Buffer.concat(histogramSamples) },
      {
        ...series('traced_total', {}, (at) => at),
        rest: Buffer.concat([exemplar('aa', 0.5, END_MS - 3000), exemplar('bb', 1e-9, END_MS - 1500)]),
      },
    ]),
  );
}

type Form = readonly [string, string][];
interface Answer {
  readonly status: number;
  readonly body: Body;
}

describe.skipIf(!installed)(
  'the HTTP API beside Prometheus (skipped without it: apt-get install prometheus)',
  () => {
    let prometheus: PrometheusServer;
    let served: TestApi;
    let tsdb: Tsdb;

    beforeAll(async () => {
      prometheus = await PrometheusServer.receiving();
      const clock = new VirtualClock(Date.now());
      const selfMetrics = new SelfMetrics();
      tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics });
      const random = createSeededRandom(1);
      const isReserved = (): boolean => false;
      const receiver = createRemoteWriteReceiver({ sink: tsdb, clock, random, selfMetrics, isReserved });
      const engine = createEngine({ clock });
      served = await startTestApi({
        register(app) {
          registerRemoteWriteRoutes(app, {
            receiver,
            maxBodyBytes: 1_000_000,
            bodies: new BodyBudget(10_000_000, selfMetrics),
          });
          registerPrometheusQueryRoutes(app, { engine, language, queryable: tsdb, clock });
          registerPrometheusSeriesRoutes(app, { engine, language, store: tsdb });
        },
      });
      await write();
    });
    afterAll(async () => {
      await served?.close();
      await tsdb?.stop();
      await prometheus?.stop();
    });

    async function write(): Promise<void> {
      const body = Buffer.from(request());
      const headers = {
        'content-type': 'application/x-protobuf',
        'content-encoding': 'snappy',
        'x-prometheus-remote-write-version': '0.1.0',
      };
      const theirs = await fetch(`${prometheus.url}/api/v1/write`, { method: 'POST', headers, body });
      const ours = await served.app.inject({
        method: 'POST',
        url: '/prometheus/api/v1/write',
        headers: { ...headers, ...served.as('ingest') },
        payload: body,
      });
      expect([theirs.status, await theirs.text()]).toEqual([204, '']);
      expect([ours.statusCode, ours.body]).toEqual([204, '']);
    }

    async function askBoth(
      path: string,
      form: Form,
      method: 'GET' | 'POST' = 'GET',
    ): Promise<readonly [ours: Answer, theirs: Answer]> {
      const text = new URLSearchParams([...form]).toString();
      const target = method === 'GET' ? `/api/v1/${path}?${text}` : `/api/v1/${path}`;
      const headers: Record<string, string> =
        method === 'GET' ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
      const theirs = await fetch(`${prometheus.url}${target}`, {
        method,
        headers,
        ...(method === 'POST' && { body: text }),
      });
      const ours = await served.app.inject({
        method,
        url: `/prometheus${target}`,
        headers: { ...headers, ...served.as('viewer') },
        ...(method === 'POST' && { payload: text }),
      });
      return [
        { status: ours.statusCode, body: comparable(ours.json<Body>()) },
        { status: theirs.status, body: comparable((await theirs.json()) as Body) },
      ];
    }

    it.each([
      '{__name__=~".+"}',
      'odd',
      'odd[2m]',
      'spread',
      'spread[1m]',
      'sum(depth) by (host)',
      'topk(2, depth)',
      'rate(calls_total[5m])',
      'histogram_quantile(0.9, rate(wait_seconds_bucket[5m]))',
      'histogram_count(spread) + histogram_sum(spread)',
      'rate(spread[1m])',
      'depth > bool on (queue) group_left () (depth offset 1m)',
      'min_over_time(depth[5m]) / count_over_time(depth[5m])',
      'max_over_time(sum(depth)[10m:1m])',
      'label_replace(depth{queue!="a"}, "copy", "$1-$1", "queue", "(.*)")',
      'count_values("value", odd)',
      'absent(nothing{a="b"})',
      'gone',
      'depth @ 0',
      'time()',
      'scalar(odd)',
      '1e21',
      '1e-7',
      '-0',
      'NaN',
      '"a \\"text\\" µ"',
      'nothing',
    ])('gives the same at one time: %s', async (query) => {
      const form: Form = [
        ['query', query],
        ['time', AT],
      ];
      const [ours, theirs] = await askBoth('query', form);
      expect(ours).toEqual(theirs);
      expect((await askBoth('query', form, 'POST'))[0]).toEqual(theirs);
    });

    it.each([
      ['odd', '15'],
      ['depth', '1m'],
      ['gone', '15s'],
      ['spread', '0.5'],
      ['sum without (host) (rate(calls_total[2m]))', '7.5'],
      ['quantile by (host) (0.3, depth)', '60'],
      ['vector(1) / 0', '1m'],
      ['42', '300'],
    ])('gives the same over a range: %s every %s', async (query, step) => {
      const form: Form = [
        ['query', query],
        ['start', FROM],
        ['end', AT],
        ['step', step],
      ];
      const [ours, theirs] = await askBoth('query_range', form);
      expect(ours).toEqual(theirs);
      expect((await askBoth('query_range', form, 'POST'))[0]).toEqual(theirs);
    });

    it.each<[string, Form]>([
      [
        'series',
        [
          ['match[]', 'depth'],
          ['match[]', '{queue="a"}'],
        ],
      ],
      ['series', [['match[]', 'nothing']]],
      [
        'series',
        [
          ['match[]', 'depth'],
          ['end', String(END_MS / 1000 - SAMPLES * (STEP_MS / 1000))],
        ],
      ],
      [
        'series',
        [
          ['match[]', 'depth'],
          ['start', String(END_MS / 1000 + 1)],
        ],
      ],
      [
        'series',
        [
          ['match[]', 'spread'],
          ['end', String(END_MS / 1000 - 39)],
        ],
      ],
      [
        'series',
        [
          ['match[]', 'spread'],
          ['end', String(END_MS / 1000 - 41)],
        ],
      ],
      ['labels', [['end', String(END_MS / 1000 - 1e6)]]],
      ['labels', []],
      ['labels', [['match[]', 'calls_total']]],
      ['label/__name__/values', []],
      ['label/queue/values', [['match[]', 'depth{host="h0"}']]],
      ['label/nothing/values', []],
      [
        'query_exemplars',
        [
          ['query', 'traced_total + 1'],
          ['start', FROM],
          ['end', AT],
        ],
      ],
      ['format_query', [['query', 'sum(rate(calls_total{code=~"5.."}[5m]))by(code)>1e3']]],
    ])('knows the same: %s %j', async (path, form) => {
      const [ours, theirs] = await askBoth(path, form);
      expect(ours).toEqual(theirs);
      expect(theirs.status).toBe(200);
    });

    it.each<[string, Form]>([
      [
        'query',
        [
          ['query', 'depth'],
          ['time', 'yesterday'],
        ],
      ],
      [
        'query',
        [
          ['query', 'depth'],
          ['timeout', 'long'],
        ],
      ],
      [
        'query_range',
        [
          ['query', '1'],
          ['start', ''],
          ['end', '2'],
          ['step', '1'],
        ],
      ],
      [
        'query_range',
        [
          ['query', '1'],
          ['start', '5'],
          ['end', '2'],
          ['step', '1'],
        ],
      ],
      [
        'query_range',
        [
          ['query', '1'],
          ['start', '1'],
          ['end', '2'],
          ['step', 'x'],
        ],
      ],
      [
        'query_range',
        [
          ['query', '1'],
          ['start', '1'],
          ['end', '2'],
          ['step', '0'],
        ],
      ],
      [
        'query_range',
        [
          ['query', '1'],
          ['start', '1'],
          ['end', '2'],
          ['step', '-1'],
        ],
      ],
      [
        'query_range',
        [
          ['query', '1'],
          ['start', '0'],
          ['end', '11001'],
          ['step', '1'],
        ],
      ],
      ['series', []],
      [
        'series',
        [
          ['match[]', 'depth'],
          ['start', 'x'],
        ],
      ],
      ['labels', [['end', 'x']]],
      ['labels', [['match[]', 'x{']]],
      ['labels', [['match[]', '{queue=~".*"}']]],
      ['label/queue/values', [['match[]', 'depth offset 5m']]],
      ['series', [['match[]', '{}']]],
      ['series', [['match[]', 'sum(depth)']]],
      ['series', [['match[]', '-depth']]],
      [
        'query',
        [
          ['query', '1'],
          ['time', '2026-02-30T00:00:00Z'],
        ],
      ],
      [
        'query_range',
        [
          ['query', '1'],
          ['start', '0'],
          ['end', '6'],
          ['step', '0.0005'],
        ],
      ],
    ])('refuses in the same words: %s %j', async (path, form) => {
      const [ours, theirs] = await askBoth(path, form);
      expect(inOneCase(ours)).toEqual(inOneCase(theirs));
      expect(theirs.status).toBe(400);
    });

    it.each<[string, string]>([
      ['query', 'sum('],
      ['query', 'depth{'],
      ['query', 'unknown_function(1)'],
      ['query', 'rate(depth)'],
      ['query', 'depth * on (host) depth'],
      ['query', 'label_replace(depth, "a b", "x", "queue", "(")'],
      ['format_query', '1 +'],
    ])('refuses as the same kind of error: %s %s', async (path, query) => {
      const [ours, theirs] = await askBoth(path, [
        ['query', query],
        ['time', AT],
      ]);
      const kindOf = (answer: Answer): unknown => {
        const { status, errorType } = answer.body;
        return [answer.status, status, errorType];
      };
      expect(kindOf(ours)).toEqual(kindOf(theirs));
    });
  },
);

/** Prometheus begins its errors with small letters since version 3. */
function inOneCase(answer: Answer): string {
  return JSON.stringify(answer).toLowerCase();
}

interface Body {
  readonly data?: unknown;
  readonly [other: string]: unknown;
}

/** An answer without what Prometheus 2.42 has not (annotations, our code and its page), its unordered lists in one order. */
function comparable({ data, ...rest }: Body): Body {
  const { warnings: _warnings, infos: _infos, code: _code, docs: _docs, ...told } = rest;
  return { ...told, ...(data !== undefined && { data: inOrder(data) }) };
}

function inOrder(data: unknown): unknown {
  if (Array.isArray(data)) return sorted(data);
  if (typeof data !== 'object' || data === null || !('resultType' in data)) return data;
  const isVector = data.resultType === 'vector' && 'result' in data && Array.isArray(data.result);
  return isVector ? { ...data, result: sorted(data.result as unknown[]) } : data;
}

/** By their JSON with sorted keys. */
function sorted(list: readonly unknown[]): readonly unknown[] {
  const keyOf = (value: unknown): string =>
    JSON.stringify(value, (_key, part: unknown) =>
      typeof part === 'object' && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
        : part,
    );
  return [...list].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
