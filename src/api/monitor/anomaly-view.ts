import type { AnomalyRow } from '#monitor';
import { parseLabels, toRfc3339, toRfc3339OrNull } from '#telemetry';
import type { z } from 'zod';
import type { anomalyView } from './monitor-schemas.ts';

export function viewOfAnomaly(row: AnomalyRow): z.output<typeof anomalyView> {
  return {
    id: row.id,
    metric_name: row.metric_name,
    labels: parseLabels(row.labels),
    kind: row.kind,
    detector: row.detector,
    state: row.state,
    value: row.value,
    expected: row.expected,
    score: row.score,
    peak_score: row.peak_score,
    detected_at: toRfc3339(row.detected_at_ms),
    closed_at: toRfc3339OrNull(row.closed_at_ms),
    acknowledged_by: row.acknowledged_by,
    acknowledged_at: toRfc3339OrNull(row.acknowledged_at_ms),
    traceparent: row.traceparent,
  };
}
