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
 * outlive a downtime longer than the tolerance; a firing one outlives any. Where the clock was set back meanwhile, both move
 * back with it: nothing waits for a time that the clock has yet to reach.
 */
export function restoreInstances(rows: SavedRule, times: RestoreTimes): Map<string, Instance> {
  const awayMsOf = (state: RuleStateRow): number =>
    times.nowMs - lastKnownMs(state, rows.confirmedAtMs, times.nowMs);
  const instances = new Map<string, Instance>();
  const states = new Map(rows.states.map((state) => [state.fingerprint, state]));
  for (const row of rows.firing) {
    const state = states.get(row.fingerprint);
    const instance = fromFiring(row, state && { state, awayMs: awayMsOf(state), nowMs: times.nowMs });
    instances.set(instance.key, instance);
    states.delete(row.fingerprint);
  }
  for (const state of states.values()) {
    const instance = fromState(state, awayMsOf(state), times);
    if (instance) instances.set(instance.key, instance);
  }
  return instances;
}

/**
 * When a state was last known to be so, by the clock that its own times follow. A confirmation ahead of a clock that an
 * evaluation has already followed back says nothing.
 */
function lastKnownMs(state: RuleStateRow, confirmedAtMs: number, nowMs: number): number {
  const isConfirmedAhead = confirmedAtMs > nowMs && state.evaluated_at_ms <= nowMs;
  return isConfirmedAhead ? state.evaluated_at_ms : Math.max(state.evaluated_at_ms, confirmedAtMs);
}

/**
 * A firing alert as its row tells of it.
 * @param since whether its condition has been false for a while, and how long nothing was seen, ms: below zero where the
 *   clock was set back
 */
export function fromFiring(
  row: AlertRow,
  since?: { readonly state: RuleStateRow; readonly awayMs: number; readonly nowMs: number },
): Instance {
  const labels = parseLabels(row.labels);
  const missedSinceMs = since?.state.state === 'keep_firing' ? since.state.missed_since_ms : null;
  return {
    key: labelsKey(labels),
    labels,
    sourceLabels: parseLabels(row.source_labels),
    fingerprint: row.fingerprint,
    phase:
      missedSinceMs === null || !since
        ? { kind: 'firing', activeAtMs: row.active_at_ms }
        : {
            kind: 'keep_firing',
            activeAtMs: row.active_at_ms,
            missedSinceMs: Math.min(missedSinceMs + since.awayMs, since.nowMs),
            falseSinceMs: null,
          },
    value: parseSampleValue(row.value),
    cause: restoredCause(row.traceparent, row.active_at_ms),
    alertId: row.id,
    traceparent: row.traceparent,
  };
}

function fromState(state: RuleStateRow, awayMs: number, times: RestoreTimes): Instance | null {
  // Firing was its row's to tell: without one the episode has ended.
  if (state.state === 'keep_firing') return null;
  if (state.state === 'pending' && awayMs > times.outageToleranceMs) return null;
  const labels = parseLabels(state.labels);
  const isPending = state.state === 'pending';
  const activeAtMs = isPending ? Math.min(state.active_at_ms + awayMs, times.nowMs) : state.active_at_ms;
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
