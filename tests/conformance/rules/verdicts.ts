import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseRuleFile } from '#alerting';
import { createEngine, NO_FEATURES } from '#promql';
import { createSystemClock, messageOf } from '#telemetry';
import { isGoodFile } from '../../../src/cli/rules/testing/test-report.ts';
import { testRuleFiles } from '../../../src/cli/rules/testing/test-rule-files.ts';

/** The YAML files below a folder. */
export function ruleFilesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.ya?ml$/.test(name))
    .sort();
}

export type Kind = 'rules' | 'tests';

/** What a file is for: unit tests name `tests` or `rule_files` at its top. */
function kindOf(text: string): Kind {
  return /^(?:tests|rule_files|evaluation_interval|fuzzy_compare)\s*:/m.test(text) ? 'tests' : 'rules';
}

/**
 * Whether a file is good, by the tests of promtool's newest source that name it (`TestRulesUnitTest`, `TestRulesUnitTestRun`,
 * `TestCheckRules`, `TestCheckRulesWithFeatureFlag`): what Debian's 2.42 is too old to judge is here, too.
 */
const NAMED: ReadonlyMap<string, boolean> = new Map([
  ['unittest.yml', true],
  ['long-period.yml', true],
  ['bad-input-series.yml', false],
  ['bad-promql.yml', false],
  ['bad-rules-syntax-test.yml', false],
  ['bad-rules-error-test.yml', false],
  ['failing.yml', false],
  ['at-modifier-test.yml', true],
  ['negative-offset-test.yml', true],
  ['no-test-group-interval.yml', true],
  ['start-time-test.yml', true],
  ['rules_run.yml', false],
  ['rules_run_extrafields.yml', false],
  ['rules_run_no_fuzzy.yml', false],
  ['rules_run_fuzzy.yml', false],
  ['rules-bad.yml', false],
  ['features.yml', false],
]);

/** What 2.42 refuses because it is older. */
const NEWER =
  /field (?:keep_firing_for|query_offset|labels|histogram|fuzzy_compare|start_timestamp) not found|invalid (?:label|recording rule|annotation) name|unknown function/;

export interface Judged {
  readonly kind: Kind;
  /** Whether it is to be good, and who says so. */
  readonly expected: boolean;
  readonly by: 'promtool' | 'its name';
  /** What Omoi says; null: it is good. */
  readonly refusal: string | null;
}

/** @param hasPromtool whether Debian's is installed */
export async function judge(folder: string, file: string, hasPromtool: boolean): Promise<Judged> {
  const path = join(folder, file);
  const text = readFileSync(path, 'utf8');
  const kind = kindOf(text);
  const refusal = kind === 'rules' ? checked(file, text) : await tested(path);
  const named = NAMED.get(basename(file));
  if (named !== undefined) return { kind, refusal, expected: named, by: 'its name' };
  const verdict = hasPromtool ? promtoolSays(kind, path) : null;
  if (verdict !== null) return { kind, refusal, expected: verdict, by: 'promtool' };
  return { kind, refusal, expected: !/bad|fail|invalid|wrong/i.test(file), by: 'its name' };
}

function checked(name: string, text: string): string | null {
  const engine = createEngine({ clock: createSystemClock() });
  try {
    parseRuleFile({ name, text }, (expr) => void engine.prepare(expr));
    return null;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

async function tested(path: string): Promise<string | null> {
  const [report] = await testRuleFiles([path], { features: NO_FEATURES });
  if (!report || isGoodFile(report)) return null;
  const [problem] = report.problems;
  return problem ? `${problem.line ?? 1}: ${problem.message}` : 'a test fails';
}

/** Null where it is too old to say. */
function promtoolSays(kind: Kind, path: string): boolean | null {
  const args = kind === 'rules' ? ['check', 'rules', '--lint=none', path] : ['test', 'rules', path];
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
  if (status === 0) return true;
  return NEWER.test(`${stdout}\n${stderr}`) ? null : false;
}
