import type { ActiveAlertState, Labels } from '#telemetry';
import type { Phase } from './transition.ts';

/** What made the condition hold: enough to record its spans later, should the alert ever fire. */
export interface Cause {
  /** The span it descends from; null where nothing upstream was traced. */
  readonly parent: string | null;
  /** Further traced origins. */
  readonly links: readonly string[];
  /** Wall ms when the append arrived that made the rule dirty; null where time alone did. */
  readonly receivedAtMs: number | null;
  /** Wall ms at the start and end of the evaluation that first saw the condition hold. */
  readonly evaluatedFromMs: number;
  readonly evaluatedToMs: number;
}

/** One label set of an alerting rule that is not inactive. Replaced as a whole, never changed. */
export interface Instance {
  /** `labelsKey(labels)` */
  readonly key: string;
  /** After expansion, with `alertname`, without `__name__`: the alert's identity. */
  readonly labels: Labels;
  /** The labels of the result's element, without `__name__`. */
  readonly sourceLabels: Labels;
  readonly fingerprint: string;
  readonly phase: Phase;
  /** The newest value while the condition held. */
  readonly value: number;
  readonly cause: Cause;
  /** The episode's row; null while pending. */
  readonly alertId: string | null;
  /** The episode's span; null while pending. */
  readonly traceparent: string | null;
}

/** How Prometheus calls the phase; a dismissed or inactive one has no name there. */
export function alertState(phase: Phase): ActiveAlertState | null {
  switch (phase.kind) {
    case 'pending':
      return 'pending';
    case 'firing':
    case 'keep_firing':
      return 'firing';
    case 'dismissed':
      return null;
  }
}
