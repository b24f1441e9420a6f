import { describe, expect, it } from 'vitest';
import { changedInConfiguration, changedInPolicy } from './changed-meanings.ts';

const POLICY = `name: restart
match: ['alertname="AgentUnresponsive"']
target: { kind: agent }
steps:
  - action: restart
    verify: { within: 30s }
  - action: restart
guards:
  cooldown: 30s
  max_parallel: 2
  max_starts: 10
`;

/** `line key` of each line that is named. */
const named = (findings: ReturnType<typeof changedInPolicy>): readonly string[] =>
  findings.map(({ severity, key }) => `${severity} ${key}`).toSorted();

describe('lines whose meaning has changed', () => {
  it.each([
    [
      'as an earlier version had it',
      POLICY,
      [
        'notice p.yaml:10 guards.max_parallel',
        'notice p.yaml:11 guards.max_starts',
        'notice p.yaml:6 steps.0.verify.within',
        'notice p.yaml:9 guards.cooldown',
      ],
    ],
    [
      'whose writer knows of the proof of repair',
      POLICY.replace('within: 30s', 'within: 30s, healthy_for: 5s'),
      [
        'notice p.yaml:10 guards.max_parallel',
        'notice p.yaml:11 guards.max_starts',
        'notice p.yaml:9 guards.cooldown',
      ],
    ],
    [
      'whose writer knows of the rates',
      POLICY.replace('  cooldown: 30s', '  cooldown: 30s\n  repair_burst: 2'),
      ['notice p.yaml:6 steps.0.verify.within', 'notice p.yaml:9 guards.cooldown'],
    ],
    [
      'whose writer knows of lineages',
      `${POLICY}relapse_window: 5m\n`,
      [
        'notice p.yaml:10 guards.max_parallel',
        'notice p.yaml:11 guards.max_starts',
        'notice p.yaml:6 steps.0.verify.within',
      ],
    ],
    ['that leaves all to the defaults', 'name: x\nsteps: [{ action: restart }]\n', []],
    ['that is empty', '', []],
    ['that is no mapping', '- 1\n', []],
  ])('a policy %s', (_what, text, expected) => {
    expect(named(changedInPolicy({ name: 'p.yaml', text }))).toEqual(expected.toSorted());
  });

  it('pools that say nothing of `overlap` or `max_unavailable`, each change once, by their ids and lines', () => {
    const text = `fleet:
  pools:
    - id: old
      command: [work]
    - id: new
      command: [work]
      overlap: false
      max_unavailable: 1
    - id: rolls
      command: [work]
      max_unavailable: 2
`;
    const findings = changedInConfiguration({ name: 'omoi.yaml', text });
    expect(named(findings)).toEqual([
      'notice omoi.yaml:3 fleet.pools.old',
      'notice omoi.yaml:3 fleet.pools.old',
    ]);
    expect(findings[0]?.message).toMatch(/; the same holds for fleet\.pools\.rolls \(line 9\)$/);
    expect(findings[1]?.message).not.toContain('fleet.pools.rolls');
    const ids = Array.from({ length: 30 }, (_, at) => `p${at}`);
    const many = `fleet: { pools: [${ids.map((id) => `{ id: ${id} }`).join(', ')}] }`;
    const [first, ...others] = changedInConfiguration({ name: 'omoi.yaml', text: many });
    expect(first?.message).toContain('fleet.pools.p10 (line 1) and 19 more');
    expect(others).toHaveLength(1);
    expect(changedInConfiguration({ name: 'omoi.yaml', text: 'http: { port: 1 }' })).toEqual([]);
    const added = 'alerting: { rule_files: [r] }\nwatchdog:\n  policy_files: [p]\n';
    expect(named(changedInConfiguration({ name: 'omoi.yaml', text: added }))).toEqual([
      'notice omoi.yaml:1 alerting.rule_files',
      'notice omoi.yaml:3 watchdog.policy_files',
    ]);
    const settled = added.replace('[r]', '[r], disable: []').replace('[p]', '[p]\n  disable: []');
    expect(changedInConfiguration({ name: 'omoi.yaml', text: settled })).toEqual([]);
  });
});
