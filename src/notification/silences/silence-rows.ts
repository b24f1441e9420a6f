import type { StateTables } from '#storage';
import { type MatchOperator, parseLabels } from '#telemetry';
import type { Selectable } from 'kysely';
import { createAlertMatcherLater } from '../configuration/matchers/index.ts';
import type { Silence } from './silence.ts';

type SilenceRow = Selectable<StateTables['silences']>;

/** `[[["alertname","=","Down"]]]` */
type StoredSets = readonly (readonly (readonly [name: string, operator: MatchOperator, value: string])[])[];

export function rowOfSilence(silence: Silence): SilenceRow {
  const { end } = silence;
  const sets: StoredSets = silence.matcherSets.map((matchers) =>
    matchers.map(({ name, operator, value }) => [name, operator, value]),
  );
  return {
    id: silence.id,
    matcher_sets: JSON.stringify(sets),
    starts_at_ms: silence.startsAtMs,
    ends_at_ms: silence.endsAtMs,
    created_by: silence.createdBy,
    set_by: silence.setBy,
    comment: silence.comment,
    annotations: JSON.stringify(silence.annotations),
    created_at_ms: silence.createdAtMs,
    updated_at_ms: silence.updatedAtMs,
    until_resolved: silence.untilResolved ? 1 : 0,
    warn_before_ms: silence.warnBeforeMs,
    warned_at_ms: silence.warnedAtMs,
    alert_id: silence.alertId,
    ended_at_ms: end && silence.endsAtMs,
    end_cause: end && end.cause,
    ended_by: end && end.by,
    replaced_by: end && end.replacedBy,
  };
}

/** Its regular expressions are compiled when they are asked first: one that is not taken any more throws then. */
export function silenceOfRow(row: SilenceRow): Silence {
  const sets = JSON.parse(row.matcher_sets) as StoredSets;
  return {
    id: row.id,
    matcherSets: sets.map((matchers) => matchers.map((matcher) => createAlertMatcherLater(...matcher))),
    startsAtMs: row.starts_at_ms,
    endsAtMs: row.ends_at_ms,
    createdBy: row.created_by,
    setBy: row.set_by,
    comment: row.comment,
    annotations: parseLabels(row.annotations),
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    untilResolved: row.until_resolved === 1,
    warnBeforeMs: row.warn_before_ms,
    warnedAtMs: row.warned_at_ms,
    alertId: row.alert_id,
    end:
      row.end_cause === null ? null : { cause: row.end_cause, by: row.ended_by, replacedBy: row.replaced_by },
  };
}

/** What a silence takes in the database. */
export function bytesOfSilence(silence: Silence): number {
  return Buffer.byteLength(JSON.stringify(rowOfSilence(silence)));
}
