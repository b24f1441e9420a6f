import { expect, it } from 'vitest';
import { linesOf, type Why } from './why.ts';

const AT = '2026-11-28T12:00:30.000Z';
const agent = { agent_type: 'worker', pool_id: 'demo', managed: true, generation: 3 };
const well: Why = {
  at: AT,
  verdict: 'well',
  summary: 'demo-1 is RUNNING for 5m: registered',
  agent,
  generations: [],
  evidence: [{ kind: 'heartbeat', text: 'last heartbeat 400ms ago' }],
  alerts: [],
  remediations: [],
  watchdog: [],
  parked_tasks: [],
  advice: [],
};

it('says with evidence that nothing is wrong', () => {
  expect(linesOf(well)).toEqual([
    'demo-1 is RUNNING for 5m: registered',
    '  worker, pool demo, generation 3, started by Omoi',
    '',
    'Evidence',
    '  heartbeat  last heartbeat 400ms ago',
    '',
    'Alerts',
    '  none fires about it',
    '',
    'Repairs',
    '  none was needed',
    '',
    'What you can do',
    '  nothing is to be done',
  ]);
});

it('says why there is no repair of what fires, safe for a terminal', () => {
  const none = 'restart held back by the guard paused: \u001b[2J a look (lifts when somebody resumes)';
  const lines = linesOf({ ...well, no_repair: none });
  const at = lines.indexOf('Repairs');
  expect(lines[at + 1]).toMatch(/^ {2}none: restart held back by the guard paused: .* a look \(lifts when/);
  expect(lines.join('')).not.toContain('\u001b');
});

it('shows what its newest generation that has ended left behind, safe for a terminal', () => {
  const ended = { ended_at: AT, exit_code: 1, exit_signal: null };
  const generations = [
    { generation: 3, ended_at: null, exit_code: null, exit_signal: null, last_output: null },
    { ...ended, generation: 2, last_output: 'loading\nno such file: \u001b[2Jx\n' },
    { ...ended, generation: 1, last_output: 'older' },
  ];
  const lines = linesOf({ ...well, generations });
  const at = lines.indexOf('Last output of generation 2, which ended with 1');
  expect(lines.slice(at + 1, at + 4)).toEqual([
    '  | loading',
    expect.stringMatching(/^ {2}\| no such file: .*x$/),
    '',
  ]);
  expect(lines.join('')).not.toContain('\u001b');
  expect(lines).not.toContain('  | older');
});

it('says what is done, what holds it back and when that lifts, and what a person can do', () => {
  const lines = linesOf({
    ...well,
    verdict: 'ill',
    alerts: [
      {
        rule_id: 'fleet/AgentUnresponsive',
        severity: 'error',
        fired_at: '2026-11-28T12:00:25.000Z',
        value: '1',
        acknowledged_by: 'ann',
        policies: [{ policy: 'restart_it', mode: 'act' }],
      },
    ],
    remediations: [
      {
        policy: 'restart_it',
        state: 'planned',
        outcome: null,
        reason: null,
        attempts: 2,
        max_attempts: 3,
        guardian: 'operators',
        evidence: 'agent demo-1: generation 2 is FAILED',
        verifies: null,
        verify_until: null,
        last_output: 'one\ntwo\u001b[2J\n',
        planned_at: '2026-11-28T12:00:26.000Z',
        actions: [
          {
            action: 'restart',
            result: 'done',
            detail: 'generation 3 should run',
            passed_guards: [
              { guard: 'paused', saw: 'nobody has paused the watchdog' },
              { guard: 'repair_rate', saw: 'pool:demo had a token' },
            ],
          },
        ],
        suppressions: [
          { guard: 'storm', reason: '3 of 4', holds: false, lifts: 'by itself', until: null },
          {
            guard: 'cooldown',
            reason: 'cooldown of 1m',
            holds: true,
            lifts: 'when the cooldown is over',
            until: '2026-11-28T12:01:10.000Z',
          },
        ],
      },
    ],
    watchdog: [{ state: 'self_suspicion', reason: 'it stalled', until: '2026-11-28T12:00:40.000Z' }],
    parked_tasks: [
      { task_id: 'task_1', task_type: 'mail', error: '3 of 3 attempts used up', last_output: 'oh\nno\n' },
    ],
    advice: ['restart it by hand'],
  });
  expect(lines.slice(6)).toEqual([
    'Alerts',
    '  fleet/AgentUnresponsive  error, fires for 5s with 1, acknowledged by ann; restart_it (act)',
    '',
    'Repairs',
    '  restart_it  planned, planned 4s ago; attempt 2 of 3, then operators',
    '    on: agent demo-1: generation 2 is FAILED',
    '    let pass by:',
    '      paused       nobody has paused the watchdog',
    '      repair_rate  pool:demo had a token',
    '    did: restart: generation 3 should run (done)',
    '    held by cooldown: cooldown of 1m; lifts in 40s',
    '    was held by: storm',
    '    last output:',
    '      | one',
    '      | two\\u001b[2J',
    '',
    'Held back in its failure domain',
    '  self_suspicion: it stalled; ends in 10s',
    '',
    'Parked tasks',
    '  task_1  mail  3 of 3 attempts used up',
    '    | oh',
    '    | no',
    '',
    'What you can do',
    '  restart it by hand',
  ]);
});

it.each([
  ['2026-11-28T12:00:50.000Z', '  verifies: agent demo-1, within 20s'],
  ['2026-11-28T12:00:20.000Z', '  verifies: agent demo-1, for as long as the pool lets it start or finish'],
])('says until when a repair is verified: %s', (until, line) => {
  const verifying = {
    policy: 'restart_it',
    state: 'verifying',
    outcome: null,
    reason: null,
    attempts: 1,
    max_attempts: 3,
    guardian: 'operators',
    evidence: null,
    verifies: 'agent demo-1',
    verify_until: until,
    last_output: null,
    planned_at: '2026-11-28T12:00:10.000Z',
    actions: [],
    suppressions: [],
  };
  expect(linesOf({ ...well, remediations: [verifying] })).toContain(`  ${line}`);
});
