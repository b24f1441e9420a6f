import type { Generated } from 'kysely';

export interface EventTables {
  events: {
    id: Generated<number>;
    event_type: string;
    entity_type: string;
    entity_id: string;
    payload: string;
    at_ms: number;
    traceparent: string | null;
    /** The trace of `traceparent`, so that a trace's events are found by an index. */
    trace_id: string | null;
  };
  /** How far each durable consumer has come. */
  event_cursors: {
    consumer: string;
    last_event_id: number;
    updated_at_ms: number;
  };
}
