import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dataDirectory, omoi } from './support/omoi-process.ts';

// Unit tests of rules as somebody types them.

const data = dataDirectory();
const file = (name: string): string => join(data.path, name);

beforeAll(() => {
  writeFileSync(
    file('rules.yml'),
    'groups: [{name: g, owner: me, rules: [{alert: Down, expr: "up == 0", for: 1m}, {record: n, expr: "count(up)"}]}]\n',
  );
  writeFileSync(
    file('tests.yml'),
    [
      'rule_files: [rules.yml]',
      'tests:',
      '  - name: good',
      '    input_series: [{series: up, values: 0x10}]',
      '    alert_rule_test: [{eval_time: 1m, alertname: Down, exp_alerts: [{}]}]',
      '  - name: bad',
      '    promql_expr_test: [{expr: vector(1), exp_samples: [{value: 2}]}]',
      '',
    ].join('\n'),
  );
});
afterAll(() => data.remove());

const test = (...args: readonly string[]) => omoi(['rules', 'test', file('tests.yml'), ...args]);

it('refuses a rule file with a key that nobody knows', async () => {
  const { status, stdout } = await test();
  expect([status, stdout]).toEqual([
    1,
    expect.stringMatching(/: refused\n {2}.*rules\.yml:1:20: unknown key "groups\.0\.owner"/),
  ]);
});

it('says what failed, to a person, to a program and to a CI server', async () => {
  const junit = file('junit.xml');
  const { status, stdout } = await test('--ignore-unknown-fields', '--json', '--junit', junit);
  expect(status).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    ok: false,
    files: [
      {
        tests: [
          { name: 'good', ok: true },
          { name: 'bad', ok: false },
        ],
      },
    ],
  });
  expect(readFileSync(junit, 'utf8')).toContain('<testsuites tests="2" failures="1" errors="0"');
  const text = await test('--ignore-unknown-fields');
  expect([text.status, text.stdout]).toEqual([1, expect.stringContaining('1 test passed, 1 failed')]);
});

it('runs those that are asked for, and shows their series', async () => {
  const { status, stderr, stdout } = await test(
    '--ignore-unknown-fields',
    '--run',
    '^good',
    '--debug',
    '--diff',
  );
  expect([status, stdout]).toEqual([0, expect.stringMatching(/\n1 test passed, 0 failed\n$/)]);
  expect(stderr).toContain('  ALERTS{alertname="Down", alertstate="firing"} 1@1m\n');
  expect(stderr).toContain('  n 1@0s 1@1m\n');
});

it.each([
  ['without a file', ['rules', 'test']],
  ['with a broken expression', ['rules', 'test', 'tests.yml', '--run', '(']],
  [
    'with a feature that there is not',
    ['rules', 'test', 'tests.yml', '--enable-feature', 'promql-experimental-function'],
  ],
])('is no command line %s', async (_what, args) => {
  expect((await omoi(args)).status).toBe(2);
});
