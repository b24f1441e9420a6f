/**
 * The tracing port. A trace context travels as a W3C traceparent string, in memory as in the database, so that
 * a trace survives a restart of the server and crosses every queue.
 */
export interface Tracing {
  startSpan(name: string, options: SpanOptions): Span;
}

export interface SpanOptions {
  /** traceparent of the parent; null starts a new trace. */
  readonly parent: string | null;
  /** traceparents of spans that this one joins without being their child. */
  readonly links?: readonly string[];
  readonly attributes?: SpanAttributes;
  /** Wall ms since epoch; now where absent. For what is recorded after the fact. */
  readonly startAtMs?: number;
}

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

export interface Span {
  readonly traceparent: string;
  setAttributes(attributes: SpanAttributes): void;
  addLink(traceparent: string): void;
  addEvent(name: string, attributes?: SpanAttributes): void;
  /** Marks the span as failed; it still has to be ended. */
  fail(message: string): void;
  /** @param endAtMs wall ms since epoch; now where absent */
  end(endAtMs?: number): void;
}

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;

/** The 32 hex digits of the trace, or null for what is no traceparent. */
export function traceIdOf(traceparent: string | null): string | null {
  return traceparent === null ? null : (TRACEPARENT.exec(traceparent)?.[1] ?? null);
}

/** The 16 hex digits of the span, or null for what is no traceparent. */
export function spanIdOf(traceparent: string | null): string | null {
  return traceparent === null ? null : (TRACEPARENT.exec(traceparent)?.[2] ?? null);
}
