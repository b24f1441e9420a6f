import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NO_FEATURES } from '#promql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { junitXml } from './junit.ts';
import { reportJson } from './report-json.ts';
import { compareAlerts } from './compare-alerts.ts';
import { fileLines, painter, sumLine } from './report-text.ts';
import { isGoodFile, type FileReport } from './test-report.ts';
import { testRuleFiles } from './test-rule-files.ts';

const RULES = `groups:
  - name: queues
    rules:
      - record: job:depth:sum
        expr: sum by (job) (depth)
      - alert: QueueLong
        expr: depth > 10
        for: 5m
        labels: { severity: page }
        annotations: { summary: "{{ $labels.queue }} has {{ $value }}", team: mail }
      - alert: QueueGone
        expr: absent(depth)
        keep_firing_for: 10m
`;
const INPUT = `interval: 1m
    input_series:
      - { series: 'depth{queue="mail",job="a"}', values: 20x9 0x20 }
      - { series: 'depth{queue="print",job="a"}', values: 0x6 20x20 }`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'omoi-rule-reports-'));
  writeFileSync(join(folder, 'rules.yml'), RULES);
});
afterAll(() => rmSync(folder, { recursive: true }));

async function reportOf(tests: string): Promise<FileReport> {
  const path = join(folder, 'tests.yml');
  writeFileSync(path, tests);
  const [report] = await testRuleFiles([path], { features: NO_FEATURES });
  if (!report) throw new Error('there is no report');
  const named = (file: string): string => file.replace(`${folder}/`, '');
  return {
    ...report,
    file: 'tests.yml',
    elapsedMs: 12,
    warnings: report.warnings.map(named),
    problems: report.problems.map((problem) => ({ ...problem, file: named(problem.file) })),
    tests: report.tests.map((test) => ({ ...test, elapsedMs: 5 })),
  };
}

const withTests = (cases: string): Promise<FileReport> =>
  reportOf(`rule_files: [rules.yml]\ntests:\n  - name: queues\n    ${INPUT}\n    ${cases}\n`);

const linesOf = (report: FileReport): readonly string[] => fileLines(report, painter(false));

describe('what a person reads', () => {
  it.each<[what: string, cases: string, expected: readonly string[]]>([
    [
      'an alert that is as expected',
      'alert_rule_test: [{eval_time: 5m, alertname: QueueLong, exp_alerts: [{exp_labels: {severity: page, queue: mail, job: a}, exp_annotations: {summary: mail has 20, team: mail}}]}]',
      [],
    ],
    [
      'one that is pending yet',
      'alert_rule_test: [{eval_time: 4m, alertname: QueueLong, exp_alerts: [{exp_labels: {severity: page, queue: mail, job: a}}]}]',
      [
        'missing: {job="a", queue="mail", severity="page"}',
        '  pending since 0s with for: 5m, so it fires at 5m at the earliest (value 20)',
      ],
    ],
    [
      'one that fires with other texts',
      'alert_rule_test: [{eval_time: 6m, alertname: QueueLong, exp_alerts: [{exp_labels: {severity: warn, queue: mail, job: a}, exp_annotations: {summary: mail has 2}}]}]',
      [
        'differs: {job="a", queue="mail", severity="page"}',
        '  label severity',
        '    - "warn"',
        '    + "page"',
        '  annotation summary',
        '    - "mail has 2"',
        '    + "mail has 20"',
        '  annotation team',
        '    - (none)',
        '    + "mail"',
      ],
    ],
    [
      'one that has ended, and another that fires instead',
      'alert_rule_test: [{eval_time: 15m, alertname: QueueLong, exp_alerts: [{exp_labels: {severity: page, queue: mail, job: a}, exp_annotations: {}}]}]',
      [
        'differs: {job="a", queue="print", severity="page"}',
        '  label queue',
        '    - "mail"',
        '    + "print"',
        '  annotation summary',
        '    - (none)',
        '    + "print has 20"',
        '  annotation team',
        '    - (none)',
        '    + "mail"',
      ],
    ],
    [
      'one that ended',
      'alert_rule_test: [{eval_time: 11m, alertname: QueueLong, exp_alerts: [{exp_labels: {severity: page, queue: mail, job: a}}]}]',
      ['missing: {job="a", queue="mail", severity="page"}', '  it fired, and ended at 10m'],
    ],
    [
      'one that should not fire',
      'alert_rule_test: [{eval_time: 6m, alertname: QueueLong}]',
      [
        'unexpected: {job="a", queue="mail", severity="page"}',
        '  the condition holds since 0s (for: 5m), value 20',
      ],
    ],
    [
      'one that no rule has',
      'alert_rule_test: [{eval_time: 6m, alertname: QueueLang, exp_alerts: [{}]}]',
      ['missing: {}', '  the rule files have no alert of this name'],
    ],
    [
      'one whose condition does not hold',
      'alert_rule_test: [{eval_time: 6m, alertname: QueueGone, exp_alerts: [{}]}]',
      ['missing: {}', '  absent(depth) does not hold at 6m'],
    ],
    [
      'one whose condition is false',
      'alert_rule_test: [{eval_time: 6m, alertname: QueueLong, exp_alerts: [{exp_labels: {severity: page, queue: print, job: b}}, {exp_labels: {severity: page, queue: print, job: a}}, {exp_labels: {severity: page, queue: mail, job: a}, exp_annotations: {summary: mail has 20, team: mail}}]}]',
      [
        'missing: {job="b", queue="print", severity="page"}',
        '  depth > 10 has nothing with these labels at 6m',
        'missing: {job="a", queue="print", severity="page"}',
        '  depth > 10 does not hold at 6m: without its comparisons it is 0',
      ],
    ],
    [
      'samples',
      'promql_expr_test: [{eval_time: 7m, expr: depth, exp_samples: [{labels: \'depth{queue="mail",job="a"}\', value: 3}, {labels: other, value: .inf}]}]',
      [
        '- depth{job="a", queue="mail"} 3',
        '+ depth{job="a", queue="mail"} 20',
        'missing: other +Inf',
        'unexpected: depth{job="a", queue="print"} 20',
      ],
    ],
    [
      'NaN',
      'promql_expr_test: [{expr: vector(0) / 0, exp_samples: [{value: .nan}]}]',
      [
        '- {} NaN',
        '+ {} NaN',
        '  NaN equals nothing, not even NaN; test `… != …` of the expression with itself',
      ],
    ],
  ])('%s', async (_what, cases, expected) => {
    const [, , , ...lines] = linesOf(await withTests(cases));
    expect(lines).toEqual(expected.map((line) => `      ${line}`));
  });

  it('no more than it can read', async () => {
    const samples = Array.from({ length: 3000 }, (_, at) => `{labels: 'other{n="${at}"}', value: 1}`);
    const report = await withTests(`promql_expr_test: [{expr: depth, exp_samples: [${samples.join(', ')}]}]`);
    expect(linesOf(report)).toHaveLength(3 + 50 + 1);
    expect(linesOf(report).at(-1)).toBe('      and 2952 more differences');
  });

  it('a whole file', async () => {
    const report = await withTests('alert_rule_test: [{eval_time: 6m, alertname: QueueLong}]');
    expect([...linesOf(report).slice(0, 3), sumLine([report, report], painter(false))]).toEqual([
      'tests.yml: failed: 0 tests passed, 1 failed in 12 ms',
      '  queues (tests.yml:3)',
      '    tests.yml:8: alert QueueLong at 6m',
      '0 tests passed, 2 failed in 2 files',
    ]);
  });

  it('a rule that can’t be evaluated', async () => {
    writeFileSync(
      join(folder, 'bad.yml'),
      'groups: [{name: g, rules: [{record: r, expr: depth + on () depth}]}]',
    );
    const report = await reportOf(
      `rule_files: [bad.yml]\ntests:\n  - ${INPUT}\n    promql_expr_test: [{expr: r}]\n`,
    );
    expect(linesOf(report)[2]).toMatch(/^ {4}rule r at 0s: fails: .*duplicate series/);
  });

  it('a file that is refused, and a glob that finds nothing', async () => {
    const refused = await reportOf('tests: [{interval: 1x}]\n');
    expect([...linesOf(refused), sumLine([refused], painter(false))]).toEqual([
      'tests.yml: refused',
      '  tests.yml:1:10: "tests.0.interval": not a valid duration string: "1x"',
      '0 tests passed, 0 failed, 1 file refused',
    ]);
    const lost = await reportOf('rule_files: ["no-*.yml"]\ntests: [{}]\n');
    expect(linesOf(lost)[1]).toBe('  warning: tests.yml:1: no file matches no-*.yml');
  });

  it('all rule files that are refused', async () => {
    for (const name of ['c1.yml', 'c2.yml']) writeFileSync(join(folder, name), 'groups: [{}]');
    const report = await reportOf('rule_files: ["c*.yml"]\ntests: [{}]\n');
    expect(linesOf(report).slice(1)).toEqual([
      '  c1.yml:1:10: "groups.0": Groupname must not be empty',
      '  c2.yml:1:10: "groups.0": Groupname must not be empty',
    ]);
  });

  it('a time that is far off, where there are no rules', async () => {
    const cases =
      'alert_rule_test: [{alertname: A, eval_time: 1y}, {alertname: A}], promql_expr_test: [{expr: "1", eval_time: 290y, exp_samples: [{value: 1}]}]';
    expect(isGoodFile(await reportOf(`evaluation_interval: 1ms\ntests: [{${cases}}]\n`))).toBe(true);
  });

  it('too many evaluations', async () => {
    const report = await reportOf(
      'rule_files: [rules.yml]\nevaluation_interval: 1s\ntests: [{promql_expr_test: [{expr: "1", eval_time: 3y}]}]\n',
    );
    expect(linesOf(report)[2]).toBe(
      '    not run: 94608001 times (each evaluation_interval until the last eval_time) 3 rules are 283824003 evaluations, ' +
        'more than the 20000000 that a test may have',
    );
  });
});

it('says all of it as JSON', async () => {
  const report = await withTests(
    'alert_rule_test: [{eval_time: 6m, alertname: QueueLong}]\n    promql_expr_test: [{expr: vector(1) / 0, exp_samples: [{value: 1}]}]',
  );
  const file = { file: 'tests.yml', name: 'queues', ok: false };
  expect(reportJson([report])).toMatchObject({
    ok: false,
    files: [
      {
        file: 'tests.yml',
        tests: [
          {
            name: 'queues',
            line: 3,
            evaluations: 21,
            cases: [
              {
                ...file,
                line: 8,
                at: 360,
                alertname: 'QueueLong',
                expected: [],
                got: [{ labels: { queue: 'mail' }, annotations: { summary: 'mail has 20' } }],
              },
              { ...file, line: 9, at: 0, expected: [{ labels: '{}', value: '1' }], got: [{ value: '+Inf' }] },
            ],
          },
        ],
      },
    ],
  });
});

it('tells a CI server', async () => {
  const failed = await withTests('alert_rule_test: [{eval_time: 6m, alertname: QueueLong}]');
  const refused = await reportOf('tests: [{interval: "<&\\u0001>"}]\n');
  const good = await reportOf('tests: [{name: "a \\"good\\" one"}]\n');
  expect(junitXml([failed, refused, good])).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="1" errors="1" time="0.036">
  <testsuite name="tests.yml" tests="1" failures="1" errors="0" time="0.012">
    <testcase name="queues" classname="tests.yml" time="0.005">
      <failure message="1 of 1 expectations not met">  queues (tests.yml:3)
    tests.yml:8: alert QueueLong at 6m
      unexpected: {job=&quot;a&quot;, queue=&quot;mail&quot;, severity=&quot;page&quot;}
        the condition holds since 0s (for: 5m), value 20</failure>
    </testcase>
  </testsuite>
  <testsuite name="tests.yml" tests="1" failures="0" errors="1" time="0.012">
    <testcase name="file" classname="tests.yml" time="0.000">
      <error message="the file was refused">tests.yml:1:10: &quot;tests.0.interval&quot;: not a valid duration string: &quot;&lt;&amp;\\u0001&gt;&quot;</error>
    </testcase>
  </testsuite>
  <testsuite name="tests.yml" tests="1" failures="0" errors="0" time="0.012">
    <testcase name="a &quot;good&quot; one" classname="tests.yml" time="0.005"/>
  </testsuite>
</testsuites>
`);
});

it('compares many alerts in no time', () => {
  const expected = Array.from({ length: 10_000 }, (_, at) => ({
    labels: { alertname: 'A', n: String(at) },
    annotations: {},
  }));
  const alerts = expected.map(({ labels }) => ({
    labels: { ...labels, more: 'x' },
    annotations: {},
    state: 'firing' as const,
    value: 1,
    activeAtMs: 0,
    missedSinceMs: null,
    forMs: 0,
  }));
  const there = { rules: [], alerts, ended: [], startMs: 0, evaluatedAtMs: 0 };
  const report = compareAlerts({ line: 1, atMs: 0, alertname: 'A', expected }, there);
  expect(report.differences.filter(({ kind }) => kind === 'differs')).toHaveLength(100);
  expect(report.differences).toHaveLength(100 + 2 * 9900);
});
