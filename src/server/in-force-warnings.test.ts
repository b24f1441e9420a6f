import { describe, expect, it } from 'vitest';
import { parseRuleFiles } from '#alerting';
import { parseMatcher } from '#promql';
import { unpaced } from '#telemetry';
import { PolicyRegistry } from '#watchdog';
import { configSchema } from './config/schema.ts';
import { inForceWarnings } from './in-force-warnings.ts';
import { alertsOf } from './stranger-triggers.ts';

const policy = (match: string): string =>
  `{ name: p, match: [${match}], target: { kind: agent }, steps: [{ action: restart }] }`;

/** What is said of rules, given as they stand in a group, and of one policy with such matchers, or none. */
function warnings(rules: string, match: string | null, config: object = {}): readonly string[] {
  const text = `groups: [{ name: g, rules: [${rules}] }]`;
  const files = parseRuleFiles([{ name: 'r', text }], { checkExpression: () => undefined, maxRules: 100 });
  const registry = new PolicyRegistry(null, parseMatcher);
  const policies = match === null ? [] : unpaced(registry.parse([{ name: 'p', text: policy(match) }]));
  const groups = files.flatMap((file) =>
    file.groups.map((group) => ({ name: group.name, alerts: alertsOf(group).map(({ labels }) => labels) })),
  );
  const found = unpaced(inForceWarnings({ config: configSchema.parse(config), groups, policies }));
  return found.map(({ key, message }) => `${key}: ${message}`);
}

const SILENT = `{ alert: Silent, expr: up, labels: { severity: error, team: '{{ $labels.team }}' } }`;

describe('a policy', () => {
  it.each([
    ['by the name of its alert', `'alertname="Silent"'`],
    ['by a label that the rule gives', `'severity=~"error|critical"'`],
    ['by a label that a template may give', `'team="x"'`],
    ['by a label that a series may give', `'host="x"'`],
  ])('is triggered %s', (_how, match) => {
    expect(warnings(SILENT, match)).toEqual([]);
  });

  it.each([
    ['a misspelled alert', `'alertname="Silnt"'`, {}, 'none is called "Silnt"; did you mean "Silent"?'],
    ['a label with another value', `'severity="info"'`, {}, 'none raises an alert with severity="info"'],
    [
      'both together',
      `'alertname="Silent"', 'severity="info"'`,
      {},
      'none raises an alert with alertname="Silent", severity="info"',
    ],
    [
      'a rule that is switched off',
      `'alertname="AgentFailed"'`,
      { alerting: { disable: ['AgentFailed'] } },
      'AgentFailed is switched off by alerting.disable',
    ],
    [
      'one of the shipped rules, which are all off',
      `'alertname="AgentFailed"'`,
      { alerting: { disable: ['*'] } },
      'AgentFailed is switched off by alerting.disable',
    ],
    [
      'a rule that earlier servers shipped',
      `'alertname="HeartbeatMissed"'`,
      {},
      'Omoi ships no HeartbeatMissed any more: a missed heartbeat is the event fleet.agent.heartbeat_missed',
    ],
  ])('is not triggered by %s', (_what, match, config, reason) => {
    const expected = `watchdog.policy_files: policy p: no rule can trigger it: ${reason}`;
    expect(warnings(SILENT, match, config)).toEqual([expected]);
  });
});

it('without rules or policies that is said', () => {
  expect(warnings('{ record: r, expr: up }', null)).toEqual([
    'alerting.rule_files: 0 alert rules: whatever happens, no alert is raised',
    'watchdog.policy_files: 0 policies: whatever fires, nothing is repaired, nor is a repair proposed',
  ]);
});

it('options of a group that no file has are named', () => {
  const config = { alerting: { groups: { gg: { evaluate: 'interval' } } } };
  expect(warnings(SILENT, `'alertname="Silent"'`, config)).toEqual([
    'alerting.groups.gg: no rule file has a group "gg"; did you mean "g"?',
  ]);
});

it('a rule that earlier servers shipped may stay switched off, and that is said', () => {
  expect(warnings(SILENT, `'alertname="Silent"'`, { alerting: { disable: ['HeartbeatMissed'] } })).toEqual([
    'alerting.disable: Omoi ships no HeartbeatMissed any more: a missed heartbeat is the event fleet.agent.heartbeat_missed; take the name out',
  ]);
});

it('of thousands of unknown groups a hundred are named, one a turn', () => {
  const unknown = Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`group-${at}x`, {}]));
  const groups = Array.from({ length: 10_000 }, (_, at) => ({
    name: `group-${at}`,
    alerts: [new Map([['alertname', 'A']])],
  }));
  const config = configSchema.parse({ alerting: { groups: unknown } });
  const finding = inForceWarnings({ config, groups, policies: [] });
  let turns = 0;
  let step = finding.next();
  for (; step.done !== true; step = finding.next()) turns++;
  const named = step.value.filter(({ key }) => key.startsWith('alerting.groups'));
  expect(turns).toBe(100);
  expect(named).toHaveLength(101);
  expect(named[7]?.message).toBe('no rule file has a group "group-7x"; did you mean "group-7"?');
  expect(named[100]?.message).toBe('no rule file has 900 more of its groups');
});
