import { createEngine } from '#promql';
import { messageOf, VirtualClock } from '#telemetry';
import { describe, expect, it } from 'vitest';
import { parseRuleTestFile } from './test-file.ts';

const engine = createEngine({ clock: new VirtualClock() });
const read = (text: string) =>
  parseRuleTestFile({ name: 't.yml', text }, (expr) => void engine.prepare(expr));

function problemsOf(text: string): readonly string[] {
  try {
    read(text);
    return [];
  } catch (thrown) {
    return messageOf(thrown).split('\n');
  }
}

describe('a file of tests of rules', () => {
  it('may leave out everything', () => {
    expect(read('')).toEqual({
      name: 't.yml',
      ruleFiles: [],
      evaluationIntervalMs: 60_000,
      groupOrder: [],
      isFuzzy: false,
      tests: [],
    });
    expect(read('evaluation_interval: 15s\ntests:\n  -\n').tests).toMatchObject([
      {
        name: 'unnamed#0',
        line: 3,
        intervalMs: 15_000,
        startMs: 0,
        inputs: [],
        alertCases: [],
        exprCases: [],
      },
    ]);
  });

  it('knows where each case stands', () => {
    const text =
      'tests:\n  - name: a\n    alert_rule_test:\n      - alertname: A\n        eval_time: 1m30s\n' +
      '      - { alertname: B, exp_alerts: [{ exp_labels: { n: 1.10 } }] }\n    promql_expr_test:\n      - expr: up\n';
    expect(read(text).tests).toMatchObject([
      {
        line: 2,
        alertCases: [
          { line: 4, atMs: 90_000, alertname: 'A', expected: [] },
          { line: 6, atMs: 0, expected: [{ labels: { n: '1.10', alertname: 'B' }, annotations: {} }] },
        ],
        exprCases: [{ line: 8, expr: 'up' }],
      },
    ]);
  });

  it.each([
    ['1609459200', 1_609_459_200_000],
    ['1.5', 1500],
    ['-1', -1000],
    ['2021-01-01T00:00:00Z', 1_609_459_200_000],
    ['"2021-01-01T01:00:00.25+01:00"', 1_609_459_200_250],
  ])('begins at %s', (written, startMs) => {
    expect(read(`tests: [{start_timestamp: ${written}}]`).tests[0]?.startMs).toBe(startMs);
  });

  it('names all mistakes at once, each with its place', () => {
    const text = [
      'rule_file: [a.yml]',
      'group_eval_order: [a, b, a]',
      'evaluation_interval: 5 minutes',
      'tests:',
      '  - interval: 1m',
      '    start_timestamp: yesterday',
      '    input_series:',
      '      - series: "up{job="',
      '        values: 1 2 x',
      '      - values: "1"',
      '    alert_rule_test:',
      '      - eval_time: 1x',
      '        exp_alerts: [{ labels: {} }]',
      '    promql_expr_test:',
      '      - expr: up ==',
      '        exp_samples: [{ labels: "up[5m]", value: "1", histogram: "1 2" }]',
    ].join('\n');
    expect(problemsOf(text).toSorted()).toEqual(
      [
        '1:1: unknown key "rule_file"; did you mean "rule_files"?',
        '2:26: "group_eval_order.2": group name repeated in evaluation order: a',
        '3:1: "evaluation_interval": not a valid duration string: "5 minutes"',
        '6:5: "tests.0.start_timestamp": cannot parse "yesterday" to a valid timestamp',
        '8:9: "tests.0.input_series.0.series": 1:8: parse error: unexpected end of input inside braces',
        '9:9: "tests.0.input_series.0.values": "x" is no point of a series',
        '10:9: "tests.0.input_series.1.series": the series is missing',
        '12:9: "tests.0.alert_rule_test.0.eval_time": not a valid duration string: "1x"',
        '12:9: "tests.0.alert_rule_test.0.alertname": the name of the alert is missing',
        '13:24: unknown key "tests.0.alert_rule_test.0.exp_alerts.0.labels"; known are exp_labels, exp_annotations',
        '15:9: "tests.0.promql_expr_test.0.expr": 1:6: parse error: unexpected end of input',
        '16:25: "tests.0.promql_expr_test.0.exp_samples.0.labels": "up[5m]" is no metric',
        '16:43: "tests.0.promql_expr_test.0.exp_samples.0.value": expected a number',
        '16:55: "tests.0.promql_expr_test.0.exp_samples.0.histogram": one histogram is expected, there are 2 points',
      ]
        .map((problem) => `t.yml:${problem}`)
        .toSorted(),
    );
  });

  it('takes no more points than fit in memory', () => {
    const series = Array.from({ length: 21 }, (_, at) => `{series: m${at}, values: 0x1000000}`);
    expect(problemsOf(`tests: [{input_series: [${series.join(', ')}]}]`)).toEqual([
      't.yml:1:10: "tests.0.input_series": 21000021 points are more than the 20000000 that a test may have',
    ]);
  });
});
