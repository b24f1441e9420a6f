import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NO_FEATURES } from '#promql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isGoodFile } from '../../src/cli/rules/testing/test-report.ts';
import { testRuleFiles, type RuleTestOptions } from '../../src/cli/rules/testing/test-rule-files.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const CASES = join(
  process.env['OMOI_CONFORMANCE_DIR'] ?? join(REPOSITORY, '../shared/conformance'),
  'rules/promtool',
);
const installed = spawnSync('promtool', ['--version']).status === 0;
if (!installed && process.env['CI'] === 'true') {
  throw new Error('promtool is missing: apt-get install --no-install-recommends prometheus');
}

/** Whether all tests of a file pass, by the newest promtool: `TestRulesUnitTest` and `TestRulesUnitTestRun` of its source. */
const PASSES: Readonly<Record<string, boolean>> = {
  'unittest.yml': true,
  'long-period.yml': true,
  'bad-input-series.yml': false,
  'bad-promql.yml': false,
  'bad-rules-syntax-test.yml': false,
  'bad-rules-error-test.yml': false,
  'failing.yml': false,
  // "Enabled feature": both have long been part of the language.
  'at-modifier-test.yml': true,
  'negative-offset-test.yml': true,
  'no-test-group-interval.yml': true,
  'start-time-test.yml': true,
  'rules_run.yml': false,
  'rules_run_extrafields.yml': false,
  'rules_run_no_fuzzy.yml': false,
  'rules_run_fuzzy.yml': false,
};

/** What Debian's promtool 2.42 says otherwise: it is older than what they hold. */
const NEWER_THAN_DEBIAN: ReadonlySet<string> = new Set([
  // `histogram` of expected samples.
  'unittest.yml',
  'no-test-group-interval.yml',
  'start-time-test.yml',
]);

/** Whether a file is good with options, by `TestRulesUnitTestRun`. */
const WITH_OPTIONS: readonly [
  file: string,
  what: string,
  options: Partial<RuleTestOptions>,
  passes: boolean,
][] = [
  ['rules_run.yml', '--run correct', { run: /correct/ }, true],
  ['rules_run.yml', '--run wrong', { run: /wrong/ }, false],
  ['rules_run.yml', '--run correct --run wrong', { run: /correct|wrong/ }, false],
  ['rules_run_extrafields.yml', '--ignore-unknown-fields', { ignoresUnknownKeys: true }, true],
  ['rules_run_fuzzy.yml', '--run correct', { run: /correct/ }, true],
  ['rules_run_fuzzy.yml', '--run wrong', { run: /wrong/ }, false],
];

async function passes(path: string, options: Partial<RuleTestOptions> = {}): Promise<boolean> {
  return (await testRuleFiles([path], { features: NO_FEATURES, ...options })).every(isGoodFile);
}

function passesInPromtool(path: string): boolean {
  return spawnSync('promtool', ['test', 'rules', path]).status === 0;
}

describe.skipIf(!existsSync(CASES))(`promtool’s own tests of rules, from ${CASES}`, () => {
  const files = existsSync(CASES)
    ? readdirSync(CASES).filter((name) => /^tests:/m.test(readFileSync(join(CASES, name), 'utf8')))
    : [];

  it('has a verdict for each', () => expect(Object.keys(PASSES)).toEqual(expect.arrayContaining(files)));

  it.each(files)('%s', async (name) => expect(await passes(join(CASES, name))).toBe(PASSES[name]));

  it.each(WITH_OPTIONS)('%s %s', async (name, _what, options, expected) => {
    expect(await passes(join(CASES, name), options)).toBe(expected);
  });

  it.skipIf(!installed).each(files)('%s in promtool 2.42 (skipped without it)', (name) => {
    const differs = NEWER_THAN_DEBIAN.has(name);
    expect(passesInPromtool(join(CASES, name))).toBe(differs ? !PASSES[name] : PASSES[name]);
  });
});

/** A test of its own: rules, what stands in the file of tests, and whether it passes. */
interface OwnCase {
  readonly what: string;
  readonly rules?: string;
  readonly tests: string;
  readonly passes: boolean;
  /** What promtool 2.42 knows nothing of. */
  readonly isNewer?: true;
}

const UP = 'groups: [{name: g, rules: [{alert: Down, expr: "up == 0", for: 1m, annotations: {text: ""}}]}]';
const DOWN = 'input_series: [{series: up, values: "0x10"}]';

const OWN: readonly OwnCase[] = [
  // As `unittest.go` compares labels and annotations: by what is there, the empty text too.
  {
    what: 'an empty annotation is expected as such',
    rules: UP,
    tests: `{${DOWN}, alert_rule_test: [{eval_time: 2m, alertname: Down, exp_alerts: [{exp_annotations: {text: ""}}]}]}`,
    passes: true,
  },
  {
    what: 'an empty annotation is none that is missing',
    rules: UP,
    tests: `{${DOWN}, alert_rule_test: [{eval_time: 2m, alertname: Down, exp_alerts: [{}]}]}`,
    passes: false,
  },
  {
    what: 'an empty label that is expected is nowhere',
    rules: 'groups: [{name: g, rules: [{alert: Down, expr: "up == 0", labels: {zone: ""}}]}]',
    tests: `{${DOWN}, alert_rule_test: [{alertname: Down, exp_alerts: [{exp_labels: {zone: ""}}]}]}`,
    passes: false,
  },
  {
    what: 'alertname among the expected labels is that of the case',
    rules: UP,
    tests: `{${DOWN}, alert_rule_test: [{eval_time: 2m, alertname: Down, exp_alerts: [{exp_labels: {alertname: Other}, exp_annotations: {text: ""}}]}]}`,
    passes: true,
  },
  {
    what: 'an alert between two evaluations is that of the earlier one',
    rules: UP,
    tests: `{${DOWN}, alert_rule_test: [{eval_time: 59s, alertname: Down}, {eval_time: 1m59s, alertname: Down, exp_alerts: [{exp_annotations: {text: ""}}]}]}`,
    passes: true,
  },
  {
    what: 'NaN is no NaN',
    tests: '{promql_expr_test: [{expr: "vector(0) / 0", exp_samples: [{value: .nan}]}]}',
    passes: false,
  },
  {
    what: 'infinity is infinity',
    tests:
      '{promql_expr_test: [{expr: "vector(1) / 0", exp_samples: [{value: .inf}]}, {expr: "-vector(1) / 0", exp_samples: [{value: -.Inf}]}]}',
    passes: true,
  },
  {
    what: '-0 is 0',
    tests: '{promql_expr_test: [{expr: "vector(0) * -1", exp_samples: [{value: 0}]}]}',
    passes: true,
  },
  {
    what: 'a scalar is a sample without labels',
    tests: '{promql_expr_test: [{expr: "time()", eval_time: 90s, exp_samples: [{value: 90}]}]}',
    passes: true,
  },
  {
    what: 'samples after the last evaluation are not there yet',
    tests:
      '{interval: 30s, input_series: [{series: a, values: "1 2 3 4"}], promql_expr_test: [{expr: a, eval_time: 90s, exp_samples: [{labels: a, value: 3}]}]}',
    passes: true,
  },
  {
    what: 'what rules see of the future',
    rules: 'groups: [{name: g, rules: [{record: r, expr: "a offset -1m"}]}]',
    tests:
      '{input_series: [{series: a, values: "1 2 3 4"}], promql_expr_test: [{expr: r, eval_time: 2m, exp_samples: [{labels: r, value: 3}]}]}',
    passes: true,
  },
  {
    what: 'a series that is given twice is the last one',
    tests:
      '{input_series: [{series: a, values: "1 1"}, {series: a, values: "2"}], promql_expr_test: [{expr: a, eval_time: 1m, exp_samples: [{labels: a, value: 2}]}]}',
    passes: true,
  },
  {
    what: 'rules of one group see what those before them have written',
    rules: 'groups: [{name: g, rules: [{record: b, expr: a + 1}, {record: c, expr: b + 1}]}]',
    tests:
      '{input_series: [{series: a, values: "1"}], promql_expr_test: [{expr: c, exp_samples: [{labels: c, value: 3}]}]}',
    passes: true,
  },
  {
    what: 'a rule writes to a series of the input',
    rules: 'groups: [{name: g, rules: [{record: a, expr: vector(7)}]}]',
    tests:
      '{input_series: [{series: a, values: "1"}], promql_expr_test: [{expr: a, exp_samples: [{labels: a, value: 1}]}]}',
    passes: false,
  },
  {
    what: 'two rules write the same to one series',
    rules: 'groups: [{name: g, rules: [{record: a, expr: vector(7)}, {record: a, expr: vector(7)}]}]',
    tests: '{promql_expr_test: [{expr: a, exp_samples: [{labels: a, value: 7}]}]}',
    passes: true,
  },
  {
    what: 'two rules write different values to one series',
    rules: 'groups: [{name: g, rules: [{record: a, expr: vector(7)}, {record: a, expr: vector(8)}]}]',
    tests: '{promql_expr_test: [{expr: a, exp_samples: [{labels: a, value: 7}]}]}',
    passes: false,
  },
  {
    what: 'more alerts than the limit of the group',
    rules: 'groups: [{name: g, limit: 1, rules: [{alert: Down, expr: "up == 0"}]}]',
    tests:
      '{input_series: [{series: "up{a=\\"1\\"}", values: "0"}, {series: "up{a=\\"2\\"}", values: "0"}], alert_rule_test: [{alertname: Down}]}',
    passes: false,
  },
  {
    what: 'two results of one label set',
    rules: 'groups: [{name: g, rules: [{alert: Down, expr: "up == 0", labels: {a: same}}]}]',
    tests:
      '{input_series: [{series: "up{a=\\"1\\"}", values: "0"}, {series: "up{a=\\"2\\"}", values: "0"}], alert_rule_test: [{alertname: Down}]}',
    passes: false,
  },
  {
    what: 'an expression with a range',
    tests: '{promql_expr_test: [{expr: "a[5m]"}]}',
    passes: false,
  },
  { what: 'an alert without a name', tests: '{alert_rule_test: [{eval_time: 1m}]}', passes: false },
  { what: 'an unknown key', tests: '{alert_rule_tests: []}', passes: false },
  { what: 'a bad duration', tests: '{interval: 5 minutes}', passes: false },
  {
    what: 'a quoted number',
    tests: '{promql_expr_test: [{expr: "1", exp_samples: [{value: "1"}]}]}',
    passes: false,
  },
  { what: 'a test of nothing', tests: '{}', passes: true },
  {
    what: 'ALERTS_FOR_STATE says since when',
    rules: UP,
    tests: `{${DOWN}, promql_expr_test: [{expr: ALERTS_FOR_STATE, eval_time: 5m, exp_samples: [{labels: 'ALERTS_FOR_STATE{alertname="Down"}', value: 0}]}]}`,
    passes: true,
  },
  {
    what: 'keep_firing_for begins with the first miss',
    rules: 'groups: [{name: g, rules: [{alert: Down, expr: "up == 0", keep_firing_for: 2m}]}]',
    tests:
      '{input_series: [{series: up, values: "0 1x10"}], alert_rule_test: [' +
      '{eval_time: 2m, alertname: Down, exp_alerts: [{}]}, {eval_time: 3m, alertname: Down}]}',
    passes: true,
  },
  {
    what: 'external labels and the address in templates',
    rules:
      'groups: [{name: g, rules: [{alert: Down, expr: vector(1), annotations: {t: "{{ $externalLabels.a }} {{ $externalURL }}"}}]}]',
    tests:
      '{external_labels: {a: b}, external_url: "http://x", alert_rule_test: [{alertname: Down, exp_alerts: [{exp_annotations: {t: "b http://x"}}]}]}',
    passes: true,
  },
  // `start_timestamp`: 3.9; `testStartTimestamp` of `unittest.go` reads Unix seconds and RFC 3339.
  {
    what: 'start_timestamp with a fraction and a zone',
    tests:
      '{start_timestamp: 1.5, promql_expr_test: [{expr: time(), eval_time: 1s, exp_samples: [{value: 2.5}]}]}',
    passes: true,
    isNewer: true,
  },
  {
    what: 'start_timestamp with a zone',
    tests:
      '{start_timestamp: 2024-01-01T01:00:00+01:00, promql_expr_test: [{expr: time(), exp_samples: [{value: 1704067200}]}]}',
    passes: true,
    isNewer: true,
  },
  { what: 'a start_timestamp that is none', tests: '{start_timestamp: yesterday}', passes: false },
  // A sample of which a histogram is expected has the value 0: what stands beside it is compared.
  {
    what: 'a histogram with its counter reset hint',
    tests:
      '{input_series: [{series: h, values: "{{sum:3 count:2 buckets:[2]}}x1"}], promql_expr_test: [{expr: h, eval_time: 1m, exp_samples: ' +
      '[{labels: h, histogram: "{{sum:3 count:2 buckets:[2] counter_reset_hint:not_reset}}"}]}]}',
    passes: true,
    isNewer: true,
  },
  {
    what: 'a histogram beside a value',
    tests:
      '{input_series: [{series: h, values: "{{sum:3 count:2 buckets:[2]}}"}], promql_expr_test: [{expr: h, exp_samples: ' +
      '[{labels: h, value: 3, histogram: "{{sum:3 count:2 buckets:[2]}}"}]}]}',
    passes: false,
  },
  {
    what: 'a histogram that is recorded',
    rules: 'groups: [{name: g, rules: [{record: r, expr: h, labels: {a: b}}]}]',
    tests:
      '{input_series: [{series: h, values: "{{sum:3 count:2 buckets:[2]}}x2 stale"}], promql_expr_test: [{expr: r, eval_time: 2m, exp_samples: ' +
      '[{labels: \'r{a="b"}\', histogram: "{{sum:3 count:2 buckets:[2] counter_reset_hint:not_reset}}"}]}, {expr: r, eval_time: 3m}]}',
    passes: true,
    isNewer: true,
  },
  {
    what: 'labels of a group, which those of a rule go before',
    rules:
      'groups: [{name: g, labels: {team: a, severity: low}, rules: [{alert: Down, expr: vector(1), labels: {severity: high}}]}]',
    tests: '{alert_rule_test: [{alertname: Down, exp_alerts: [{exp_labels: {team: a, severity: high}}]}]}',
    passes: true,
    isNewer: true,
  },
];

describe('own tests of rules', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'omoi-own-rule-tests-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function written({ rules, tests }: OwnCase, place: number): string {
    if (rules !== undefined) writeFileSync(join(folder, `rules${place}.yml`), rules);
    const path = join(folder, `tests${place}.yml`);
    const files = rules === undefined ? '' : `rules${place}.yml`;
    // Debian's promtool wants an interval.
    const withInterval = tests.includes('interval: ') ? tests : tests.replace(/^\{/, '{interval: 1m, ');
    writeFileSync(path, `rule_files: [${files}]\ntests: [${withInterval}]\n`);
    return path;
  }

  it.each(OWN.map((one, place) => ({ ...one, place })))('$what', async ({ place, ...one }) => {
    const path = written(one, place);
    expect(await passes(path)).toBe(one.passes);
    if (installed) expect(passesInPromtool(path)).toBe(one.isNewer === true ? !one.passes : one.passes);
  });

  it.each([
    ['[second, first]', true],
    ['[first, second]', false],
  ])('groups are evaluated in the order %s, over files too', async (order, expected) => {
    const second = 'groups: [{name: second, rules: [{record: b, expr: a + 1}]}]';
    const first = 'groups: [{name: first, rules: [{record: c, expr: b + 1}]}]';
    writeFileSync(join(folder, 'first.yml'), first);
    writeFileSync(join(folder, 'second.yml'), second);
    const path = join(folder, 'order.yml');
    writeFileSync(
      path,
      `rule_files: [first.yml, second.yml]\ngroup_eval_order: ${order}\ntests: [{input_series: [{series: a, values: "1"}], ` +
        'promql_expr_test: [{expr: c, exp_samples: [{labels: c, value: 3}]}]}]\n',
    );
    expect(await passes(path)).toBe(expected);
    if (installed) expect(passesInPromtool(path)).toBe(expected);
  });

  it('refuses an order that names a group twice', async () => {
    const path = join(folder, 'twice.yml');
    writeFileSync(path, 'group_eval_order: [a, a]\ntests: [{}]\n');
    expect(await passes(path)).toBe(false);
    if (installed) expect(passesInPromtool(path)).toBe(false);
  });
});

it('the tests of the shipped rules pass, in promtool too where it is new enough to read them', async () => {
  const shipped = readdirSync(join(REPOSITORY, 'config'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.ya?ml$/.test(name))
    .map((name) => join(REPOSITORY, 'config', name))
    .filter((path) => /^tests:/m.test(readFileSync(path, 'utf8')));
  for (const path of shipped) {
    expect(await passes(path), path).toBe(true);
    const { stderr = '', stdout = '' } = installed
      ? spawnSync('promtool', ['test', 'rules', path], { encoding: 'utf8' })
      : {};
    expect(stdout + stderr, path).not.toContain('got:');
  }
}, 120_000);
