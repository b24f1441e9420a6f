import { describe, expect, it } from 'vitest';
import type { AgentFacts, AlertFacts } from '../ports.ts';
import { healthyForMsOf, judgeRestart, judgeScale, maxSecondLookMs, verificationLeftMs } from './verdict.ts';

const NOW = 1_000_000;
const now = { wallMs: NOW, bootMs: 9000, bootId: 'boot' };
/** Half a minute to take effect, of which 5 ms are left. */
const step = {
  generation: 2,
  leaves: false,
  value_before: 100,
  updated_at_ms: NOW - 29_995,
  verify_until_ms: NOW + 5,
  boot_ms: null,
  boot_id: null,
};
const late = { ...step, verify_until_ms: NOW };
/** Ten minutes ago, with half a minute to take effect. */
const longAgo = { ...step, updated_at_ms: NOW - 600_000, verify_until_ms: NOW - 570_000 };
const alert: AlertFacts = {
  alertId: 'a1',
  ruleId: 'fleet/X',
  labels: {},
  severity: 'error',
  state: 'firing',
  cause: null,
  value: 100,
  worse: 'higher',
  maintained: false,
  postedBy: null,
  traceparent: null,
};
const recovered: AlertFacts = { ...alert, state: 'resolved', cause: 'recovered' };
const agent: AgentFacts = {
  agentId: 'w-1',
  poolId: null,
  host: null,
  generation: 2,
  status: 'IDLE',
  statusReason: 'registered',
  leaves: false,
  drains: false,
  blamedTaskId: null,
  suspicionLeftMs: 0,
  silenceMs: 0,
  workAfterBeatMs: null,
  heartbeatTtlMs: 3000,
  heartbeatIntervalMs: 1000,
  beatsForItself: true,
  saysUnwell: false,
  managed: true,
  domains: ['pool:demo'],
};
const well = { remediation: step, alert: recovered, agent, wellForMs: 2000, healthyForMs: 2000 };
const spawning = { ...well, agent: { ...agent, status: 'SPAWNING' }, wellForMs: null } as const;
const failed = {
  ...well,
  agent: { ...agent, status: 'FAILED', statusReason: 'exit 7' },
  wellForMs: null,
} as const;
const finished = {
  ...well,
  agent: { ...agent, status: 'TERMINATED', statusReason: 'finished' },
  wellForMs: null,
} as const;

const LONG_MS = 3_600_000;

describe('the verdict on a restart', () => {
  it.each([
    [
      'it is well, has been for long enough, and the signal is back',
      well,
      'healed',
      /^generation 2 is IDLE, healthy for 2s; the alert resolved: recovered$/,
    ],
    ['it has to stay well for a while', { ...well, wellForMs: 500 }, 'open 1500', null],
    [
      'even beyond the time in which it had to come up',
      { ...well, remediation: late, wellForMs: 500 },
      'open 1500',
      null,
    ],
    ['the alert that the restart itself ended proves nothing', spawning, 'open 30000', null],
    [
      'it is still starting, for as long as its pool allows',
      { ...spawning, remediation: late },
      'open 30000',
      null,
    ],
    [
      'it never came up',
      { ...spawning, remediation: late, agent: { ...agent, status: 'UNRESPONSIVE' } },
      'no_effect',
      /generation 2 is UNRESPONSIVE, and was to be healthy/,
    ],
    [
      'the one before it finishes its work, for as long as its grace allows',
      { ...well, remediation: late, agent: { ...agent, generation: 1, drains: true } },
      'open 30000',
      null,
    ],
    [
      'the one before it is still there, and nobody has asked it to end',
      { ...well, remediation: late, agent: { ...agent, generation: 1 } },
      'no_effect',
      /generation 1 is IDLE, and was to be healthy/,
    ],
    [
      'it came up late, as it may, and the signal has as long to come back as ever',
      { ...well, alert, remediation: longAgo, wellForMs: 10_000 },
      'open 20000',
      null,
    ],
    [
      'it came up late, and the signal has not come back',
      { ...well, alert, remediation: longAgo, wellForMs: 30_000 },
      'no_effect',
      /the alert still fires, though generation 2 is IDLE/,
    ],
    ['it ended again, which is known at once', failed, 'no_effect', /^generation 2 has failed: exit 7$/],
    [
      'the one before it ended, and it is not there yet',
      { ...failed, agent: { ...failed.agent, generation: 1 } },
      'open 5',
      null,
    ],
    [
      'it is silent',
      { ...spawning, remediation: late, agent: { ...agent, status: 'UNRESPONSIVE' } },
      'no_effect',
      /UNRESPONSIVE/,
    ],
    ['it is well and the signal is not back yet', { ...well, alert }, 'open 5', null],
    [
      'it is well and the signal has not come back',
      { ...well, alert, remediation: late },
      'no_effect',
      /the alert still fires, though generation 2 is IDLE/,
    ],
    ['and is worse', { ...well, alert: { ...alert, value: 151 }, remediation: late }, 'worsened', null],
    [
      'somebody took it out of work',
      { ...well, agent: { ...agent, status: 'QUARANTINED', statusReason: 'bad disk' } },
      'cancelled',
      /^generation 2 is QUARANTINED \(bad disk\): somebody took it out of work$/,
    ],
    [
      'its pool has become smaller, and it was asked to leave',
      { ...well, agent: { ...agent, leaves: true } },
      'cancelled',
      /^generation 2 is IDLE \(registered\): it was asked to leave$/,
    ],
    [
      'somebody ended it',
      { ...finished, agent: { ...finished.agent, statusReason: 'SIGTERM' } },
      'cancelled',
      /^generation 2 is TERMINATED \(SIGTERM\): it ended on purpose$/,
    ],
    [
      'it is a one-shot, and has done its work',
      finished,
      'healed',
      /^generation 2 has finished its work; the alert resolved: recovered$/,
    ],
    ['it has done its work, and the signal is not back yet', { ...finished, alert }, 'open 5', null],
    [
      'it has done its work, and the signal has not come back',
      { ...finished, alert, remediation: late },
      'cancelled',
      /finished/,
    ],
    [
      'the data vanished',
      { ...well, alert: { ...recovered, cause: 'data_vanished' } },
      'unknown',
      /data_vanished/,
    ],
    [
      'a person ended the alert',
      { ...well, alert: { ...recovered, cause: 'manual' } },
      'cancelled',
      /manual/,
    ],
    ['the record of the alert is gone', { ...well, alert: null }, 'unknown', /its record is gone/],
    [
      'the agent is gone',
      { ...well, agent: null, wellForMs: null, remediation: late },
      'no_effect',
      /unknown/,
    ],
  ] as const)('%s', (_name, evidence, expected, reason) => {
    const verdict = judgeRestart({ watchedForMs: LONG_MS, ...evidence }, now);
    expect(verdict.kind === 'open' ? `open ${verdict.leftMs}` : 'outcome' in verdict && verdict.outcome).toBe(
      expected,
    );
    if (reason) expect('reason' in verdict && verdict.reason).toMatch(reason);
  });
});

describe('the verdict on more replicas', () => {
  const pool = { running: 6, spawning: 0 };
  it.each([
    ['there is time', step, alert, 'open'],
    ['nothing changed', late, alert, 'no_effect'],
    ['it rose by half', late, { ...alert, value: 150 }, 'no_effect'],
    ['it rose by more', late, { ...alert, value: 150.1 }, 'worsened'],
    ['a negative value rose by more', { ...late, value_before: -10 }, { ...alert, value: -4 }, 'worsened'],
    ['it fell, and has further to go', late, { ...alert, value: 80 }, 'improving'],
    [
      'it rose where lower is worse: agents_active < 5 from 2 to 4',
      { ...late, value_before: 2 },
      { ...alert, worse: 'lower', value: 4 },
      'improving',
    ],
    [
      'it fell by more than half where lower is worse',
      late,
      { ...alert, worse: 'lower', value: 49 },
      'worsened',
    ],
    ['its rule compares with no number', late, { ...alert, worse: null, value: 1e9 }, 'no_effect'],
    [
      'there was no value to compare with',
      { ...late, value_before: null },
      { ...alert, value: 1e9 },
      'no_effect',
    ],
    ['it recovered', step, recovered, 'healed'],
    ['its data vanished', step, { ...recovered, cause: 'data_vanished' }, 'unknown'],
    ['a person ended it', step, { ...recovered, cause: 'manual' }, 'cancelled'],
    ['its record is gone', step, null, 'unknown'],
  ] as const)('%s', (_name, remediation, seen, expected) => {
    const verdict = judgeScale({ remediation, alert: seen, pool, watchedForMs: LONG_MS }, now);
    expect('outcome' in verdict ? verdict.outcome : verdict.kind).toBe(expected);
  });

  it.each([0, 4000])('after %i ms of watching is not yet that nothing came of it', (watchedForMs) => {
    const lengthMs = 60_000;
    const long = { ...late, updated_at_ms: late.verify_until_ms - lengthMs };
    expect(judgeScale({ remediation: long, alert, pool, watchedForMs }, now)).toEqual({
      kind: 'open',
      leftMs: maxSecondLookMs - watchedForMs,
    });
    expect(judgeScale({ remediation: long, alert, pool, watchedForMs: maxSecondLookMs }, now)).toMatchObject({
      kind: 'ineffective',
    });
  });

  it.each([
    ['they are coming up', { running: 2, spawning: 4 }, step, 'open'],
    ['they have not come up in time', { running: 2, spawning: 4 }, late, 'unknown'],
    ['the pool is gone', null, late, 'unknown'],
  ] as const)('the alert recovered, but %s', (_name, replicas, remediation, expected) => {
    const verdict = judgeScale({ remediation, alert: recovered, pool: replicas, watchedForMs: LONG_MS }, now);
    expect('outcome' in verdict ? verdict.outcome : verdict.kind).toBe(expected);
  });
});

it.each([
  ['two heartbeat intervals', agent, undefined, 2000],
  ['at least a second', { ...agent, heartbeatIntervalMs: 100 }, undefined, 1000],
  ['5 s where somebody else beats for it', { ...agent, beatsForItself: false }, undefined, 5000],
  ['what the policy says', agent, 250, 250],
] as const)('an agent has to stay healthy for %s', (_name, facts, said, expected) => {
  expect(healthyForMsOf(said, facts)).toBe(expected);
});

it.each([3_600_000, -3_600_000])('a step of the wall clock by %d ms leaves the time as it is', (stepMs) => {
  const stamped = { ...step, boot_ms: now.bootMs - 10_000, boot_id: now.bootId };
  const lengthMs = stamped.verify_until_ms - stamped.updated_at_ms;
  expect(verificationLeftMs(stamped, { ...now, wallMs: NOW + stepMs })).toBe(lengthMs - 10_000);
});
