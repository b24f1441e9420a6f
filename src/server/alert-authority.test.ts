import { describe, expect, it } from 'vitest';
import { parseMatcher } from '#promql';
import type { Grant } from '#telemetry';
import type { AlertFacts } from '#watchdog';
import { createAlertAuthority } from './alert-authority.ts';
import { MAX_SENDERS_FOUND } from './alert-senders.ts';

const ALERT: AlertFacts = {
  alertId: 'alert_1',
  ruleId: 'g/A',
  labels: { alertname: 'A', agent_id: 'w-1' },
  severity: 'error',
  state: 'firing',
  cause: null,
  value: 1,
  worse: 'higher',
  maintained: false,
  postedBy: null,
  traceparent: null,
};
const AGENT = { kind: 'agent', id: 'w-1', poolId: 'demo' } as const;
const POOL = { kind: 'pool', id: 'demo', poolId: 'demo' } as const;
const LONER = { kind: 'agent', id: 'w-1', poolId: null } as const;

function grant(given: { pools?: string[]; agents?: string[]; matchers?: string[] }): Grant {
  const { pools = [], agents = [], matchers = [] } = given;
  return { pools, agents, matchers: matchers.map((text) => parseMatcher(text)) };
}

const GRANTS: Readonly<Record<string, Grant>> = {
  'token:pool': grant({ pools: ['demo'] }),
  'token:agent': grant({ agents: ['w-1'] }),
  'token:others': grant({ pools: ['other'], agents: ['demo', 'w-2'] }),
  'token:like': grant({ matchers: ['pool_id=~"de.*"', 'agent_id!="w-9"'] }),
  'token:unlike': grant({ matchers: ['pool_id=~"de.*"', 'agent_id="w-9"'] }),
  'token:empty': grant({}),
};

it('refuses what rests on the word of more than are looked for, whoever they are', () => {
  const many = Array.from({ length: MAX_SENDERS_FOUND + 1 }, (_, at) => `token:${at}`);
  const mayAll = (): Grant => grant({ agents: ['w-1'] });
  const of = (senders: readonly string[]) =>
    createAlertAuthority({ of: () => new Set(senders) }, mayAll).refusalOf(ALERT, AGENT);
  expect(of(many)).toContain('more than 1000 senders');
  expect(of(many.slice(1))).toBeNull();
});

function refusal(
  target: typeof AGENT | typeof POOL | typeof LONER,
  ...senders: readonly string[]
): string | null {
  const authority = createAlertAuthority({ of: () => new Set(senders) }, (sender) => GRANTS[sender] ?? null);
  return authority.refusalOf(ALERT, target);
}

describe('a policy may act on the word of', () => {
  it.each([
    ['nobody but Omoi', AGENT, ['omoi']],
    ['the agent itself', AGENT, ['agent:w-1', 'omoi']],
    ['its pool', AGENT, ['pool:demo']],
    ['the pool itself', POOL, ['pool:demo']],
    ['who speaks for the pool, of the pool', POOL, ['token:pool']],
    ['who speaks for the pool, of its agents', AGENT, ['token:pool']],
    ['who speaks for the agent', LONER, ['token:agent']],
    ['who speaks for such as this', AGENT, ['token:like']],
    ['who speaks for pools such as this', POOL, ['token:like']],
  ] as const)('%s', (_name, target, senders) => {
    expect(refusal(target, ...senders)).toBeNull();
  });
});

describe('a policy may not act on the word of', () => {
  it.each([
    ['anybody', AGENT, ['anonymous']],
    ['one who may and one who may not', AGENT, ['omoi', 'agent:w-1', 'anonymous']],
    ['another agent', AGENT, ['agent:w-2']],
    ['another pool', AGENT, ['pool:other']],
    ['an agent, for its pool', POOL, ['agent:w-1']],
    ['an agent that is called as the pool', POOL, ['agent:demo']],
    ['a token that was given nothing', AGENT, ['token:ci']],
    ['a token that was given an empty list', AGENT, ['token:empty']],
    ['a token for others', AGENT, ['token:others']],
    ['a token for an agent, of its pool', POOL, ['token:agent']],
    ['a token for such as are in a pool, where it is in none', LONER, ['token:like']],
    ['a token for others such as this', AGENT, ['token:unlike']],
    ['the admin of the machine', AGENT, ['local']],
  ] as const)('%s', (_name, target, senders) => {
    expect(refusal(target, ...senders)).toContain(`may not speak for ${target.kind} ${target.id}`);
  });
});

it('says who sent it, and how to let them', () => {
  expect(refusal(AGENT, 'token:e', 'token:d', 'token:c', 'token:b', 'omoi', 'anonymous')).toBe(
    'the alert rests on what somebody without a token, token:b, token:c and 2 more sent, who may not speak for ' +
      'agent w-1; send it under a token that may (omoi token create NAME --role ingest --speaks-for agent=w-1), ' +
      "or set the policy's mode to approve",
  );
});

it('of a posted alert the word of one who may is enough, and that of its rule counts nothing', () => {
  const authority = createAlertAuthority({ of: () => new Set(['omoi']) }, (sender) => GRANTS[sender] ?? null);
  const refusalOf = (...postedBy: readonly string[]) => authority.refusalOf({ ...ALERT, postedBy }, AGENT);
  expect(refusalOf('anonymous', 'token:agent')).toBeNull();
  expect(refusalOf()).toContain('may not speak');
  expect(refusalOf('anonymous', 'token:ci')).toBe(
    'the alert was posted by somebody without a token, token:ci, who may not speak for agent w-1; ' +
      'send it under a token that may (omoi token create NAME --role ingest --speaks-for agent=w-1), ' +
      "or set the policy's mode to approve",
  );
});

it('of a rule that is not loaded nothing is known', () => {
  const authority = createAlertAuthority({ of: () => null }, () => null);
  expect(authority.refusalOf(ALERT, AGENT)).toContain('g/A is not loaded');
});
