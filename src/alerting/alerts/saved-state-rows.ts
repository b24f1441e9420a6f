import { lockRows, type StateTransaction, type StateTables } from '#storage';

export type RuleStateRow = StateTables['alert_rule_state'];

/** What changes of the label sets that one rule has to remember beside its firing episodes. */
export interface SavedStateChange {
  readonly ruleKey: string;
  /** Rows to write, new or anew. */
  readonly put: readonly RuleStateRow[];
  /** The fingerprints of rows to delete. */
  readonly remove: readonly string[];
}

/** Writes the change, in a statement for each of its two kinds. Bounded by the caller: a row has ten parameters. */
export async function writeSavedStates(tx: StateTransaction, change: SavedStateChange): Promise<void> {
  const { ruleKey, put, remove } = change;
  if (remove.length > 0) {
    await tx.db
      .deleteFrom('alert_rule_state')
      .where('rule_key', '=', ruleKey)
      .where('fingerprint', 'in', remove)
      .execute();
  }
  if (put.length === 0) return;
  await tx.db
    .insertInto('alert_rule_state')
    .values([...put])
    .onConflict((conflict) =>
      conflict.columns(['rule_key', 'fingerprint']).doUpdateSet((excluded) => ({
        state: excluded.ref('excluded.state'),
        value: excluded.ref('excluded.value'),
        active_at_ms: excluded.ref('excluded.active_at_ms'),
        missed_since_ms: excluded.ref('excluded.missed_since_ms'),
        evaluated_at_ms: excluded.ref('excluded.evaluated_at_ms'),
        traceparent: excluded.ref('excluded.traceparent'),
      })),
    )
    .execute();
}

/**
 * Confirms that what is saved of the rules is still so: a downtime is counted from here.
 * @param nowMs by the clock of evaluations, which does not follow the wall clock back
 */
export async function confirmSavedStates(
  tx: StateTransaction,
  ruleKeys: readonly string[],
  nowMs: number,
): Promise<void> {
  await lockRows(tx, { table: 'alert_rules', key: 'rule_key', ids: ruleKeys });
  await tx.db
    .updateTable('alert_rules')
    .set({ confirmed_at_ms: Math.floor(nowMs) })
    .where('rule_key', 'in', ruleKeys)
    .execute();
}
