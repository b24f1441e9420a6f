import type { ReceivedLogRecord, ReceivedSpan } from '#telemetry';
import { REQUEST_TYPES, type Signal } from './bodies.ts';

// What reading traces and logs with protobufjs would take: decoding, and what Omoi keeps, built from the objects. It
// checks less than Omoi does, and reads only what the bodies hold.

interface Value {
  readonly stringValue?: string | null;
  readonly intValue?: { toNumber(): number } | number | null;
}
type Attributes = readonly { readonly key: string; readonly value: Value }[];
interface Long {
  readonly low: number;
  readonly high: number;
}
interface Decoded {
  readonly resourceSpans?: readonly OfResource[];
  readonly resourceLogs?: readonly OfResource[];
}
interface OfResource {
  readonly resource: { readonly attributes: Attributes };
  readonly scopeSpans?: readonly { readonly spans: readonly DecodedSpan[] }[];
  readonly scopeLogs?: readonly { readonly logRecords: readonly DecodedRecord[] }[];
}
interface DecodedSpan {
  readonly traceId: Buffer;
  readonly spanId: Buffer;
  readonly parentSpanId: Buffer;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: Long;
  readonly endTimeUnixNano: Long;
  readonly attributes: Attributes;
  readonly events: readonly {
    readonly name: string;
    readonly timeUnixNano: Long;
    readonly attributes: Attributes;
  }[];
  readonly status: { readonly code: number; readonly message: string };
}
interface DecodedRecord {
  readonly timeUnixNano: Long;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly body: Value;
  readonly traceId: Buffer;
  readonly spanId: Buffer;
  readonly attributes: Attributes;
}

/** Decodes a body and builds its spans or records; how many. */
export function builtFrom(signal: Exclude<Signal, 'metrics'>, body: Uint8Array): number {
  // The decoder's objects are of the shape that the schema gives them.
  const decoded = REQUEST_TYPES[signal].decode(body) as unknown as Decoded;
  let built = 0;
  for (const { resource, scopeSpans = [], scopeLogs = [] } of [
    ...(decoded.resourceSpans ?? []),
    ...(decoded.resourceLogs ?? []),
  ]) {
    const inherited = plain(resource.attributes);
    const spans = scopeSpans.flatMap((scope) => scope.spans.map((span) => spanOf(span, inherited)));
    const records = scopeLogs.flatMap((scope) =>
      scope.logRecords.map((record) => recordOf(record, inherited)),
    );
    built += spans.length + records.length;
  }
  return built;
}

function spanOf(span: DecodedSpan, inherited: Record<string, unknown>): ReceivedSpan {
  return {
    traceId: span.traceId.toString('hex'),
    spanId: span.spanId.toString('hex'),
    parentSpanId: span.parentSpanId.length === 0 ? null : span.parentSpanId.toString('hex'),
    name: span.name,
    kind: span.kind,
    startUs: microseconds(span.startTimeUnixNano),
    endUs: microseconds(span.endTimeUnixNano),
    statusCode: span.status.code,
    statusMessage: span.status.message,
    serviceName: String(inherited['service.name']),
    attributes: { ...inherited, ...plain(span.attributes) },
    events: span.events.map((event) => ({
      name: event.name,
      atUs: microseconds(event.timeUnixNano),
      attributes: plain(event.attributes),
    })),
    links: [],
  };
}

function recordOf(record: DecodedRecord, inherited: Record<string, unknown>): ReceivedLogRecord {
  return {
    atMs: Math.floor(microseconds(record.timeUnixNano) / 1000),
    severityNumber: record.severityNumber,
    severityText: record.severityText,
    message: record.body.stringValue ?? '',
    serviceName: String(inherited['service.name']),
    traceId: record.traceId.toString('hex'),
    spanId: record.spanId.toString('hex'),
    attributes: { ...inherited, ...plain(record.attributes) },
  };
}

function plain(attributes: Attributes): Record<string, unknown> {
  const entries: Record<string, unknown> = {};
  for (const { key, value } of attributes) {
    const { stringValue, intValue } = value;
    entries[key] = stringValue || (typeof intValue === 'object' ? intValue?.toNumber() : intValue);
  }
  return entries;
}

function microseconds({ low, high }: Long): number {
  return (high >>> 0) * 4_294_967.296 + (low >>> 0) / 1000;
}
