import type { SilenceEndCause } from '#telemetry';

/** What notification keeps. */
export interface SilenceTables {
  /** Within its time nobody is told of what a silence accepts. */
  silences: {
    /** A UUID. */
    id: string;
    /** `[[["alertname","=","Down"]]]`: alternatives, of each of which all matchers have to match. */
    matcher_sets: string;
    starts_at_ms: number;
    ends_at_ms: number;
    /** Who it is from, as its author says. */
    created_by: string;
    /** The person or token that asked for it. */
    set_by: string;
    comment: string;
    /** JSON: names and texts. */
    annotations: string;
    created_at_ms: number;
    updated_at_ms: number;
    /** 1: it ends with the alerts that it silences. */
    until_resolved: number;
    /** How long before its end that is told; null: not at all. */
    warn_before_ms: number | null;
    warned_at_ms: number | null;
    /** The alert from which it was made. */
    alert_id: string | null;
    /** Null while it has not ended; then as `ends_at_ms`. */
    ended_at_ms: number | null;
    end_cause: SilenceEndCause | null;
    /** The person or token; null where it ended by itself. */
    ended_by: string | null;
    /** The silence that took its place. */
    replaced_by: string | null;
  };
}
