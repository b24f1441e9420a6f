import { describe, expect, it } from 'vitest';
import { messageOf } from '#telemetry';
import { parseRuleFile } from './rule-file.ts';
import { readRuleSource, sourceOfRule, withRuleReplaced } from './rule-source.ts';

const check = (expr: string): void => {
  if (expr.includes('sum(')) throw new Error('unexpected end of input');
};
const GROUP = { name: 'g "x"', intervalMs: 15_000 };

describe('a rule that is written alone', () => {
  it.each<readonly [source: string, problems: readonly string[]]>([
    ['alert: High\nexpr: up == 0\nlabels:\n  severity: warning\n', []],
    ['record: a:b\nexpr: |-\n  sum\n\n    by (x) (up)\n', []],
    ['# why\nalert: High\nexpr: up', []],
    ['alert: High\nexpr: sum(\n', ['2:1 "expr": could not parse expression: unexpected end of input']],
    ['alert: High\nexpr: up\nfoor: 5m', ['3:1 unknown key "foor"; did you mean "for"?']],
    ['alert: High', ['1:1 "expr": field \'expr\' must be set in rule']],
    ['  \n', ['1:1 write a rule: alert or record, and expr']],
    ['- alert: A\n- alert: B', [expect.stringMatching(/^1:1 /)]],
    ['alert: A\nexpr: up\n---\nalert: B', [expect.stringMatching(/^3:1 /)]],
    ['alert: A\nexpr: up\n- name: other', [expect.stringMatching(/^\d:1 /)]],
  ])('%j', (source, problems) => {
    const read = readRuleSource(source, GROUP, check);
    const said = (read.problems ?? []).map(({ line, column, message }) => `${line}:${column} ${message}`);
    expect(said.slice(0, Math.max(1, problems.length))).toEqual(problems);
  });
});

const FILE = `groups:
  # first
  - name: g
    rules:
      # what goes before
      - alert: One # here
        expr: up == 0
        annotations:
          text: |
            a
              b
      - { alert: Two, expr: up }
      - &shared
        alert: Three
        expr: up
      - *shared

  - name: h
    rules: []
`;

function placeOf(name: string, text = FILE) {
  const rule = parseRuleFile({ name: 'f.yml', text }, check).groups[0]?.rules.find(
    ({ alert }) => alert === name,
  );
  if (!rule) throw new Error(`there is no ${name}`);
  return rule.place;
}

describe('a rule in its file', () => {
  it('is read without what it is indented by', () => {
    expect(sourceOfRule(FILE, placeOf('One'))).toBe(
      'alert: One # here\nexpr: up == 0\nannotations:\n  text: |\n    a\n      b\n',
    );
  });

  it('written back as it is leaves the file as it was', () => {
    const place = placeOf('One');
    expect(withRuleReplaced({ name: 'f.yml', text: FILE }, place, sourceOfRule(FILE, place))).toBe(FILE);
    const crlf = FILE.replaceAll('\n', '\r\n');
    const there = placeOf('One', crlf);
    expect(withRuleReplaced({ name: 'f.yml', text: crlf }, there, sourceOfRule(crlf, there))).toBe(crlf);
  });

  it('is replaced alone, and nothing else changes', () => {
    const next = withRuleReplaced(
      { name: 'f.yml', text: FILE },
      placeOf('One'),
      'alert: Uno\nexpr: up > 0\nfor: 5m\n',
    );
    const [from, to] = [FILE.indexOf('alert: One'), FILE.indexOf('      - { alert: Two')];
    expect(next).toBe(
      `${FILE.slice(0, from)}alert: Uno\n        expr: up > 0\n        for: 5m\n${FILE.slice(to)}`,
    );
    const second = withRuleReplaced(
      { name: 'f.yml', text: FILE },
      placeOf('Two'),
      '{ alert: Zwei, expr: up }',
    );
    expect(second).toBe(FILE.replace('alert: Two', 'alert: Zwei'));
  });

  it.each([
    ['one whose anchor another has', 'Three', 'alert: Drei\nexpr: up\n'],
    ['by two', 'Two', 'alert: A\nexpr: up\n- alert: B\n  expr: up\n'],
    ['by what ends the group', 'Two', 'alert: A\nexpr: up\n\n- name: x\n'],
  ])('is refused: %s', (_what, name, source) => {
    let said = 'accepted';
    try {
      withRuleReplaced({ name: 'f.yml', text: FILE }, placeOf(name), source);
    } catch (thrown) {
      said = messageOf(thrown);
    }
    expect(said).toMatch(/^f\.yml/);
  });
});
