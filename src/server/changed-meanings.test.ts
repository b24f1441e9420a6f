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

  it('a pool that says nothing of `overlap` or `max_unavailable`, by its id and line', () => {
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
    expect(named(changedInConfiguration({ name: 'omoi.yaml', text }))).toEqual([
      'notice omoi.yaml:3 fleet.pools.old',
      'notice omoi.yaml:3 fleet.pools.old',
      'notice omoi.yaml:9 fleet.pools.rolls',
    ]);
    expect(changedInConfiguration({ name: 'omoi.yaml', text: 'http: { port: 1 }' })).toEqual([]);
  });
});
