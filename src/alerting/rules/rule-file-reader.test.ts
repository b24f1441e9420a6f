import { describe, expect, it } from 'vitest';
import { createEngine, NO_FEATURES } from '#promql';
import { nextTurn, VirtualClock } from '#telemetry';
import { prepareForRule } from '../evaluation/promql-queries.ts';
import type { RuleFile, RuleFileText } from './rule-file.ts';
import { parseRuleFiles } from './rule-files.ts';
import { maxCharactersInPlace, readRuleFiles } from './rule-file-reader.ts';
import { assignKeys } from './rule-identity.ts';
import { buildRuleGroups } from './rule-set.ts';

const MANY = 10_000;
const engine = createEngine({ clock: new VirtualClock() });
const check = (expr: string): void => void prepareForRule(engine, expr);

function fileOf(name: string, expressions: readonly string[]): RuleFileText {
  const rules = expressions.map(
    (expr, at) =>
      `  - {alert: Rule${at}, expr: '${expr}', for: 5m, labels: {severity: warning, __proto__: x}, annotations: {s: "{{ $value }}"}}\n`,
  );
  const text = `groups:\n- name: empty\n  limit: 3\n- name: many\n  interval: 1m\n  labels: {team: a}\n  rules:\n${rules.join('')}`;
  return { name, text };
}

const expressions = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => `metric_${at} > ${at}`);
const many = fileOf('many.yml', expressions(500));
const few = fileOf('few.yml', ['up == 0']);

/** How many turns of the event loop others had until the promise resolved. */
async function turnsDuring<Result>(work: Promise<Result>): Promise<{ turns: number; result: Result }> {
  const state = { isDone: false, turns: 0 };
  const result = work.finally(() => {
    state.isDone = true;
  });
  for (; !state.isDone; state.turns++) await nextTurn();
  return { turns: state.turns, result: await result };
}

describe('the reader of rule files', () => {
  it('reads much text in a thread, just as it is read in place, and hands it over in many turns', async () => {
    expect(many.text.length).toBeGreaterThan(maxCharactersInPlace);
    const neverHere = (): void => {
      throw new Error('the expressions of large files are checked in the thread');
    };
    const { turns, result } = await turnsDuring(
      readRuleFiles([few, many], { checkExpression: neverHere, features: NO_FEATURES, maxRules: MANY }),
    );
    expect(result).toEqual(parseRuleFiles([few, many], { checkExpression: check, maxRules: MANY }));
    // 50 rules are one piece.
    expect(turns).toBeGreaterThanOrEqual(10);
  });

  it('reads little text in place', async () => {
    const checked: string[] = [];
    const files = await readRuleFiles([few], {
      checkExpression: (expr) => void checked.push(expr),
      features: NO_FEATURES,
      maxRules: MANY,
    });
    expect(checked).toEqual(['up == 0']);
    expect(files).toEqual(parseRuleFiles([few], { checkExpression: check, maxRules: MANY }));
  });

  it.each([
    [
      'in place',
      [few, fileOf('more.yml', expressions(4))],
      'more.yml: up to its end there are 5 rules; more than 4',
    ],
    [
      'in the thread',
      [few, many, fileOf('never.yml', ['up +'])],
      'many.yml: up to its end there are 501 rules; more than 4',
    ],
  ])('refuses more rules than there may be, and goes no further: %s', async (_where, files, message) => {
    const reading = { checkExpression: check, features: NO_FEATURES, maxRules: 4 };
    await expect(readRuleFiles(files, reading)).rejects.toMatchObject({
      code: 'rule_file_invalid',
      message: expect.stringContaining(message),
    });
    const enough = readRuleFiles(files.slice(0, 2), { ...reading, maxRules: 501 });
    expect((await enough).map(({ name }) => name)).toEqual(files.slice(0, 2).map(({ name }) => name));
  });

  it('names every mistake of every file from the thread too', async () => {
    const broken = [
      fileOf('a.yml', ['up +', ...expressions(200), 'rate(x[5m])[5m:]']),
      fileOf('b.yml', ['up ==']),
      { name: 'c.yml', text: 'groups: [' },
    ];
    const refusal = await readRuleFiles(broken, {
      checkExpression: check,
      features: NO_FEATURES,
      maxRules: MANY,
    }).catch((thrown: unknown) => thrown);
    let expected: unknown;
    try {
      parseRuleFiles(broken, { checkExpression: check, maxRules: MANY });
    } catch (thrown) {
      expected = thrown;
    }
    expect(expected).toMatchObject({ code: 'rule_file_invalid' });
    const { code, message, details } = expected as { code: string; message: string; details: object };
    expect(refusal).toMatchObject({ code, message, details });
    expect(message).toMatch(/^a\.yml:8:.*\na\.yml:209:.*not a matrix\nb\.yml:8:.*\nc\.yml:/);
  });
});

describe('what is made of many rules', () => {
  it('offers a pause at every rule', () => {
    const [file] = parseRuleFiles([many], { checkExpression: check, maxRules: MANY }) as readonly [RuleFile];
    const pausesOf = (work: Iterator<void>): number => {
      let pauses = 0;
      while (!work.next().done) pauses++;
      return pauses;
    };
    expect(pausesOf(buildRuleGroups([file]))).toBeGreaterThanOrEqual(3 * 500);
    const traits = Array.from({ length: 500 }, (_, at) => ({
      id: 'g/Same',
      kind: 'alerting' as const,
      file: 'r.yml',
      hash: `hash ${at}`,
      expr: `x > ${at}`,
      labels: '{}',
    }));
    const known = traits.map((rule) => ({ ...rule, key: rule.hash }));
    expect(pausesOf(assignKeys(traits, known))).toBeGreaterThanOrEqual(3 * 500);
  });
});
