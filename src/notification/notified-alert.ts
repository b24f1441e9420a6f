import type { Labels } from '#telemetry';

/** An alert as notification sees it: one episode. Times: wall ms. */
export interface NotifiedAlert {
  readonly alertId: string;
  /** FNV-1a 64 of the labels, 16 hex digits: what Alertmanager calls the alert. */
  readonly fingerprint: string;
  /** With `alertname`. */
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly startsAtMs: number;
  /** When it was resolved; null while it fires. */
  readonly endsAtMs: number | null;
  /** The page of what raised it; '' where there is none. */
  readonly generatorUrl: string;
  /** Who has acknowledged it; null while nobody has. */
  readonly acknowledgedBy: string | null;
  /** What the watchdog did about it, in one line; null where it did nothing. */
  readonly remediation: string | null;
  readonly traceparent: string | null;
}

export type NotifiedStatus = 'firing' | 'resolved';

export function statusOf({ endsAtMs }: Pick<NotifiedAlert, 'endsAtMs'>): NotifiedStatus {
  return endsAtMs === null ? 'firing' : 'resolved';
}

/** As it is on disk. */
export interface StoredAlert extends NotifiedAlert {
  /** Wall ms at which Omoi heard that it fires: who posts an alert says when it began, by another clock. */
  readonly firedAtMs: number;
  /** Wall ms at which it was last written. */
  readonly updatedAtMs: number;
  /** Wall ms at which it counts as over unless it is posted again; null where a rule says how it stands. */
  readonly expiresAtMs: number | null;
  /** Wall ms until which people are not told that it fires, or were not; null where it never was snoozed. */
  readonly snoozedUntilMs: number | null;
}
