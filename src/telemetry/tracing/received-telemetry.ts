/** A span that somebody else recorded. Times are microseconds since the epoch, integers that a double holds exactly. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly name: string;
  /** OTLP's span kind, 0 (unspecified) to 5 (consumer). */
  readonly kind: number;
  readonly startUs: number;
  /** Null where it had not ended when it was sent. */
  readonly endUs: number | null;
  /** OTLP's status code: 0 unset, 1 ok, 2 error. */
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly serviceName: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly {
    readonly name: string;
    readonly atUs: number;
    readonly attributes: Readonly<Record<string, unknown>>;
  }[];
  readonly links: readonly {
    readonly traceId: string;
    readonly spanId: string;
    readonly attributes: Readonly<Record<string, unknown>>;
  }[];
}

/** A log record that somebody else wrote, as OTLP carries it. */
export interface ReceivedLogRecord {
  readonly atMs: number;
  /** 1 to 24; 0 where nobody said. */
  readonly severityNumber: number;
  readonly severityText: string;
  readonly message: string;
  readonly serviceName: string;
  readonly traceId: string | null;
  readonly spanId: string | null;
  readonly attributes: Readonly<Record<string, unknown>>;
}
