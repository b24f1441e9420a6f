import type { StateDatabase } from '#storage';
import type { Clock } from '#telemetry';
import { FIRING, POSTED_RULE_KEY } from '../alerts/alert-row.ts';
import type { SlicedWork } from '../evaluation/sliced-work.ts';
import { AlertStates, type AlertStatesParts } from './alert-states.ts';
import type { SavedRule } from './restore.ts';

/** What lies on disk, by rule key. */
export async function readSavedRules(database: StateDatabase): Promise<ReadonlyMap<string, SavedRule>> {
  const { reader } = database;
  const firing = await reader
    .selectFrom('alerts')
    .selectAll()
    .where('state', '=', FIRING)
    .where('rule_key', '!=', POSTED_RULE_KEY)
    .execute();
  const states = await reader.selectFrom('alert_rule_state').selectAll().execute();
  const confirmed = await reader
    .selectFrom('alert_rules')
    .select(['rule_key', 'confirmed_at_ms'])
    .where('confirmed_at_ms', 'is not', null)
    .execute();
  const confirmedAtMs = new Map(confirmed.map((row) => [row.rule_key, row.confirmed_at_ms ?? 0]));
  const firingByRule = Map.groupBy(firing, (row) => row.rule_key);
  const statesByRule = Map.groupBy(states, (row) => row.rule_key);
  const keys = new Set([...firingByRule.keys(), ...statesByRule.keys()]);
  return new Map(
    [...keys].map((key) => [
      key,
      {
        firing: firingByRule.get(key) ?? [],
        states: statesByRule.get(key) ?? [],
        confirmedAtMs: confirmedAtMs.get(key) ?? 0,
      },
    ]),
  );
}

/** Ends what belongs to no rule any more, as if a person had removed the rule just now. */
export function* endOrphan(
  ruleKey: string,
  rows: SavedRule,
  parts: AlertStatesParts & { readonly clock: Clock },
): SlicedWork<void> {
  const receivedAtMs = parts.clock.wallMs();
  const receivedMonotonicMs = parts.clock.monotonicMs();
  const timeMs = Math.floor(receivedAtMs);
  const origin = { source: 'rule', traceparent: null, receivedAtMs, receivedMonotonicMs } as const;
  const orphan = new AlertStates(ruleKey, parts);
  const times = { nowMs: timeMs, outageToleranceMs: Number.POSITIVE_INFINITY };
  yield* orphan.restore(rows, times, { timeMs, repeat: true, origin });
  // A moment later: a series has one sample a time.
  yield* orphan.endAll({ timeMs: timeMs + 1, repeat: false, origin });
  const alerts = rows.firing.length;
  parts.logger.info({ rule: ruleKey, alerts }, 'Alerts ended: their rule is not loaded any more');
}
