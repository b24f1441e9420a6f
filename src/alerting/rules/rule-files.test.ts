import { expect, it } from 'vitest';
import type { RuleFileText } from './rule-file.ts';
import { parseRuleFiles } from './rule-files.ts';

const SHIPPED = `groups:
  - name: fleet
    rules:
      - { alert: Failed, expr: shipped }
      - { alert: Silent, expr: shipped }
  - name: totals
    rules: [{ record: total, expr: shipped }]
`;

/** `group/name expression` of the rules in force, of a shipped file and one of a person. */
function inForce(own: string, disabled: readonly string[] = []): readonly string[] {
  const files: RuleFileText[] = [
    { name: 'shipped.yaml', text: SHIPPED, shipped: { disabled } },
    { name: 'own.yaml', text: `groups: [{ name: mine, rules: [${own}] }]` },
  ];
  return parseRuleFiles(files, { checkExpression: () => undefined, maxRules: 100 }).flatMap(({ groups }) =>
    groups.flatMap(({ name, rules }) =>
      rules.map(({ alert, record, expr }) => `${name}/${alert || record} ${expr}`),
    ),
  );
}

it('rules of a person are added to the shipped ones', () => {
  expect(inForce('{ alert: Other, expr: own }')).toEqual([
    'fleet/Failed shipped',
    'fleet/Silent shipped',
    'totals/total shipped',
    'mine/Other own',
  ]);
});

it('a rule of the same name replaces a shipped one, whatever its group', () => {
  expect(inForce('{ alert: Failed, expr: own }, { record: total, expr: own }')).toEqual([
    'fleet/Silent shipped',
    'mine/Failed own',
    'mine/total own',
  ]);
});

it('a shipped rule is switched off by its name; one of a person is not', () => {
  expect(inForce('{ alert: Other, expr: own }', ['Silent', 'total', 'Other'])).toEqual([
    'fleet/Failed shipped',
    'mine/Other own',
  ]);
});

it('of what is wrong in several files the first hundred mistakes are named, and how many there are more', () => {
  const rules = Array.from({ length: 10_000 }, () => '{ alert: A, expr: up, colour: red }').join(', ');
  const file = (name: string, broken: string): RuleFileText => ({
    name,
    text: `groups: [{ name: g, rules: [${broken}] }]`,
  });
  const files = [
    file('one.yaml', '{ alert: A, exp: up }'),
    file('two.yaml', rules),
    file('three.yaml', rules),
  ];
  let message = '';
  try {
    parseRuleFiles(files, { checkExpression: () => undefined, maxRules: 100 });
  } catch (thrown) {
    message = thrown instanceof Error ? thrown.message : '';
  }
  const lines = message.split('\n');
  expect(lines[0]).toMatch(/^one\.yaml:/);
  expect(lines[99]).toMatch(/^two\.yaml:1:\d+: unknown key "groups\.0\.rules\.\d+\.colour"/);
  expect(lines).toHaveLength(101);
  expect(lines[100]).toMatch(/^and 199\d\d more$/);
});
