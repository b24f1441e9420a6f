import { describe, expect, it } from 'vitest';
import { SILENT_AGENT } from '../agent-facts.test-support.ts';
import { decide, type GuardInput } from './guards.ts';

const NOW = 1_000_000;
const guards = {
  cooldown: 60_000,
  max_parallel: 2,
  max_starts: 3,
  window: 600_000,
  spare_healthy: true,
  repair_burst: 4,
  repair_every: 250,
};
const target = { kind: 'pool', pool: 'demo' } as const;
const steps = [{ action: 'restart' }] as const;
const SOME = {
  name: 'p',
  mode: 'act',
  target,
  act_on: { kind: 'share', share: 0.1 },
  guards,
  steps,
} as const;
const free: GuardInput = {
  nowMs: NOW,
  policy: { name: 'p', mode: 'act', target, guards, steps },
  isActedOn: true,
  paused: null,
  maintenance: null,
  storm: null,
  unauthorized: null,
  suspectUntilMs: 0,
  busyWith: null,
  coolsFromMs: null,
  attempts: 0,
  cooldownMs: guards.cooldown,
  running: 0,
  budgetStartMs: null,
  rateWait: null,
  agent: null,
  newGenerationUntilMs: null,
};
const agent = { ...SILENT_AGENT, poolId: null, host: null };

const rateWait = { domain: 'host:web-1', limits: { burst: 16, refillMs: 62.5 }, ms: 250 };

describe('the guards', () => {
  it.each<[string, Partial<GuardInput>, number]>([
    ['a suspicion', { agent, suspectUntilMs: NOW + 10.25 }, NOW + 11],
    ['a cooldown', { coolsFromMs: NOW - 0.75 }, NOW + 60_000],
    ['a budget', { budgetStartMs: NOW - 0.75 }, NOW + 600_000],
    ['a new generation', { agent, newGenerationUntilMs: NOW + 0.5 }, NOW + 1],
    ['work in flight', { agent: { ...agent, workAfterBeatMs: 2999.5 } }, NOW + 1],
  ])(
    'that %s may end in whole milliseconds alone: a database keeps no part of one',
    (_what, more, untilMs) => {
      expect(decide({ ...free, ...more })?.untilMs).toBe(untilMs);
    },
  );

  it('that a cooldown has grown with jitter says so in whole seconds', () => {
    const held = decide({ ...free, coolsFromMs: NOW, cooldownMs: 34_071 });
    expect(held?.reason).toBe('cooldown of 34s after the last attempt');
  });

  it.each<[string, Partial<GuardInput>, string | null, number | null]>([
    ['nothing in the way', {}, null, null],
    ['paused', { paused: { by: 'ann', reason: 'maintenance' } }, 'paused', null],
    ['observe', { policy: { name: 'p', mode: 'observe', target, guards, steps } }, 'observe', null],
    ['the word of a stranger', { unauthorized: 'read x' }, 'not_authorized', NOW + 30_000],
    [
      'the word of a stranger, to be approved',
      { unauthorized: 'read x', policy: { name: 'p', mode: 'approve', target, guards, steps } },
      null,
      null,
    ],
    [
      'a maintenance of its pool',
      { maintenance: { target: 'pool:demo', by: 'ann', reason: 'disks', untilMs: NOW + 60_000 }, agent },
      'maintenance',
      NOW + 60_000,
    ],
    ['one that is not among those that are acted on', { policy: SOME, isActedOn: false }, 'observe', null],
    ['one that is among them', { policy: SOME }, null, null],
    [
      'one that is not, where a person decides',
      { policy: { ...SOME, mode: 'approve' }, isActedOn: false },
      null,
      null,
    ],
    ['a stall of its own', { suspectUntilMs: NOW + 1, agent }, 'self_suspicion', NOW + 1],
    ['a stall that is over', { suspectUntilMs: NOW, agent }, null, null],
    ['a storm', { storm: { domain: 'pool:demo', reason: '3 of 4' }, agent }, 'storm', null],
    [
      'a storm, and an agent that was seen to end',
      { storm: { domain: 'pool:demo', reason: '3 of 4' }, agent: { ...agent, status: 'FAILED' } },
      null,
      null,
    ],
    [
      'a stall of its own, and an agent that is stopped',
      { suspectUntilMs: NOW + 1, agent: { ...agent, status: 'STALLED' } },
      null,
      null,
    ],
    ['an external agent', { agent: { ...agent, managed: false } }, 'not_managed', null],
    [
      'certainly ill, and no token',
      { agent: { ...agent, status: 'FAILED' }, rateWait },
      'repair_rate',
      NOW + 250,
    ],
    ['silent, and no token', { agent, rateWait }, null, null],
    [
      'certainly ill, where as many run as may',
      { agent: { ...agent, status: 'FAILED' }, running: 2 },
      null,
      null,
    ],
    [
      'certainly ill, where the budget is used up',
      { agent: { ...agent, status: 'STALLED' }, budgetStartMs: NOW - 9 },
      null,
      null,
    ],
    ['a storm, and a pool that is to grow', { storm: { domain: 'pool:demo', reason: '3 of 4' } }, null, null],
    ['the target is being repaired', { busyWith: 'rem_1' }, 'one_per_target', null],
    ['cooldown', { coolsFromMs: NOW - 59_999 }, 'cooldown', NOW + 1],
    ['cooldown over', { coolsFromMs: NOW - 60_000 }, null, null],
    ['as many as may run', { running: 2 }, 'max_parallel', null],
    ['one below', { running: 1 }, null, null],
    ['budget used up', { budgetStartMs: NOW - 9 }, 'start_budget', NOW - 9 + 600_000],
    ['a start that has left the window', { budgetStartMs: NOW - 600_000 }, null, null],
    ['a silent agent', { agent }, null, null],
    [
      'a silent agent that works',
      { agent: { ...agent, workAfterBeatMs: 1000 } },
      'work_in_flight',
      NOW + 2000,
    ],
    [
      'an agent whose end was seen, and that had worked',
      { agent: { ...agent, status: 'FAILED', workAfterBeatMs: 1000 } },
      null,
      null,
    ],
    ['work seen too long ago', { agent: { ...agent, workAfterBeatMs: 3000 } }, null, null],
    [
      'an agent that has just beaten',
      { agent: { ...agent, status: 'IDLE', silenceMs: 100 } },
      'target_healthy',
      null,
    ],
    [
      'one that beats no more, and is not given up',
      { agent: { ...agent, status: 'IDLE', silenceMs: 3000 } },
      'target_healthy',
      null,
    ],
    [
      'one that is late, and not given up',
      { agent: { ...agent, status: 'DEGRADED', silenceMs: 2000 } },
      'target_healthy',
      null,
    ],
    [
      'one that is silent, and whose processes are at work or have still to be looked at',
      { agent: { ...agent, status: 'DEGRADED', silenceMs: 9000 } },
      'target_healthy',
      null,
    ],
    [
      'one that beats and says that it is not well',
      { agent: { ...agent, status: 'DEGRADED', silenceMs: 0, saysUnwell: true } },
      null,
      null,
    ],
    [
      'one that said that it is not well, and is silent and not given up',
      { agent: { ...agent, status: 'DEGRADED', silenceMs: 3000, saysUnwell: true } },
      'target_healthy',
      null,
    ],
    [
      'one that is late, for a policy that is about other ills',
      {
        agent: { ...agent, status: 'DEGRADED', silenceMs: 2000 },
        policy: { name: 'p', mode: 'act', target, guards: { ...guards, spare_healthy: false }, steps },
      },
      null,
      null,
    ],
    [
      'one that beats, for a policy that is about other ills',
      {
        agent: { ...agent, status: 'RUNNING', silenceMs: 0 },
        policy: { name: 'p', mode: 'act', target, guards: { ...guards, spare_healthy: false }, steps },
      },
      null,
      null,
    ],
    [
      'one that a person has stopped',
      { agent: { ...agent, status: 'TERMINATED' } },
      'target_withdrawn',
      null,
    ],
    ['one that was asked to leave', { agent: { ...agent, leaves: true } }, 'target_withdrawn', null],
    [
      'one that is not known any more',
      {
        policy: { name: 'p', mode: 'act', target: { kind: 'agent', label: 'agent_id' }, guards, steps },
        agent: null,
      },
      'target_withdrawn',
      null,
    ],
    ['one in quarantine', { agent: { ...agent, status: 'QUARANTINED' } }, 'target_withdrawn', null],
    [
      'one that is being started, whoever asked for it',
      { agent: { ...agent, status: 'SPAWNING' } },
      'new_generation',
      null,
    ],
    ['a generation started meanwhile', { agent, newGenerationUntilMs: NOW + 5 }, 'new_generation', NOW + 5],
    ['which has had its time', { agent, newGenerationUntilMs: NOW }, null, null],
    [
      'which has ended already',
      { agent: { ...agent, status: 'FAILED' }, newGenerationUntilMs: NOW + 5 },
      null,
      null,
    ],
  ])('%s', (_name, change, guard, untilMs) => {
    const suppression = decide({ ...free, ...change });
    expect(suppression?.suppressed ?? null).toBe(guard);
    expect(suppression?.untilMs ?? null).toBe(untilMs);
  });

  it('names the first that holds', () => {
    const all = {
      paused: { by: 'a', reason: 'b' },
      storm: { domain: 'pool:demo', reason: 'c' },
      agent,
      running: 9,
    };
    expect(decide({ ...free, ...all })?.suppressed).toBe('paused');
  });
});
