import { describe, expect, it } from 'vitest';
import { parseRuleFiles } from '#alerting';
import { createEngine, parseMatcher, parseSelector } from '#promql';
import { VirtualClock } from '#telemetry';
import { PolicyRegistry } from '#watchdog';
import { strangerTriggers, triggerText } from './stranger-triggers.ts';

async function triggers(
  rules: string,
  { match = `'alertname="A"'`, mode = 'act', watch = [] as string[] } = {},
) {
  const clock = new VirtualClock();
  const engine = createEngine({ clock });
  const selectorsOf = (expr: string) => engine.prepare(expr).selectors.map(({ matchers }) => matchers);
  const policy = `{name: p, match: [${match}], mode: ${mode}, target: {kind: agent}, steps: [{action: restart, verify: {within: 30s}}]}`;
  const policies = new PolicyRegistry(null, parseMatcher);
  await policies.load([{ name: 'p', text: policy }], clock);
  return strangerTriggers({
    files: parseRuleFiles([{ name: 'r', text: `groups: [{name: g, rules: [${rules}]}]` }], {
      checkExpression: () => undefined,
      maxRules: 100,
    }),
    policies: policies.list(),
    selectorsOf,
    watch: watch.map((text) => parseSelector(text).matchers),
  });
}

const reads = async (...given: Parameters<typeof triggers>) =>
  (await triggers(...given)).flatMap((trigger) => trigger.reads);

describe('a policy can be set off by', () => {
  it.each([
    ['a metric of anybody', '{alert: A, expr: "load > 1"}', ['load']],
    ['a threshold of anybody', '{alert: A, expr: "agent_status > limit"}', ['limit']],
    [
      'what a rule records: others may send it too',
      '{alert: A, expr: "r"}, {record: r, expr: "agent_status"}',
      ['r'],
    ],
    ['series of any name', `{alert: A, expr: '{job="x"}'}`, ['series of any name']],
    ['names that match', `{alert: A, expr: '{__name__=~"agent_.*"}'}`, ['series of any name']],
    ['another alert', `{alert: A, expr: 'ALERTS{alertname="B"}'}, {alert: B, expr: "load"}`, ['load']],
    [
      'a query in a label',
      `{alert: A, expr: "agent_status", labels: {x: '{{ query "y" }}'}}`,
      ['the answer of a query in a label of g/A'],
    ],
  ])('%s', async (_name, rules, expected) => {
    expect(await reads(rules)).toEqual(expected);
  });

  it('the score of a series that somebody else sends', async () => {
    const rule = '{alert: A, expr: "anomaly_score > 8"}';
    expect(await reads(rule, { watch: ['load'] })).toEqual(['anomaly_score']);
    expect(await reads(rule, { watch: ['agent_heartbeat_age_seconds'] })).toEqual([]);
  });

  it('a rule whose label is a template, which may say anything', async () => {
    const rule = `{alert: A, expr: "load", labels: {team: '{{ $labels.team }}'}}`;
    expect(await reads(rule, { match: `'team="x"'` })).toEqual(['load']);
  });
});

describe('a policy can not be set off by', () => {
  it.each([
    ['what Omoi alone may send', '{alert: A, expr: "agent_status > 1"}'],
    ['another rule', '{alert: B, expr: "load > 1"}'],
    ['an alert of another name', `{alert: A, expr: 'ALERTS{alertname="C"}'}, {alert: B, expr: "load"}`],
    ['an alert that rests on itself', '{alert: A, expr: "ALERTS"}'],
  ])('%s', async (_name, rules) => {
    expect(await reads(rules)).toEqual([]);
  });
});

it('says who could, and what holds it back', async () => {
  expect((await triggers('{alert: A, expr: "load"}')).map(triggerText)).toEqual([
    'policy p (act): rule g/A reads load, which anybody may send; it acts only on the word of tokens that speak for ' +
      'the target (--speaks-for), and is else held back as not_authorized',
  ]);
  expect((await triggers('{alert: A, expr: "load"}', { mode: 'approve' })).map(triggerText)).toEqual([
    'policy p (approve): rule g/A reads load, which anybody may send',
  ]);
});
