/** How spans are kept and shown. Microseconds since the epoch are integers that a double holds exactly. */
export interface StoredSpan {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly name: string;
  readonly kind: SpanKindName;
  readonly serviceName: string;
  readonly startUs: number;
  readonly endUs: number;
  readonly status: SpanStatusName;
  readonly statusMessage: string | null;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly StoredLink[];
  readonly events: readonly StoredSpanEvent[];
}

interface StoredLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

interface StoredSpanEvent {
  readonly name: string;
  readonly atUs: number;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** The attribute of a span that had not ended when it was sent, with the value false. */
export const ENDED_ATTRIBUTE = 'omoi.span.ended';

export const SPAN_KINDS = ['internal', 'server', 'client', 'producer', 'consumer'] as const;
export type SpanKindName = (typeof SPAN_KINDS)[number];

export const SPAN_STATUSES = ['unset', 'ok', 'error'] as const;
export type SpanStatusName = (typeof SPAN_STATUSES)[number];

/** A trace in one line. */
export interface TraceSummary {
  readonly traceId: string;
  /** Of the span that started first. */
  readonly name: string;
  readonly serviceName: string;
  readonly startUs: number;
  readonly endUs: number;
  readonly spanCount: number;
  readonly errorCount: number;
  readonly about: TraceAbout;
}

/** What a trace is about, as its spans say; null for what none of them says. */
export interface TraceAbout {
  readonly ruleId: string | null;
  readonly agentId: string | null;
  readonly poolId: string | null;
  /** Of the agent that was started. */
  readonly generation: number | null;
  readonly policy: string | null;
  /** How the repair ended; without one how the alert did. Null while that goes on. */
  readonly outcome: string | null;
  readonly metricName: string | null;
  /** That a message went to, `team-x/webhook/0`. */
  readonly integration: string | null;
  readonly taskType: string | null;
}
