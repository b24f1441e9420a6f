import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseRuleFile } from '#alerting';
import { ALL_FEATURES, createEngine, NO_FEATURES } from '#promql';
import { createSeededRandom, messageOf, VirtualClock } from '#telemetry';
import { propertyRuns, propertySeed } from '../property-runs.ts';
import { checkedByPromtool, isPromtoolInstalled } from './rules/promtool.ts';
import { RuleFileGenerator } from './rules/random-rule-files.ts';

/*
 * Rule files beside `promtool check rules` of Prometheus 2.42: which are refused, and in which the linter finds duplicates. What
 * 2.42 cannot judge is in the tables below, with the tests of Prometheus 3.14 that say so. OMOI_SEED shows a run again,
 * OMOI_RUNS_FACTOR looks further.
 */

const installed = isPromtoolInstalled();
if (!installed && process.env['CI'] === 'true') {
  throw new Error('promtool is missing: apt-get install --no-install-recommends prometheus');
}
const CASES = join(
  process.env['OMOI_CONFORMANCE_DIR'] ?? join(import.meta.dirname, '../../../shared/conformance'),
  'rules',
);
const NAME = `OMOI_SEED=${propertySeed} (skipped without it: apt-get install --no-install-recommends prometheus)`;
const LIMIT_MS = 400_000;

interface Verdict {
  /** Null where the file is taken. */
  readonly refusal: string | null;
  readonly hasDuplicates: boolean;
}

function verdictOf(text: string, features = NO_FEATURES): Verdict {
  const engine = createEngine({ clock: new VirtualClock(), features });
  try {
    const { duplicates } = parseRuleFile({ name: 'f', text }, (expr) => void engine.prepare(expr));
    return { refusal: null, hasDuplicates: duplicates.length > 0 };
  } catch (thrown) {
    return { refusal: messageOf(thrown), hasDuplicates: false };
  }
}

/** Names of all characters are newer. */
const NEWER_NAMES = /invalid (?:recording rule|label|annotation) name/;

/** The files that are judged otherwise, each with its text. */
function differences(files: ReadonlyMap<string, string>): readonly string[] {
  const checked = checkedByPromtool(files);
  const linted = checkedByPromtool(files, 'duplicate-rules');
  return [...files].flatMap(([name, text]) => {
    const theirs = checked.get(name);
    const lint = linted.get(name);
    if (theirs === undefined || lint === undefined || NEWER_NAMES.test(theirs ?? '')) return [];
    const ours = verdictOf(text);
    const isSame = (theirs === null) === (ours.refusal === null);
    const hasSameLint = theirs !== null || (lint !== null) === ours.hasDuplicates;
    return isSame && hasSameLint
      ? []
      : [`${name}: promtool: ${theirs ?? lint ?? 'good'}; Omoi: ${ours.refusal ?? 'good'}\n${text}`];
  });
}

describe.skipIf(!installed)(`rule files beside promtool check rules, ${NAME}`, () => {
  it(
    'are refused where it refuses them: near good ones, with ways to write a value in many places',
    () => {
      const generator = new RuleFileGenerator(createSeededRandom(propertySeed));
      const count = propertyRuns(1500);
      const files = new Map(Array.from({ length: count }, (_, at) => [`f${at}.yml`, generator.file()]));
      expect(differences(files)).toEqual([]);
      const taken = [...files.values()].filter((text) => verdictOf(text).refusal === null).length;
      expect(taken / count).toBeGreaterThan(0.3);
      expect(taken / count).toBeLessThan(0.8);
    },
    LIMIT_MS,
  );

  it.skipIf(!existsSync(CASES))(`of others, from ${CASES}`, () => {
    // Tests of rules, and what needs features that 2.42 has not.
    const others = new Set(['features.yml']);
    const files = new Map(
      ['promtool', 'awesome'].flatMap((folder) =>
        readdirSync(join(CASES, folder))
          .filter((name) => !others.has(name))
          .map((name) => [`${folder}-${name}`, readFileSync(join(CASES, folder, name), 'utf8')] as const)
          .filter(([, text]) => /^groups:/m.test(text)),
      ),
    );
    expect(files.size).toBeGreaterThan(0);
    expect(differences(files)).toEqual([]);
  });
});

const rule = (text: string, group = ''): string =>
  `groups:\n  - name: g\n${group}    rules:\n      - ${text.replaceAll('\n', '\n        ')}\n`;

describe('what Prometheus 3.14 says, where 2.42 says something else', () => {
  it.each<readonly [verdict: 'good' | RegExp, source: string, text: string]>([
    [
      'good',
      'rulefmt TestParseFileSuccess, utf-8 label names',
      rule('alert: A\nexpr: up\nlabels: { "a.b": x, é: y }'),
    ],
    [
      'good',
      'rulefmt TestParseFileSuccess, utf-8 annotation names',
      rule('alert: A\nexpr: up\nannotations: { ins-tance: x }'),
    ],
    ['good', 'rulefmt IsValidMetricName under UTF-8', rule('record: "a b"\nexpr: up')],
    [
      /braces present in the recording rule name/,
      'rulefmt TestParseFileFailure, invalid_record_name',
      rule('record: strawberry{flavor="sweet"}\nexpr: up'),
    ],
    [
      /invalid field 'keep_firing_for' in recording rule/,
      'rulefmt TestParseFileFailure, record_and_keep_firing_for',
      rule('record: a\nexpr: up\nkeep_firing_for: 5m'),
    ],
    [
      /one of 'record' or 'alert' must be set/,
      'rulefmt Rule: a null is an empty text',
      rule('alert: ~\nexpr: up'),
    ],
    [
      /field 'expr' must be set in rule/,
      'rulefmt Rule: a null is an empty text',
      rule('alert: A\nexpr: null'),
    ],
    ['good', 'rulefmt RuleGroup.QueryOffset', rule('alert: A\nexpr: up', '    query_offset: 1m\n')],
    ['good', 'rulefmt RuleGroup.Labels', rule('alert: A\nexpr: up', '    labels: { team: a }\n')],
    [
      /invalid label name/,
      'rulefmt Validate of the labels of a group',
      rule('alert: A\nexpr: up', '    labels: { __name__: a }\n'),
    ],
    [
      'good',
      'rulefmt TestMultiDocParse: the first document alone is read',
      `${rule('alert: A\nexpr: up')}---\nfoo: bar\n`,
    ],
    ['good', 'parser: arithmetic in durations is stable', rule('alert: A\nexpr: rate(x[5m * 2]) > 0')],
    [
      /promql-experimental-functions/,
      'promtool TestCheckRulesWithFeatureFlag, without the flag',
      rule('alert: A\nexpr: sort_by_label(up, "a") > 0'),
    ],
    ['good', 'parser: numbers with underscores', rule('alert: A\nexpr: up > 1_000')],
  ])('%s: %s', (expected, _source, text) => {
    const { refusal } = verdictOf(text);
    if (expected === 'good') expect(refusal).toBeNull();
    else expect(refusal).toMatch(expected);
  });

  it('takes what a feature is named for (promtool TestCheckRulesWithFeatureFlag)', () => {
    const text = rule('alert: A\nexpr: sort_by_label(up + fill(0) down, "a") > 0');
    expect(verdictOf(text, ALL_FEATURES).refusal).toBeNull();
    expect(verdictOf(text).refusal).toMatch(/experimental/);
  });
});
