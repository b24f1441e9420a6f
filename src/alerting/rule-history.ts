import type { StateDatabase } from '#storage';
import type { AlertState, ResolutionCause } from '#telemetry';
import type { RuleState } from './state/rule-state.ts';

/** An episode, as far as a history shows it. */
export interface PastEpisode {
  readonly id: string;
  /** Of the alert, as JSON. */
  readonly labels: string;
  readonly state: AlertState;
  readonly firedAtMs: number;
  /** Null while it fires. */
  readonly resolvedAtMs: number | null;
  readonly cause: ResolutionCause | null;
}

export interface RuleHistory {
  /** The newest first. */
  readonly episodes: readonly PastEpisode[];
  /** Whether there are older ones in the span that are not named. */
  readonly isCut: boolean;
}

/** Of a history; who wants more looks at a shorter span. */
const maxPastEpisodes = 2000;

/**
 * When a rule fired in [fromMs, toMs), the newest episodes first; wall time in ms. Of those that began before the span the newest
 * ones are looked at, as many as a history names: what it costs does not grow with the past.
 */
export async function ruleHistory(
  database: StateDatabase,
  { key, definition }: RuleState,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): Promise<RuleHistory> {
  const newest = database.reader
    .selectFrom('alerts')
    .select(['id', 'labels', 'state', 'fired_at_ms', 'resolved_at_ms', 'cause'])
    .where('rule_id', '=', definition.rule.id)
    .where('rule_key', '=', key)
    .orderBy('fired_at_ms', 'desc')
    .orderBy('id', 'desc')
    .limit(maxPastEpisodes + 1);
  const within = await newest.where('fired_at_ms', '<', toMs).where('fired_at_ms', '>=', fromMs).execute();
  const isFull = within.length > maxPastEpisodes;
  const before = isFull ? [] : await newest.where('fired_at_ms', '<', fromMs).execute();
  const reaching = before.filter(({ resolved_at_ms: endMs }) => endMs === null || endMs >= fromMs);
  const rows = [...within, ...reaching];
  const episodes = rows.slice(0, maxPastEpisodes).map((row) => ({
    id: row.id,
    labels: row.labels,
    state: row.state,
    firedAtMs: row.fired_at_ms,
    resolvedAtMs: row.resolved_at_ms,
    cause: row.cause,
  }));
  return { episodes, isCut: rows.length > maxPastEpisodes };
}
