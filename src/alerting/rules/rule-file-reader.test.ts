import { describe, expect, it } from 'vitest';
import { createEngine, NO_FEATURES } from '#promql';
import { nextTurn, VirtualClock } from '#telemetry';
import { prepareForRule } from '../evaluation/promql-queries.ts';
import type { RuleFile, RuleFileText } from './rule-file.ts';
import { parseRuleFiles } from './rule-files.ts';
import { maxCharactersInPlace, readRuleFiles } from './rule-file-reader.ts';
import { assignKeys } from './rule-identity.ts';
import { buildRuleGroups } from './rule-set.ts';

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
      readRuleFiles([few, many], { checkExpression: neverHere, features: NO_FEATURES }),
    );
    expect(result).toEqual(parseRuleFiles([few, many], check));
    // 50 rules are one piece.
    expect(turns).toBeGreaterThanOrEqual(10);
  });

  it('reads little text in place', async () => {
    const checked: string[] = [];
    const files = await readRuleFiles([few], {
      checkExpression: (expr) => void checked.push(expr),
      features: NO_FEATURES,
    });
    expect(checked).toEqual(['up == 0']);
    expect(files).toEqual(parseRuleFiles([few], check));
  });

  it('names every mistake of every file from the thread too', async () => {
    const broken = [
      fileOf('a.yml', ['up +', ...expressions(200), 'rate(x[5m])[5m:]']),
      fileOf('b.yml', ['up ==']),
      { name: 'c.yml', text: 'groups: [' },
    ];
    const refusal = await readRuleFiles(broken, { checkExpression: check, features: NO_FEATURES }).catch(
      (thrown: unknown) => thrown,
    );
    let expected: unknown;
    try {
      parseRuleFiles(broken, check);
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
    const [file] = parseRuleFiles([many], check) as readonly [RuleFile];
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
