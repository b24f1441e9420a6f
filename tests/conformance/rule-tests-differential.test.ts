import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NO_FEATURES } from '#promql';
import { createSeededRandom, formatLabels, withoutLabels, type Random } from '#telemetry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isGoodFile, type FileReport, type TestReport } from '../../src/cli/rules/testing/test-report.ts';
import { testRuleFiles } from '../../src/cli/rules/testing/test-rule-files.ts';
import { propertyRuns, propertySeed } from '../property-runs.ts';
import {
  randomRuleTests,
  type RandomRuleTests,
  type WrittenTest,
  type WrittenTestFile,
} from './rule-tests/random-rule-tests.ts';

/**
 * Random rules over random series, tested by Omoi and by Debian's promtool (2.42). What the tests expect is what Omoi found,
 * so they have to pass in promtool; and with one expectation changed they have to fail in both. Set OMOI_SEED to a printed
 * seed to see the same again.
 */
const installed = spawnSync('promtool', ['--version']).status === 0;
if (!installed && process.env['CI'] === 'true') {
  throw new Error('promtool is missing: apt-get install --no-install-recommends prometheus');
}
const files = propertyRuns(40);
/** What promtool may take for all of them on a busy machine. */
const LIMIT_MS = 600_000;

describe.skipIf(!installed)(
  `tests of random rules beside promtool, OMOI_SEED=${propertySeed} (skipped without it: apt-get install --no-install-recommends prometheus)`,
  () => {
    let folder: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'omoi-rule-tests-'));
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    it(
      'what Omoi finds passes in promtool; with one expectation changed it fails in both',
      async () => {
        const random = createSeededRandom(propertySeed);
        const paths: string[] = [];
        const changedPaths: string[] = [];
        for (let place = 0; place < files; place++) {
          const generated = randomRuleTests(random);
          const path = writeTests(join(folder, String(place)), generated);
          const [report] = await testRuleFiles([path], { features: NO_FEATURES });
          if (!report) throw new Error('there is no report');
          expect(report.problems, path).toEqual([]);
          const expecting = withFound(generated.testFile, report);
          write(path, expecting);
          paths.push(path);
          const changed = withChange(expecting, random);
          if (changed === null) continue;
          const changedPath = path.replace(/tests\.yml$/, 'changed.yml');
          write(changedPath, changed);
          changedPaths.push(changedPath);
        }
        expect(await refusedByOmoi(paths)).toEqual(refusedByPromtool(paths));
        expect(changedPaths.length).toBeGreaterThan(files / 2);
        expect(await refusedByOmoi(changedPaths)).toEqual(changedPaths);
        expect(refusedByPromtool(changedPaths)).toEqual(changedPaths);
      },
      LIMIT_MS,
    );
  },
);

function writeTests(folder: string, { ruleFiles, testFile }: RandomRuleTests): string {
  mkdirSync(folder);
  for (const { content, name } of ruleFiles)
    writeFileSync(join(folder, name), JSON.stringify(content, null, 1));
  const path = join(folder, 'tests.yml');
  write(path, testFile);
  return path;
}

const INFINITY = '"Infinity"';

/** JSON is YAML, but for numbers that it does not have. */
function write(path: string, testFile: WrittenTestFile): void {
  const text = JSON.stringify(
    testFile,
    (_, value: unknown) => (value === Infinity ? 'Infinity' : value === -Infinity ? '-Infinity' : value),
    1,
  );
  writeFileSync(path, text.replaceAll(INFINITY, '.inf').replaceAll('"-Infinity"', '-.inf'));
}

/** The tests as they expect what was found; what gives NaN, which equals nothing, is left out. */
function withFound(testFile: WrittenTestFile, report: FileReport): WrittenTestFile {
  return {
    ...testFile,
    tests: testFile.tests.map((test, place) => {
      const found = report.tests[place];
      // A rule could not be evaluated: nothing was looked at.
      if (!found || found.failures.length > 0) return test;
      return {
        ...test,
        alert_rule_test: alertCasesOf(found),
        promql_expr_test: exprCasesOf(found),
      };
    }),
  };
}

function alertCasesOf({ cases }: TestReport): WrittenTest['alert_rule_test'] {
  return cases.flatMap((one) => {
    if (one.kind !== 'alert') return [];
    const exp_alerts = one.got.map(({ annotations, labels }) => ({
      exp_labels: withoutLabels(labels, 'alertname'),
      exp_annotations: annotations,
    }));
    return [{ eval_time: `${one.atMs / 1000}s`, alertname: one.alertname, exp_alerts }];
  });
}

function exprCasesOf({ cases }: TestReport): WrittenTest['promql_expr_test'] {
  return cases.flatMap((one) => {
    if (one.kind !== 'expr' || one.got.some(({ value }) => Number.isNaN(value))) return [];
    const exp_samples = one.got.map(({ labels, value }) => ({ labels: formatLabels(labels), value }));
    return [{ eval_time: `${one.atMs / 1000}s`, expr: one.expr, exp_samples }];
  });
}

/** One expectation of one test is another; null where there is none. */
function withChange(testFile: WrittenTestFile, random: Random): WrittenTestFile | null {
  const changes: ((test: WrittenTest) => WrittenTest)[] = [];
  const test = testFile.tests[Math.floor(random.next() * testFile.tests.length)];
  if (!test) return null;
  for (const [place, one] of test.alert_rule_test.entries()) {
    const withAlerts = (exp_alerts: typeof one.exp_alerts) => (of: WrittenTest) => ({
      ...of,
      alert_rule_test: of.alert_rule_test.with(place, { ...one, exp_alerts }),
    });
    const [first, ...others] = one.exp_alerts;
    changes.push(withAlerts([...one.exp_alerts, { exp_labels: { a: 'other' }, exp_annotations: {} }]));
    if (!first) continue;
    changes.push(withAlerts(others));
    changes.push(withAlerts([{ ...first, exp_labels: { ...first.exp_labels, more: '' } }, ...others]));
    changes.push(
      withAlerts([{ ...first, exp_annotations: { ...first.exp_annotations, more: '' } }, ...others]),
    );
    changes.push(withAlerts([first, ...one.exp_alerts]));
  }
  for (const [place, one] of test.promql_expr_test.entries()) {
    const withSamples = (exp_samples: typeof one.exp_samples) => (of: WrittenTest) => ({
      ...of,
      promql_expr_test: of.promql_expr_test.with(place, { ...one, exp_samples }),
    });
    changes.push(withSamples([...one.exp_samples, { labels: '{other="1"}', value: 1 }]));
    const [first, ...others] = one.exp_samples;
    if (!first) continue;
    changes.push(withSamples([{ ...first, value: first.value === 0 ? 1 : -first.value }, ...others]));
    changes.push(withSamples(others));
  }
  const change = changes[Math.floor(random.next() * changes.length)];
  if (!change) return null;
  return { ...testFile, tests: testFile.tests.map((one) => (one === test ? change(one) : one)) };
}

async function refusedByOmoi(paths: readonly string[]): Promise<readonly string[]> {
  const reports = await testRuleFiles(paths, { features: NO_FEATURES });
  return reports.filter((report) => !isGoodFile(report)).map(({ file }) => file);
}

/** promtool says of each file in turn whether it is good. */
function refusedByPromtool(paths: readonly string[]): readonly string[] {
  const ended = spawnSync('promtool', ['test', 'rules', ...paths], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  const parts = ended.stdout.split('Unit Testing:  ').slice(1);
  expect(parts.length, ended.stderr).toBe(paths.length);
  return paths.filter((_, place) => !parts[place]?.includes('SUCCESS'));
}
