import fc from 'fast-check';
import { expect, it } from 'vitest';
import { heavyPropertyRuns, propertyLimitMs } from '../../tests/property-runs.ts';
import { openStage, type Stage } from './alerting.test-support.ts';

/** Few values each, so that rules of one name, of one label set, and the very same twice, come up often. */
const oneRule = fc.record({
  name: fc.constantFrom('A', 'B'),
  threshold: fc.constantFrom(1, 2, 3),
  team: fc.constantFrom('x', 'y'),
  pending: fc.boolean(),
});
type RuleOf = typeof oneRule extends fc.Arbitrary<infer Value> ? Value : never;
/** Group, and file, by the number of the list. */
const ruleSet = fc.array(fc.array(oneRule, { maxLength: 4 }), { minLength: 3, maxLength: 3 });

const textOf = ({ name, threshold, team, pending }: RuleOf): string =>
  `{alert: ${name}, expr: queue > ${threshold}, for: ${pending ? '10h' : '0s'}, labels: {team: ${team}}}`;

function filesOf(groups: readonly (readonly RuleOf[])[], isSwapped: boolean) {
  const files = groups.map((rules, at) => ({
    // Two groups of one name, in two files, and one of another name.
    text: `groups:\n  - name: ${at === 2 ? 'h' : 'g'}\n    interval: 1m\n    rules:\n${rules.map((rule) => `      - ${textOf(rule)}\n`).join('')}`,
  }));
  const ordered = isSwapped ? files.toReversed() : files;
  return ordered.map(({ text }, at) => ({ name: `file${at}.yml`, text }));
}

/** Of each definition of a group: what its rules have in mind. */
async function statesOf(stage: Stage): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const rows = await stage.database.reader.selectFrom('alerts').select(['id', 'rule_key', 'state']).execute();
  const firing = new Map(rows.filter(({ state }) => state === 'firing').map((row) => [row.rule_key, row.id]));
  const states = new Map<string, Set<string>>();
  for (const group of await stage.alerting.overview()) {
    for (const { key, name, expr, forMs, labels, active } of group.rules) {
      const definition = [group.name, name, expr, forMs, JSON.stringify(labels)].join(' ');
      const mind = `${key} ${firing.get(key) ?? ''} ${active.pending} ${active.firing}`;
      const known = states.get(definition);
      if (known) known.add(mind);
      else states.set(definition, new Set([mind]));
    }
  }
  return states;
}

it(
  'a rule that is loaded again keeps what it has in mind, whatever is added, removed or moved beside it',
  () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(ruleSet, fc.boolean()), { minLength: 2, maxLength: 4 }),
        async (loads) => {
          const stage = await openStage('groups: []');
          try {
            let before: ReadonlyMap<string, ReadonlySet<string>> = new Map();
            for (const [groups, isSwapped] of loads) {
              await stage.alerting.rules.load(filesOf(groups, isSwapped));
              await stage.append({ queue: 9 });
              await stage.advance(1000);
              const after = await statesOf(stage);
              for (const [definition, minds] of after) {
                const earlier = before.get(definition) ?? new Set();
                const kept = [...minds].filter((mind) => earlier.has(mind));
                expect([definition, kept.length]).toEqual([definition, Math.min(minds.size, earlier.size)]);
              }
              before = after;
            }
          } finally {
            await stage.close();
          }
        },
      ),
      { numRuns: heavyPropertyRuns(40) },
    ),
  propertyLimitMs,
);
