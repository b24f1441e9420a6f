import { OmoiError } from '#telemetry';
import { z } from 'zod';
import { limitJson } from './json-limit.ts';
import { readMessage } from './protobuf-reader.ts';
import { EXPORT_REQUESTS, type Signal } from './wire.ts';

/** 64-bit integers may be numbers or decimal strings; nanoseconds do not fit a double. */
const integer64 = z
  .union([z.string().regex(/^-?\d+$/), z.number().int()])
  .transform((value) => BigInt(value));
/** JSON writes the special doubles as text. */
const double = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity']).transform(Number)]);
const count = z.union([z.number(), z.string().regex(/^\d+$/)]).transform(Number);
/** Enums are numbers, or their protobuf names. */
const temporality = z.union([z.number(), z.string()]).transform((value) => {
  if (value === 'AGGREGATION_TEMPORALITY_DELTA') return 1;
  if (value === 'AGGREGATION_TEMPORALITY_CUMULATIVE') return 2;
  return Number(value);
});
const small = z.union([z.number(), z.string()]).transform(Number);

const anyValue = z.looseObject({
  stringValue: z.string().optional(),
  boolValue: z.boolean().optional(),
  intValue: z.union([z.string(), z.number()]).optional(),
  doubleValue: z.union([z.number(), z.string()]).optional(),
  arrayValue: z.unknown().optional(),
  kvlistValue: z.unknown().optional(),
  bytesValue: z.string().optional(),
});
const attributes = z.array(z.object({ key: z.string(), value: anyValue.optional() })).default([]);
const resource = z.object({ attributes }).optional();
const scope = z.object({ name: z.string().optional(), version: z.string().optional() }).optional();

const pointBase = { attributes, timeUnixNano: integer64.default(0n), flags: small.default(0) };
const numberPoint = z.object({
  ...pointBase,
  asDouble: double.optional(),
  asInt: count.or(integer64.transform(Number)).optional(),
});
const histogramPoint = z.object({
  ...pointBase,
  count: count.default(0),
  sum: double.optional(),
  bucketCounts: z.array(count).default([]),
  explicitBounds: z.array(double).default([]),
});
const buckets = z
  .object({ offset: z.number().int().default(0), bucketCounts: z.array(count).default([]) })
  .optional();
const exponentialPoint = z.object({
  ...pointBase,
  count: count.default(0),
  sum: double.optional(),
  scale: z.number().int().default(0),
  zeroCount: count.default(0),
  zeroThreshold: double.default(0),
  positive: buckets,
  negative: buckets,
});
const summaryPoint = z.object({
  ...pointBase,
  count: count.default(0),
  sum: double.default(0),
  quantileValues: z.array(z.object({ quantile: double.default(0), value: double.default(0) })).default([]),
});

const metric = z.object({
  name: z.string().min(1),
  description: z.string().default(''),
  unit: z.string().default(''),
  gauge: z.object({ dataPoints: z.array(numberPoint).default([]) }).optional(),
  sum: z
    .object({
      dataPoints: z.array(numberPoint).default([]),
      aggregationTemporality: temporality.default(0),
      isMonotonic: z.boolean().default(false),
    })
    .optional(),
  histogram: z
    .object({
      dataPoints: z.array(histogramPoint).default([]),
      aggregationTemporality: temporality.default(0),
    })
    .optional(),
  exponentialHistogram: z
    .object({
      dataPoints: z.array(exponentialPoint).default([]),
      aggregationTemporality: temporality.default(0),
    })
    .optional(),
  summary: z.object({ dataPoints: z.array(summaryPoint).default([]) }).optional(),
});

const traceId = z
  .string()
  .regex(/^[0-9a-fA-F]{32}$/)
  .transform((id) => id.toLowerCase());
const spanId = z
  .string()
  .regex(/^[0-9a-fA-F]{16}$/)
  .transform((id) => id.toLowerCase());
const noId = z.literal('').transform(() => null);

const span = z.object({
  traceId,
  spanId,
  parentSpanId: z.union([noId, spanId]).nullable().default(null),
  name: z.string().default(''),
  kind: small.default(0),
  startTimeUnixNano: integer64,
  endTimeUnixNano: integer64,
  attributes,
  events: z
    .array(z.object({ timeUnixNano: integer64.default(0n), name: z.string().default(''), attributes }))
    .default([]),
  links: z.array(z.object({ traceId, spanId, attributes })).default([]),
  status: z.object({ code: small.default(0), message: z.string().default('') }).optional(),
});

const logRecord = z.object({
  timeUnixNano: integer64.default(0n),
  observedTimeUnixNano: integer64.default(0n),
  severityNumber: small.default(0),
  severityText: z.string().default(''),
  body: anyValue.optional(),
  attributes,
  traceId: z.union([noId, traceId]).nullable().default(null),
  spanId: z.union([noId, spanId]).nullable().default(null),
  eventName: z.string().optional(),
});

const requests = {
  metrics: z.object({
    resourceMetrics: z
      .array(
        z.object({
          resource,
          scopeMetrics: z.array(z.object({ scope, metrics: z.array(metric).default([]) })).default([]),
        }),
      )
      .default([]),
  }),
  traces: z.object({
    resourceSpans: z
      .array(
        z.object({
          resource,
          scopeSpans: z.array(z.object({ scope, spans: z.array(span).default([]) })).default([]),
        }),
      )
      .default([]),
  }),
  logs: z.object({
    resourceLogs: z
      .array(
        z.object({
          resource,
          scopeLogs: z.array(z.object({ scope, logRecords: z.array(logRecord).default([]) })).default([]),
        }),
      )
      .default([]),
  }),
} as const;

export type MetricsRequest = z.output<typeof requests.metrics>;
export type TracesRequest = z.output<typeof requests.traces>;
export type LogsRequest = z.output<typeof requests.logs>;
export type OtlpMetric = MetricsRequest['resourceMetrics'][number]['scopeMetrics'][number]['metrics'][number];
export type OtlpAttributes = z.output<typeof attributes>;
export type OtlpAnyValue = z.output<typeof anyValue>;

export interface OtlpRequests {
  readonly metrics: MetricsRequest;
  readonly traces: TracesRequest;
  readonly logs: LogsRequest;
}

/** How a request is written; its answer is written the same way. */
export type Encoding = 'protobuf' | 'json';

/**
 * Reads an export request.
 * @throws OmoiError `malformed_json`, `body_too_large`, or `payload_undecodable` with the byte or the field
 */
export function readRequest<Kind extends Signal>(
  signal: Kind,
  encoding: Encoding,
  body: Uint8Array,
): OtlpRequests[Kind] {
  const raw = encoding === 'protobuf' ? readMessage(body, EXPORT_REQUESTS[signal]) : readJson(body);
  const parsed = requests[signal].safeParse(raw);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const place = issue?.path.join('.') ?? '';
    throw new OmoiError(
      'payload_undecodable',
      `OTLP ${signal}, ${place || 'top level'}: ${issue?.message ?? 'invalid'}`,
      { place },
    );
  }
  // The schema of a signal gives that signal's request; the index by Kind loses the tie.
  return parsed.data as OtlpRequests[Kind];
}

function readJson(body: Uint8Array): unknown {
  limitJson(body);
  try {
    return JSON.parse(Buffer.from(body).toString('utf8')) as unknown;
  } catch (thrown) {
    throw new OmoiError('malformed_json', thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/** The plain value of an attribute: structures as they are in JSON. */
export function plainValue(value: OtlpAnyValue | undefined): unknown {
  if (value === undefined) return null;
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.doubleValue !== undefined) return Number(value.doubleValue);
  if (value.bytesValue !== undefined) return value.bytesValue;
  if (value.arrayValue !== undefined) {
    const { values = [] } = value.arrayValue as { values?: OtlpAnyValue[] };
    return values.map(plainValue);
  }
  if (value.kvlistValue !== undefined) {
    const { values = [] } = value.kvlistValue as { values?: { key: string; value?: OtlpAnyValue }[] };
    return Object.fromEntries(values.map((pair) => [pair.key, plainValue(pair.value)]));
  }
  return null;
}

/** Attributes as a record of plain values. */
export function plainAttributes(list: OtlpAttributes): Readonly<Record<string, unknown>> {
  return Object.fromEntries(list.map(({ key, value }) => [key, plainValue(value)]));
}
