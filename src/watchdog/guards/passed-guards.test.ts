import { expect, it } from 'vitest';
import { GUARDS } from '#telemetry';
import { SILENT_AGENT } from '../agent-facts.test-support.ts';
import type { GuardInput } from './guards.ts';
import { passedBy } from './passed-guards.ts';

const NOW = 1_000_000;
const agent = { ...SILENT_AGENT, generation: 3 };
const input: GuardInput = {
  nowMs: NOW,
  policy: {
    target: { kind: 'agent', label: 'agent_id' },
    name: 'p',
    mode: 'act',
    steps: [{ action: 'restart' }],
    guards: {
      cooldown: 60_000,
      max_parallel: 2,
      max_starts: 3,
      window: 600_000,
      spare_healthy: true,
      repair_burst: 4,
      repair_every: 250,
    },
  },
  isActedOn: true,
  paused: null,
  maintenance: null,
  storm: null,
  suspectUntilMs: 0,
  busyWith: null,
  coolsFromMs: NOW - 90_000,
  attempts: 0,
  cooldownMs: 60_000,
  running: 1,
  budgetStartMs: null,
  rateWait: null,
  unauthorized: null,
  agent,
  newGenerationUntilMs: null,
};
const said = (about: GuardInput) => passedBy(about).map(({ guard, saw }) => `${guard}: ${saw}`);

it('has every guard say what it saw of a silent agent, in their order', () => {
  expect(said(input)).toEqual([
    'paused: nobody has paused the watchdog',
    'observe: the policy is in mode act',
    'not_managed: Omoi runs w-1',
    'not_authorized: who told of it may speak for the target',
    'maintenance: the target is not under maintenance',
    'self_suspicion: Omoi has neither stalled nor lost its database',
    'storm: no storm in pool:demo',
    'one_per_target: nothing else is at work on the target',
    'cooldown: the last attempt was 1m30s ago',
    'max_parallel: 1 of 2 remediations of the policy ran',
    'start_budget: fewer than 3 steps were started in 10m',
    'target_withdrawn: w-1 is UNRESPONSIVE, and nobody has asked it to leave',
    'target_healthy: w-1 was silent for 5s',
    'new_generation: nobody else has just started generation 3',
    'work_in_flight: no work of it was seen since its last heartbeat',
  ]);
});

it('says what a task and an early end explain', () => {
  const failed = { ...agent, status: 'FAILED', blamedTaskId: 'task_1' } as const;
  const explained = { ...input, agent: failed, coolsFromMs: null, newGenerationUntilMs: NOW + 5 };
  expect(said(explained)).toEqual(
    expect.arrayContaining([
      'cooldown: task task_1 explains why w-1 is ill: nothing has to cool down',
      'new_generation: generation 3, which somebody else has started, is FAILED already',
    ]),
  );
});

it('says of a next step that follows at once that there was one before', () => {
  expect(said({ ...input, coolsFromMs: null, attempts: 1 })).toContain(
    'cooldown: the step before did not help, and no process has ended since: the next one follows at once',
  );
});

it('leaves out what has nothing to do with the target', () => {
  const failed = passedBy({ ...input, agent: { ...agent, status: 'FAILED' } }).map(({ guard }) => guard);
  const notAsked = ['self_suspicion', 'storm', 'max_parallel', 'start_budget', 'work_in_flight'];
  expect(failed).toEqual(GUARDS.filter((guard) => !notAsked.includes(guard)));
  expect(said({ ...input, agent: null, coolsFromMs: null })).toEqual([
    'paused: nobody has paused the watchdog',
    'observe: the policy is in mode act',
    'not_authorized: who told of it may speak for the target',
    'maintenance: the target is not under maintenance',
    'one_per_target: nothing else is at work on the target',
    'cooldown: the policy had not acted on the target before',
    'max_parallel: 1 of 2 remediations of the policy ran',
    'start_budget: fewer than 3 steps were started in 10m',
  ]);
});

it('says on how much of its targets the policy acts', () => {
  const actOn = { kind: 'share', share: 0.1 } as const;
  expect(said({ ...input, policy: { ...input.policy, act_on: actOn } })).toContain(
    'observe: the policy is in mode act, and the target among the 10% it acts on',
  );
});
