import type { AnomalyKind, AnomalyState } from '#telemetry';

export interface MonitorTables {
  /** One row for each time that a series left its own past; at most one open row a series. */
  monitor_anomalies: {
    id: string;
    metric_name: string;
    /** JSON object, without the metric name. */
    labels: string;
    /** The canonical text of the whole label set: one open row for each. */
    series_key: string;
    kind: AnomalyKind;
    detector: string;
    state: AnomalyState;
    value: number;
    expected: number | null;
    score: number;
    peak_score: number;
    detected_at_ms: number;
    closed_at_ms: number | null;
    acknowledged_by: string | null;
    acknowledged_at_ms: number | null;
    traceparent: string | null;
  };
}
