import { sql } from 'kysely';
import type { StateDatabase, StateTransaction } from '#storage';
import { labelsText, type Rule, type RuleGroup } from './rule.ts';
import type { KnownRule } from './rule-identity.ts';

/** Rows of one statement: SQLite and PostgreSQL both limit the parameters of one. */
const MAX_ROWS_PER_STATEMENT = 500;

/** The rules that were loaded last, also by a server of before. */
export async function readKnownRules(database: StateDatabase): Promise<readonly KnownRule[]> {
  const rows = await database.reader
    .selectFrom('alert_rules')
    .select(['rule_key', 'rule_id', 'kind', 'file', 'hash', 'expr', 'labels'])
    .where('removed_at_ms', 'is', null)
    .orderBy('rule_key')
    .execute();
  return rows.map(({ rule_key: key, rule_id: id, ...traits }) => ({ ...traits, key, id }));
}

/** Writes down which rules are loaded now; those that are gone get the time at which they went. */
export async function registerRules(tx: StateTransaction, groups: readonly RuleGroup[]): Promise<void> {
  const nowMs = Math.floor(tx.nowMs);
  const rows = groups.flatMap((group) => group.rules.map((rule) => rowOf(group, rule, nowMs)));
  const known = await tx.db
    .selectFrom('alert_rules')
    .select(['rule_key', 'hash', 'file', 'labels', 'removed_at_ms'])
    .execute();
  const before = new Map(known.map((row) => [row.rule_key, row]));
  const changed = rows.filter((row) => {
    const old = before.get(row.rule_key);
    const isSame = old?.hash === row.hash && old.file === row.file && old.labels === row.labels;
    return !isSame || old.removed_at_ms !== null;
  });
  for (let at = 0; at < changed.length; at += MAX_ROWS_PER_STATEMENT) {
    await tx.db
      .insertInto('alert_rules')
      .values(changed.slice(at, at + MAX_ROWS_PER_STATEMENT))
      .onConflict((conflict) =>
        conflict.column('rule_key').doUpdateSet((excluded) => ({
          rule_id: excluded.ref('excluded.rule_id'),
          kind: excluded.ref('excluded.kind'),
          file: excluded.ref('excluded.file'),
          group_name: excluded.ref('excluded.group_name'),
          name: excluded.ref('excluded.name'),
          expr: excluded.ref('excluded.expr'),
          hash: excluded.ref('excluded.hash'),
          labels: excluded.ref('excluded.labels'),
          loaded_at_ms: excluded.ref('excluded.loaded_at_ms'),
          removed_at_ms: sql<null>`null`,
        })),
      )
      .execute();
  }
  const present = new Set(rows.map((row) => row.rule_key));
  const gone = known.filter((row) => row.removed_at_ms === null && !present.has(row.rule_key));
  for (let at = 0; at < gone.length; at += MAX_ROWS_PER_STATEMENT) {
    const keys = gone.slice(at, at + MAX_ROWS_PER_STATEMENT).map((row) => row.rule_key);
    await tx.db
      .updateTable('alert_rules')
      .set({ removed_at_ms: nowMs })
      .where('rule_key', 'in', keys)
      .execute();
  }
}

function rowOf(group: RuleGroup, rule: Rule, nowMs: number) {
  return {
    rule_key: rule.key,
    rule_id: rule.id,
    kind: rule.kind,
    file: group.file,
    group_name: group.name,
    name: rule.name,
    expr: rule.expr,
    hash: rule.hash,
    labels: labelsText(rule),
    loaded_at_ms: nowMs,
    removed_at_ms: null,
    confirmed_at_ms: null,
  };
}
