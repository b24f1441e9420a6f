import { labelsKey, parseLabels } from '#telemetry';
import type { AlertRow } from '../alerts/alert-row.ts';
import type { RuleStateRow } from '../alerts/saved-state-rows.ts';
import { parseSampleValue } from '../sample-value.ts';
import type { Cause, Instance } from './instance.ts';

/** What lies on disk of one rule. */
export interface SavedRule {
  readonly firing: readonly AlertRow[];
  readonly states: readonly RuleStateRow[];
  /** When the states were last known to be so, wall ms. */
  readonly confirmedAtMs: number;
}

export interface RestoreTimes {
  /** Wall ms at the start. */
  readonly nowMs: number;
  readonly outageToleranceMs: number;
}

/**
 * The label sets of one rule as they stood when Omoi went down. While it was down nothing was seen, so that the
 * time counts neither for `for` nor for `keep_firing_for`: both move by the downtime. A pending alert does not
 * outlive a downtime longer than the tolerance; a firing one outlives any.
 */
export function restoreInstances(rows: SavedRule, times: RestoreTimes): Map<string, Instance> {
  const downtimeOf = (state: RuleStateRow): number =>
    Math.max(0, times.nowMs - Math.max(state.evaluated_at_ms, rows.confirmedAtMs));
  const instances = new Map<string, Instance>();
  const states = new Map(rows.states.map((state) => [state.fingerprint, state]));
  for (const row of rows.firing) {
    const instance = fromFiring(row, states.get(row.fingerprint), downtimeOf);
    instances.set(instance.key, instance);
    states.delete(row.fingerprint);
  }
  for (const state of states.values()) {
    const instance = fromState(state, downtimeOf(state), times);
    if (instance) instances.set(instance.key, instance);
  }
  return instances;
}

/** A firing alert as its row tells of it. @param state whether its condition has been false for a while */
export function fromFiring(
  row: AlertRow,
  state?: RuleStateRow,
  downtimeOf?: (state: RuleStateRow) => number,
): Instance {
  const labels = parseLabels(row.labels);
  const missedSinceMs = state?.state === 'keep_firing' ? state.missed_since_ms : null;
  const downtimeMs = state && downtimeOf ? downtimeOf(state) : 0;
  return {
    key: labelsKey(labels),
    labels,
    sourceLabels: parseLabels(row.source_labels),
    fingerprint: row.fingerprint,
    phase:
      missedSinceMs === null
        ? { kind: 'firing', activeAtMs: row.active_at_ms }
        : {
            kind: 'keep_firing',
            activeAtMs: row.active_at_ms,
            missedSinceMs: missedSinceMs + downtimeMs,
            falseSinceMs: null,
          },
    value: parseSampleValue(row.value),
    cause: restoredCause(row.traceparent, row.active_at_ms),
    alertId: row.id,
    traceparent: row.traceparent,
  };
}

function fromState(state: RuleStateRow, downtimeMs: number, times: RestoreTimes): Instance | null {
  // Firing was its row's to tell: without one the episode has ended.
  if (state.state === 'keep_firing') return null;
  if (state.state === 'pending' && downtimeMs > times.outageToleranceMs) return null;
  const labels = parseLabels(state.labels);
  const activeAtMs = state.active_at_ms + (state.state === 'pending' ? downtimeMs : 0);
  return {
    key: labelsKey(labels),
    labels,
    sourceLabels: parseLabels(state.source_labels),
    fingerprint: state.fingerprint,
    phase: { kind: state.state, activeAtMs },
    value: parseSampleValue(state.value),
    cause: restoredCause(state.traceparent, activeAtMs),
    alertId: null,
    traceparent: null,
  };
}

function restoredCause(parent: string | null, activeAtMs: number): Cause {
  return {
    parent,
    links: [],
    receivedAtMs: null,
    evaluatedFromMs: activeAtMs,
    evaluatedToMs: activeAtMs,
  };
}
