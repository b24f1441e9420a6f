import { sql } from 'kysely';
import type { StateDatabase, StateTransaction } from '#storage';
import { nextTurn, type Stretch } from '#telemetry';
import { labelsText, type Rule, type RuleGroup } from './rule.ts';
import type { KnownRule } from './rule-identity.ts';

/** Rows that are read or written by one statement: more of them hold the event loop up. */
const MAX_ROWS_PER_STATEMENT = 100;
const MAX_ROWS_READ = 500;

/** The rules that were loaded last, also by a server of before. */
export async function readKnownRules(database: StateDatabase): Promise<readonly KnownRule[]> {
  const rows = await readLoaded(database);
  return rows.map(({ rule_key: key, rule_id: id, ...traits }) => ({ ...traits, key, id }));
}

/** The rows of rules that are loaded, page by page; those that were removed stay for long, and are many. */
async function readLoaded(database: StateDatabase) {
  const query = database.reader
    .selectFrom('alert_rules')
    .select(['rule_key', 'rule_id', 'kind', 'file', 'hash', 'expr', 'labels'])
    .where('removed_at_ms', 'is', null)
    .orderBy('rule_key')
    .limit(MAX_ROWS_READ);
  const rows = await query.execute();
  for (let page = rows; page.length === MAX_ROWS_READ;) {
    await nextTurn();
    page = await query.where('rule_key', '>', page.at(-1)?.rule_key ?? '').execute();
    rows.push(...page);
  }
  return rows;
}

/** What a load changes in the table of rules. */
export interface RuleTableChange {
  readonly put: readonly ReturnType<typeof rowOf>[];
  /** Keys of rules that are gone. */
  readonly gone: readonly string[];
}

/** What has to be written so that the table says which rules are loaded now. */
export async function ruleTableChange(
  database: StateDatabase,
  groups: readonly RuleGroup[],
  stretch: Stretch,
): Promise<RuleTableChange> {
  const known = await readLoaded(database);
  const before = new Map(known.map((row) => [row.rule_key, row]));
  const put: ReturnType<typeof rowOf>[] = [];
  const present = new Set<string>();
  for (const group of groups) {
    for (const rule of group.rules) {
      if (stretch.isOver) await stretch.pause();
      const row = rowOf(group, rule);
      present.add(row.rule_key);
      const old = before.get(row.rule_key);
      const isSame = old?.hash === row.hash && old.file === row.file && old.labels === row.labels;
      if (!isSame) put.push(row);
    }
  }
  const gone = known.map((row) => row.rule_key).filter((key) => !present.has(key));
  return { put, gone };
}

/** Writes down which rules are loaded now; those that are gone get the time at which they went. */
export async function registerRules(tx: StateTransaction, { put, gone }: RuleTableChange): Promise<void> {
  const nowMs = Math.floor(tx.nowMs);
  for (let at = 0; at < put.length; at += MAX_ROWS_PER_STATEMENT) {
    if (at > 0) await nextTurn();
    await tx.db
      .insertInto('alert_rules')
      .values(put.slice(at, at + MAX_ROWS_PER_STATEMENT).map((row) => ({ ...row, loaded_at_ms: nowMs })))
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
  for (let at = 0; at < gone.length; at += MAX_ROWS_PER_STATEMENT) {
    if (at > 0) await nextTurn();
    await tx.db
      .updateTable('alert_rules')
      .set({ removed_at_ms: nowMs })
      .where('rule_key', 'in', gone.slice(at, at + MAX_ROWS_PER_STATEMENT))
      .execute();
  }
}

function rowOf(group: RuleGroup, rule: Rule) {
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
    removed_at_ms: null,
    confirmed_at_ms: null,
  };
}
