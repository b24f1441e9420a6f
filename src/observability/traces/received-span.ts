import { SPAN_KINDS, SPAN_STATUSES, type StoredSpan } from './stored-span.ts';

/** A span that somebody else recorded, as OTLP carries it. Times are nanoseconds since the epoch. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly name: string;
  /** OTLP's span kind, 0 (unspecified) to 5 (consumer). */
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** OTLP's status code: 0 unset, 1 ok, 2 error. */
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly serviceName: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly {
    readonly name: string;
    readonly atNs: bigint;
    readonly attributes: Readonly<Record<string, unknown>>;
  }[];
  readonly links: readonly {
    readonly traceId: string;
    readonly spanId: string;
    readonly attributes: Readonly<Record<string, unknown>>;
  }[];
}

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
