import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { Stretch, VirtualClock } from '#telemetry';
import { parseRuleFile } from './rule-file.ts';
import { buildRuleGroups } from './rule-set.ts';
import { readKnownRules, registerRules, ruleTableChange } from './rule-table.ts';

let clock: VirtualClock;
let database: StateDatabase;
let rowsRead: number;
let counted: StateDatabase;

beforeEach(async () => {
  clock = new VirtualClock();
  database = await openTestStateDatabase(clock, 'none');
  rowsRead = 0;
  const reader = database.reader.withPlugin({
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      rowsRead += result.rows.length;
      return result;
    },
  });
  counted = { ...database, reader };
});
afterEach(() => database.close());

/** As a reload does. @returns keys of the rules that were written, and of those that are gone */
async function reload(names: readonly string[]) {
  const rules = names.map((name) => `{alert: ${name}, expr: up}`).join(', ');
  const file = parseRuleFile(
    { name: 'r.yml', text: `groups: [{name: g, rules: [${rules}]}]` },
    () => undefined,
  );
  const building = buildRuleGroups([file], await readKnownRules(counted));
  let built = building.next();
  while (!built.done) built = building.next();
  const change = await ruleTableChange(counted, built.value, new Stretch(clock));
  await database.transaction((tx) => registerRules(tx, change));
  return { put: change.put.map((row) => row.rule_key), gone: change.gone };
}

it('reads the rules that are loaded, however many were removed in reloads before', async () => {
  for (let round = 0; round < 30; round++) {
    await reload(Array.from({ length: 40 }, (_, at) => `R${round}x${at}`));
  }
  const rows = await database.reader.selectFrom('alert_rules').select('rule_key').execute();
  expect(rows).toHaveLength(30 * 40);
  await reload(['A', 'B']);
  rowsRead = 0;
  expect(await reload(['A', 'B'])).toEqual({ put: [], gone: [] });
  expect(rowsRead).toBe(4);
});

it('writes a rule that comes back as one that is loaded', async () => {
  await reload(['A', 'B']);
  expect(await reload(['A'])).toEqual({ put: [], gone: ['g/B'] });
  expect(await reload(['A', 'B'])).toEqual({ put: ['g/B'], gone: [] });
  expect((await readKnownRules(database)).map(({ key }) => key)).toEqual(['g/A', 'g/B']);
});
