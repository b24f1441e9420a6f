import type { StateTables } from '#storage';
import { parseLabels, labelsKey } from '#telemetry';
import { parseSampleValue } from '../sample-value.ts';
import type { Cause, Instance } from './instance.ts';

export type AlertRow = StateTables['alerts'];
export type RuleStateRow = StateTables['alert_rule_state'];

/**
 * The label sets of one rule as they stood when Omoi went down. While it was down nothing was seen, so that the
 * time counts neither for `for` nor for `keep_firing_for`: both move by the downtime. A pending alert does not
 * outlive a downtime longer than the tolerance; a firing one outlives any.
 * @param nowMs wall ms at the start
 */
export function restoreInstances(
  rows: { readonly firing: readonly AlertRow[]; readonly states: readonly RuleStateRow[] },
  times: { readonly nowMs: number; readonly outageToleranceMs: number },
): ReadonlyMap<string, Instance> {
  const instances = new Map<string, Instance>();
  const states = new Map(rows.states.map((state) => [state.fingerprint, state]));
  for (const row of rows.firing) {
    const instance = fromFiring(row, states.get(row.fingerprint), times.nowMs);
    instances.set(instance.key, instance);
    states.delete(row.fingerprint);
  }
  for (const state of states.values()) {
    const instance = fromState(state, times);
    if (instance) instances.set(instance.key, instance);
  }
  return instances;
}

function fromFiring(row: AlertRow, state: RuleStateRow | undefined, nowMs: number): Instance {
  const labels = parseLabels(row.labels);
  const missedSinceMs = state?.state === 'subsiding' ? state.missed_since_ms : null;
  const downtimeMs = state ? Math.max(0, nowMs - state.evaluated_at_ms) : 0;
  return {
    key: labelsKey(labels),
    labels,
    sourceLabels: parseLabels(row.source_labels),
    fingerprint: row.fingerprint,
    phase:
      missedSinceMs === null
        ? { kind: 'firing', activeAtMs: row.active_at_ms }
        : { kind: 'subsiding', activeAtMs: row.active_at_ms, missedSinceMs: missedSinceMs + downtimeMs },
    value: parseSampleValue(row.value),
    cause: restoredCause(row.traceparent, row.active_at_ms),
    alertId: row.id,
    traceparent: row.traceparent,
  };
}

function fromState(
  state: RuleStateRow,
  times: { readonly nowMs: number; readonly outageToleranceMs: number },
): Instance | null {
  // Firing was its row's to tell: without one the episode has ended.
  if (state.state === 'subsiding') return null;
  const downtimeMs = Math.max(0, times.nowMs - state.evaluated_at_ms);
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
