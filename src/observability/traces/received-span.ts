import type { ReceivedSpan } from '#telemetry';
import { ENDED_ATTRIBUTE, SPAN_KINDS, SPAN_STATUSES, type StoredSpan } from './stored-span.ts';

export function storedFromReceived(span: ReceivedSpan): StoredSpan {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    name: span.name,
    // OTLP counts from 1 (internal); 0 says nothing, and is read as internal.
    kind: SPAN_KINDS[Math.max(0, span.kind - 1)] ?? 'internal',
    serviceName: span.serviceName,
    startUs: span.startUs,
    endUs: span.endUs ?? span.startUs,
    status: SPAN_STATUSES[span.statusCode] ?? 'unset',
    statusMessage: span.statusMessage === '' ? null : span.statusMessage,
    attributes: span.endUs === null ? { ...span.attributes, [ENDED_ATTRIBUTE]: false } : span.attributes,
    links: span.links,
    events: span.events,
  };
}
