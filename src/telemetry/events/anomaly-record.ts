/** What a detector says of a series. */
export const ANOMALY_KINDS = ['spike', 'drop', 'threshold_breach', 'pattern_change', 'trend'] as const;

export type AnomalyKind = (typeof ANOMALY_KINDS)[number];

export const ANOMALY_STATES = ['open', 'closed'] as const;

export type AnomalyState = (typeof ANOMALY_STATES)[number];
