import type { ReceivedSpan } from '#telemetry';
import { SPAN_KINDS, SPAN_STATUSES, type StoredSpan } from './stored-span.ts';

const microseconds = (ns: bigint): number => Number(ns / 1000n);

export function storedFromReceived(span: ReceivedSpan): StoredSpan {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    name: span.name,
    // OTLP counts from 1 (internal); 0 says nothing, and is read as internal.
    kind: SPAN_KINDS[Math.max(0, span.kind - 1)] ?? 'internal',
    serviceName: span.serviceName,
    startUs: microseconds(span.startNs),
    endUs: microseconds(span.endNs),
    status: SPAN_STATUSES[span.statusCode] ?? 'unset',
    statusMessage: span.statusMessage === '' ? null : span.statusMessage,
    attributes: span.attributes,
    links: span.links,
    events: span.events.map((event) => ({
      name: event.name,
      atUs: microseconds(event.atNs),
      attributes: event.attributes,
    })),
  };
}
