/** What the store refuses and how long it keeps things. Every limit is named in the refusal it causes. */
export interface TsdbLimits {
  readonly maxSeries: number;
  readonly maxSeriesPerMetric: number;
  readonly maxLabelsPerSeries: number;
  readonly maxLabelNameLength: number;
  readonly maxLabelValueLength: number;
  /** All names and values of a series: what is told of it, an alert and an event among that, has them all. */
  readonly maxLabelSetLength: number;
  /** How much older than a series' newest sample a sample may be. */
  readonly outOfOrderWindowMs: number;
  /** How far ahead of the server's clock a sample may be. */
  readonly maxAheadMs: number;
  /** How long samples stay in memory; older ones are in the telemetry database, or gone where there is none. */
  readonly headWindowMs: number;
  /** How long samples are kept at all. */
  readonly retentionMs: number;
  /** How much archived chunks may take in the telemetry database; the oldest go first. */
  readonly retentionBytes: number;
  readonly maxExemplars: number;
  /** All names and values of an exemplar's labels together; OpenMetrics allows 128. */
  readonly maxExemplarLabelsLength: number;
  readonly maxMetadataEntries: number;
  /** Longer help texts are cut. */
  readonly maxHelpLength: number;
  /** What may wait in memory for the disk before writes are refused. */
  readonly maxPendingLogBytes: number;
  /** A log that has grown by this much since the last snapshot, and to its size, is replaced by a new one. */
  readonly snapshotEveryLogBytes: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: TsdbLimits = {
  maxSeries: 2_000_000,
  maxSeriesPerMetric: 1_000_000,
  maxLabelsPerSeries: 64,
  maxLabelNameLength: 1024,
  maxLabelValueLength: 8192,
  maxLabelSetLength: 32_768,
  outOfOrderWindowMs: 5 * MINUTE_MS,
  maxAheadMs: 10 * MINUTE_MS,
  headWindowMs: 2 * HOUR_MS,
  retentionMs: 15 * 24 * HOUR_MS,
  retentionBytes: 4096 * MIB,
  maxExemplars: 20_000,
  maxExemplarLabelsLength: 128,
  maxMetadataEntries: 20_000,
  maxHelpLength: 4096,
  maxPendingLogBytes: 64 * MIB,
  snapshotEveryLogBytes: 64 * MIB,
};
