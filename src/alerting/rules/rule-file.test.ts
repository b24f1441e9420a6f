import { describe, expect, it } from 'vitest';
import { OmoiError } from '#telemetry';
import { parseRuleFile } from './rule-file.ts';
import { buildRuleGroups } from './rule-set.ts';

function check(expr: string): void {
  if (expr.endsWith('+')) throw new OmoiError('query_invalid', '1:7: unexpected end of input');
}

function verdict(text: string): string {
  try {
    return parseRuleFile({ name: 'r.yml', text }, check).warnings.join('\n') || 'accepted';
  } catch (thrown) {
    if (thrown instanceof OmoiError && thrown.code === 'rule_file_invalid') return thrown.message;
    throw thrown;
  }
}

const group = (body: string): string => `groups:\n  - name: g\n${body}`;
const rules = (body: string): string => group(`    rules:\n      - ${body}\n`);

describe('a rule file', () => {
  it.each([
    ['', 'accepted'],
    ['groups:\n', 'accepted'],
    ['groups: []\n', 'accepted'],
    [group('    rules:\n'), 'accepted'],
    [rules('{record: a, expr: 1}'), 'accepted'],
    [
      rules('{alert: A, expr: up == 0, for: 1h30m, keep_firing_for: 0s, labels: {n: 1.10}, annotations: }'),
      'accepted',
    ],
    [group('    interval: 15s\n    limit: 10\n    query_offset: 1m\n    labels: {team: a}\n'), 'accepted'],
    [group('    intervall: 1m\n'), 'r.yml:3:5: unknown key "groups.0.intervall"; did you mean "interval"?'],
    ['group: []\n', 'r.yml:1:1: unknown key "group"; did you mean "groups"?'],
    ['groups:\n  - rules: []\n', 'r.yml:2:5: "groups.0": Groupname must not be empty'],
    [
      'groups:\n  - name: a\n  - name: a\n',
      'r.yml:3:5: "groups.1.name": groupname: "a" is repeated in the same file',
    ],
    [group('    interval: 15\n'), 'not a valid duration string: "15"'],
    [group('    limit: many\n'), 'expected a whole number'],
    [rules('{alert: A, expr: 1}\n        nope: x'), 'r.yml:5:'],
    [rules('{alert: A, record: b, expr: 1}'), `only one of 'record' and 'alert' must be set`],
    [
      rules('{expr: 1}'),
      `r.yml:4:9: "groups.0.rules.0": group "g", rule 1, "": one of 'record' or 'alert' must be set`,
    ],
    [rules('{alert: A}'), `field 'expr' must be set in rule`],
    [rules('{record: x, expr: test +}'), 'could not parse expression: 1:7: unexpected end of input'],
    [rules('{record: x, expr: 1, for: 5m}'), `invalid field 'for' in recording rule`],
    [rules('{record: x, expr: 1, annotations: {a: b}}'), `invalid field 'annotations' in recording rule`],
    [rules('{record: "sum(x{})", expr: 1}'), 'braces present in the recording rule name'],
    [rules('{alert: A, expr: 1, labels: {__name__: x}}'), 'invalid label name: "__name__"'],
    [
      rules('{alert: A, expr: 1, annotations: {s: "{{ $label.x }}"}}'),
      'annotation "s": undefined variable "$label"',
    ],
    [rules('{alert: A, alert: B, expr: 1}'), 'Map keys must be unique'],
    [rules('{record: a, expr: 1}\n      - {record: a, expr: 2}'), 'duplicate rule: a'],
  ])('%j → %s', (text, expected) => {
    expect(verdict(text)).toContain(expected);
  });

  it('names every mistake', () => {
    const text = rules('{alert: A, expr: a +}\n      - {record: b, expr: b +, for: 1m}');
    expect(verdict(text).split('\n')).toHaveLength(3);
  });
});

describe('the rules of files', () => {
  const build = (...texts: string[]) =>
    buildRuleGroups(texts.map((text, place) => parseRuleFile({ name: `${place}.yml`, text }, check)));
  const keys = (...texts: string[]) =>
    build(...texts).flatMap((built) => built.rules.map((rule) => rule.key));

  it('have keys of their own', () => {
    expect(
      keys(
        rules('{alert: A, expr: 1, labels: {s: w}}\n      - {alert: A, expr: 2, labels: {s: c}}'),
        rules('{alert: A, expr: 3, labels: {s: c}}\n      - {alert: B, expr: 3}'),
      ),
    ).toEqual(['g/A{s="w"}', 'g/A{s="c"}', 'g/A{s="c"}#2', 'g/B']);
  });

  it('have the group’s labels under their own, and a hash of all that decides what they do', () => {
    const text = (labels: string, extra = '') =>
      group(
        `    labels: {team: a, s: x}\n    rules:\n      - {alert: A, expr: 1, labels: ${labels}${extra}}\n`,
      );
    const hashOf = (written: string) => build(written)[0]?.rules[0]?.hash;
    const rule = build(text('{s: y}'))[0]?.rules[0];
    expect(
      rule?.kind === 'alerting' && [...rule.labels].map(([name, template]) => [name, template.text]),
    ).toEqual([
      ['s', 'y'],
      ['team', 'a'],
    ]);
    expect(hashOf(text('{s: y}'))).toBe(hashOf(`# a comment\n${text('{ s: "y" }')}`));
    expect(hashOf(text('{s: y}'))).not.toBe(hashOf(text('{s: z}')));
    expect(hashOf(text('{s: y}'))).not.toBe(hashOf(text('{s: y}', ', for: 1s')));
  });
});
