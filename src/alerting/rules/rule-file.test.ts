import { describe, expect, it } from 'vitest';
import { OmoiError } from '#telemetry';
import { parseRuleFile } from './rule-file.ts';
import { buildRuleGroups } from './rule-set.ts';
import { unpaced } from './unpaced.test-support.ts';

function check(expr: string): void {
  if (expr.endsWith('+')) throw new OmoiError('query_invalid', '1:7: unexpected end of input');
}

function verdict(text: string): string {
  try {
    const { warnings, duplicates } = parseRuleFile({ name: 'r.yml', text }, check);
    return [...warnings, ...duplicates].join('\n') || 'accepted';
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

  it.each([
    ['for: ""', 'empty duration string'],
    ["keep_firing_for: ''", 'empty duration string'],
    ['for: " 5m"', 'not a valid duration string: " 5m"'],
    ['for: -5m', 'not a valid duration string: "-5m"'],
    ['for: 300y', 'duration out of range'],
    ['for: 292y', 'accepted'],
    ['for: 0', 'accepted'],
    ['for: null', 'accepted'],
    ['for: ~', 'accepted'],
    ['for: ', 'accepted'],
    ['for: "~"', 'not a valid duration string: "~"'],
    ['labels: null', 'accepted'],
    ['labels: ""', 'expected names and texts'],
    ['labels: []', 'expected names and texts'],
    ['labels: {x: null}', 'accepted'],
    ['labels: {x: [1]}', 'expected names and texts'],
    ['annotations: {x: 2020-01-01, y: true, z: 0x10}', 'accepted'],
  ])('with a rule of %s → %s, as promtool has it', (field, expected) => {
    expect(verdict(rules(`{alert: A, expr: up, ${field}}`))).toContain(expected);
  });

  it.each([
    ['interval: ""', 'empty duration string'],
    ['query_offset: ""', 'empty duration string'],
    ['query_offset: null', 'accepted'],
    ['interval: null', 'accepted'],
    ['limit: ""', 'expected a whole number'],
    ['limit: "5"', 'expected a whole number'],
    ['limit: true', 'expected a whole number'],
    ['limit: 99999999999999999999', 'expected a whole number'],
    ['limit: null', 'accepted'],
    ['limit: -1', 'accepted'],
    ['limit: 0x10', 'accepted'],
    ['limit: 1e3', 'accepted'],
    ['limit: 1.5', 'accepted'],
    ['limit: 1_000', 'accepted'],
    ['limit: 0o17', 'accepted'],
    ['rules: null', 'accepted'],
    ['rules: ""', 'expected array'],
    ['name: null', 'Groupname must not be empty'],
  ])('with a group of %s → %s, as promtool has it', (field, expected) => {
    const body = field.startsWith('name') ? `groups:\n  - ${field}\n` : group(`    ${field}\n`);
    expect(verdict(body)).toContain(expected);
  });

  it.each([
    ['0x10', 16],
    ['1e3', 1000],
    ['1.5', 1],
    ['1_000', 1000],
    ['017', 15],
    ['0o17', 15],
    ['0b11', 3],
    ['+7', 7],
    ['-7', 0],
  ])('reads the limit %s as Go’s YAML does', (text, limit) => {
    const file = parseRuleFile({ name: 'r.yml', text: group(`    limit: ${text}\n`) }, check);
    expect(unpaced(buildRuleGroups([file]))[0]?.limit).toBe(limit);
  });

  it('names every mistake', () => {
    const text = rules('{alert: A, expr: a +}\n      - {record: b, expr: b +, for: 1m}');
    expect(verdict(text).split('\n')).toHaveLength(3);
  });
});

describe('the rules of files', () => {
  const build = (...texts: string[]) =>
    unpaced(
      buildRuleGroups(texts.map((text, place) => parseRuleFile({ name: `${place}.yml`, text }, check))),
    );
  const keys = (...texts: string[]) =>
    build(...texts).flatMap((built) => built.rules.map((rule) => rule.key));

  it('have keys of their own', () => {
    expect(
      keys(
        rules('{alert: A, expr: 1, labels: {s: w}}\n      - {alert: A, expr: 2, labels: {s: c}}'),
        rules('{alert: A, expr: 3, labels: {s: c}}\n      - {alert: B, expr: 3}'),
      ),
    ).toEqual(['g/A', 'g/A{s="c"}', expect.stringMatching(/^g\/A#[0-9a-f]{8}$/), 'g/B']);
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
