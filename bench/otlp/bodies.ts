// Bodies of about 8 MB as collectors send them, in both encodings, by a reference encoder.
import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';

export type Signal = 'metrics' | 'traces' | 'logs';

const PROTO = new URL('../../src/ingest/otlp/testdata/otlp.proto', import.meta.url);
const root = protobuf.parse(readFileSync(PROTO, 'utf8'), { keepCase: false }).root;
export const REQUEST_TYPES = {
  metrics: root.lookupType('otlp.ExportMetricsServiceRequest'),
  traces: root.lookupType('otlp.ExportTraceServiceRequest'),
  logs: root.lookupType('otlp.ExportLogsServiceRequest'),
} as const satisfies Record<Signal, protobuf.Type>;

export interface Bodies {
  readonly signal: Signal;
  /** Points, spans or records. */
  readonly elements: number;
  readonly protobuf: Uint8Array;
  readonly json: Uint8Array;
}

const attribute = (key: string, stringValue: string): object => ({ key, value: { stringValue } });
const resource = (at: number): object => ({
  attributes: [
    attribute('service.name', `service-${at % 5}`),
    attribute('service.instance.id', `instance-${at}`),
    attribute('host.name', `host-${at}.example.net`),
    attribute('telemetry.sdk.language', 'nodejs'),
  ],
});
const ns = (ms: number): string => `${Math.trunc(ms)}000000`;

export interface MetricsShape {
  readonly resources: number;
  readonly metrics: number;
  readonly points: number;
  readonly kind: 'sum' | 'delta' | 'histogram' | 'exponential';
}

/** The same series at every time. */
export function metricsBodies(shape: MetricsShape, timeMs: number): Bodies {
  const { resources, metrics, points } = shape;
  const message = {
    resourceMetrics: Array.from({ length: resources }, (_, at) => ({
      resource: resource(at),
      scopeMetrics: [
        {
          scope: { name: 'bench', version: '1.0.0' },
          metrics: Array.from({ length: metrics }, (_unused, metric) => ({
            name: `http.server.request.${metric}`,
            description: 'Requests that a server has answered.',
            unit: metric % 2 === 0 ? 's' : '{request}',
            ...dataOf(shape.kind, { metric, points, timeMs }),
          })),
        },
      ],
    })),
  };
  return encoded('metrics', message, resources * metrics * points);
}

interface DataShape {
  readonly metric: number;
  readonly points: number;
  readonly timeMs: number;
}

function dataOf(kind: MetricsShape['kind'], { metric, points, timeMs }: DataShape): object {
  const startTimeUnixNano = ns(timeMs - (timeMs % 3_600_000) - 3_600_000);
  const timeUnixNano = ns(timeMs);
  const dataPoints = Array.from({ length: points }, (_, point) => ({
    attributes: [
      attribute('http.route', `/api/v1/things/${point}`),
      attribute('http.request.method', point % 3 === 0 ? 'GET' : 'POST'),
      { key: 'http.response.status_code', value: { intValue: 200 + (point % 4) } },
    ],
    startTimeUnixNano,
    timeUnixNano,
    ...valueOf(kind, (timeMs / 1000) * (point + 1) + metric),
  }));
  if (kind === 'histogram') return { histogram: { dataPoints, aggregationTemporality: 2 } };
  if (kind === 'exponential') return { exponentialHistogram: { dataPoints, aggregationTemporality: 2 } };
  return { sum: { dataPoints, aggregationTemporality: kind === 'delta' ? 1 : 2, isMonotonic: true } };
}

function valueOf(kind: MetricsShape['kind'], value: number): object {
  if (kind === 'histogram') {
    const bucketCounts = Array.from({ length: 15 }, (_, bucket) => bucket);
    const explicitBounds = [5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000];
    return { count: 105, sum: value, bucketCounts, explicitBounds };
  }
  if (kind === 'exponential') {
    const bucketCounts = Array.from({ length: 40 }, () => 2);
    return { count: 80, sum: value, scale: 3, positive: { offset: -10, bucketCounts } };
  }
  return { asDouble: value };
}

export function tracesBodies(spans: number, timeMs: number): Bodies {
  const message = {
    resourceSpans: [
      {
        resource: resource(1),
        scopeSpans: [
          {
            scope: { name: 'bench', version: '1.0.0' },
            spans: Array.from({ length: spans }, (_, at) => ({
              traceId: id(at >>> 3, 16),
              spanId: id(at + 1, 8),
              ...(at % 8 === 0 ? {} : { parentSpanId: id(at - (at % 8) + 1, 8) }),
              name: `GET /api/v1/things/${at % 50}`,
              kind: 2,
              startTimeUnixNano: ns(timeMs),
              endTimeUnixNano: ns(timeMs + 25),
              attributes: [
                attribute('http.route', '/api/v1/things/:id'),
                attribute('http.request.method', 'GET'),
                attribute('url.full', `https://things.example.net/api/v1/things/${at}?page=1`),
                { key: 'http.response.status_code', value: { intValue: 200 } },
              ],
              events: [
                { timeUnixNano: ns(timeMs + 1), name: 'cache.miss', attributes: [attribute('key', `${at}`)] },
              ],
              status: { code: 1 },
            })),
          },
        ],
      },
    ],
  };
  return encoded('traces', message, spans);
}

export function logsBodies(records: number, timeMs: number): Bodies {
  const message = {
    resourceLogs: [
      {
        resource: resource(1),
        scopeLogs: [
          {
            scope: { name: 'bench' },
            logRecords: Array.from({ length: records }, (_, at) => ({
              timeUnixNano: ns(timeMs),
              observedTimeUnixNano: ns(timeMs),
              severityNumber: 9,
              severityText: 'INFO',
              body: {
                stringValue: `request ${at} was answered in ${at % 100} ms, which is neither fast nor slow`,
              },
              attributes: [
                attribute('http.route', '/api/v1/things/:id'),
                attribute('user.agent', 'bench/1.0'),
              ],
              traceId: id(at, 16),
              spanId: id(at + 1, 8),
            })),
          },
        ],
      },
    ],
  };
  return encoded('logs', message, records);
}

function id(number: number, bytes: number): string {
  return (number + 1).toString(16).padStart(2 * bytes, 'a');
}

/** The message in both encodings: ids are hex in JSON, and bytes in protobuf. */
function encoded(signal: Signal, message: object, elements: number): Bodies {
  const text = JSON.stringify(message);
  const withBytes = JSON.parse(text, (key, value: unknown) =>
    /^(?:traceId|spanId|parentSpanId)$/.test(key) && typeof value === 'string'
      ? Buffer.from(value, 'hex').toString('base64')
      : value,
  ) as Record<string, unknown>;
  const type = REQUEST_TYPES[signal];
  return {
    signal,
    elements,
    protobuf: type.encode(type.fromObject(withBytes)).finish(),
    json: Buffer.from(text),
  };
}
