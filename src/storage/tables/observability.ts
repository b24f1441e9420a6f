export interface ObservabilityTables {
  trace_spans: {
    trace_id: string;
    span_id: string;
    parent_span_id: string | null;
    name: string;
    /** internal, server, client, producer or consumer */
    kind: string;
    service_name: string;
    /** Microseconds since epoch. */
    start_us: number;
    end_us: number;
    /** unset, ok or error */
    status: string;
    status_message: string | null;
    /** JSON object. */
    attributes: string;
    /** JSON array of {traceId, spanId, attributes}. */
    links: string;
    /** JSON array of {name, atUs, attributes}. */
    events: string;
  };
}
