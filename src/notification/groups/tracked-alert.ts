import { fingerprintOf, labelValue, type Labels } from '#telemetry';
import type { StoredAlert } from '../notified-alert.ts';
import type { AlertTriggered } from '../ports.ts';

/** An alert with which notification is not done, as its groups hold it. Its texts are read when a message is written. */
export interface TrackedAlert {
  readonly alertId: string;
  readonly fingerprint: string;
  readonly labels: Labels;
  readonly severity: string;
  readonly startsAtMs: number;
  /** Wall ms at which Omoi heard that it fires. */
  readonly firedAtMs: number;
  readonly traceparent: string | null;
  /** Null while it fires. Changed by `Dispatcher` alone, as is `acknowledgedBy`. */
  endsAtMs: number | null;
  acknowledgedBy: string | null;
  /** Wall ms until which it is snoozed, or was; null where it never was. */
  snoozedUntilMs: number | null;
  /** Whether it was inhibited as it fired and was last looked at: where nobody has heard of it, nobody hears of its end. */
  isInhibited: boolean;
}

export function trackedAlert(alert: StoredAlert): TrackedAlert {
  const { alertId, fingerprint, labels, startsAtMs, firedAtMs, endsAtMs, traceparent } = alert;
  const { acknowledgedBy, snoozedUntilMs } = alert;
  const severity = labelValue(labels, 'severity');
  return {
    alertId,
    fingerprint,
    labels,
    severity,
    startsAtMs,
    firedAtMs,
    traceparent,
    endsAtMs,
    acknowledgedBy,
    snoozedUntilMs,
    isInhibited: false,
  };
}

/** One that has begun to fire, as its event tells of it. */
export function alertThatBegins({ payload, at, traceparent }: AlertTriggered): TrackedAlert {
  const { alert_id: alertId, labels, severity, starts_at: startsAt } = payload;
  return {
    alertId,
    fingerprint: fingerprintOf(labels),
    labels,
    severity,
    startsAtMs: Date.parse(startsAt ?? at),
    firedAtMs: Date.parse(at),
    traceparent,
    endsAtMs: null,
    acknowledgedBy: null,
    snoozedUntilMs: null,
    isInhibited: false,
  };
}
