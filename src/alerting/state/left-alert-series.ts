import type { StateDatabase } from '#storage';
import {
  labelsKey,
  messageOf,
  METRIC_NAME_LABEL,
  SampleBatch,
  withoutLabels,
  type AppendOrigin,
  type Clock,
  type Labels,
  type Logger,
  fingerprintOf,
} from '#telemetry';
import { readResolvedSince } from '../alerts/alert-row.ts';
import {
  ALERT_STATE_LABEL,
  alertsLabels,
  forStateLabels,
  MAX_UNIT_SAMPLES,
} from '../evaluation/alert-series.ts';
import { commitOutputs, type RuleOutlet } from '../evaluation/rule-outlet.ts';
import type { RuleQuery } from '../evaluation/rule-query.ts';
import { waitFor, type SlicedWork } from '../evaluation/sliced-work.ts';
import { alertState, type Instance } from './instance.ts';
import type { SavedRule } from './restore.ts';

/** How far an instant selector looks back: what is older is seen by nobody. */
const LOOKBACK_MS = 300_000;

export interface LeftAlertSeriesParts {
  readonly database: StateDatabase;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly outlet: RuleOutlet;
  /** `ALERTS` */
  readonly alerts: RuleQuery;
  /** The rules as they were taken up. */
  readonly rules: readonly { readonly instances: ReadonlyMap<string, Instance> }[];
  /** What lay on disk at the start. */
  readonly saved: Iterable<SavedRule>;
}

/**
 * Ends the series of alerts that the last process of this server has ended without them: it was killed, or stopped
 * before it knew. Else everybody would see them fire for a look-back window. Others send such series, too, as
 * Prometheus does by remote write: only those end that a row on disk tells to be an alert of here. Never throws.
 */
export function* endLeftAlertSeries(parts: LeftAlertSeriesParts): SlicedWork<void> {
  const { clock, logger, outlet } = parts;
  const receivedAtMs = clock.wallMs();
  // Older than what rules write from now on: a series has one sample a time.
  const timeMs = Math.floor(receivedAtMs) - 1;
  const receivedMonotonicMs = clock.monotonicMs();
  const origin: AppendOrigin = { source: 'rule', traceparent: null, receivedAtMs, receivedMonotonicMs };
  try {
    const batch = new SampleBatch();
    for (const labels of yield* leftSeries(parts, timeMs)) {
      batch.addStale(outlet.sink.series(labels), timeMs);
      if (batch.length >= MAX_UNIT_SAMPLES) commitOutputs(outlet, batch, origin);
      yield;
    }
    commitOutputs(outlet, batch, origin);
  } catch (thrown) {
    logger.warn(
      { error: messageOf(thrown) },
      'Series ALERTS of alerts that have ended not ended: queries see them as firing for up to 5 min',
    );
  }
}

function* leftSeries(parts: LeftAlertSeriesParts, timeMs: number): SlicedWork<readonly Labels[]> {
  const open = new Set<string>();
  const shown = new Set<string>();
  for (const { instances } of parts.rules) {
    for (const { key, labels, phase } of instances.values()) {
      const state = alertState(phase);
      if (state === null) continue;
      open.add(key);
      shown.add(labelsKey({ ...labels, [ALERT_STATE_LABEL]: state }));
      yield;
    }
  }
  const left: { readonly of: Labels; readonly state: string }[] = [];
  for (const { labels } of yield* parts.alerts.evaluate(timeMs)) {
    if (!shown.has(labelsKey(withoutLabels(labels, METRIC_NAME_LABEL)))) {
      const of = withoutLabels(labels, METRIC_NAME_LABEL, ALERT_STATE_LABEL);
      left.push({ of, state: labels[ALERT_STATE_LABEL] ?? '' });
    }
    yield;
  }
  if (left.length === 0) return [];
  const own = yield* ownFingerprints(parts, timeMs - LOOKBACK_MS);
  const series: Labels[] = [];
  for (const { of, state } of left) {
    const isOpen = open.has(labelsKey(of));
    if (isOpen || own.has(fingerprintOf(of))) {
      series.push(alertsLabels(of, state));
      if (!isOpen) series.push(forStateLabels(of));
    }
    yield;
  }
  return series;
}

/** The label sets that were pending or firing here within the look-back, by fingerprint. */
function* ownFingerprints(
  { database, saved }: LeftAlertSeriesParts,
  sinceMs: number,
): SlicedWork<ReadonlySet<string>> {
  const own = new Set<string>(yield* waitFor(readResolvedSince(database, sinceMs)));
  for (const { states } of saved) {
    for (const { fingerprint } of states) own.add(fingerprint);
    yield;
  }
  return own;
}
