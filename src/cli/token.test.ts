import { describe, expect, it } from 'vitest';
import { expiryOf, scopeOf, speaksForOf, stateOf } from './token.ts';

const NOTHING = { agentIds: [], poolId: null, memberOf: null, enqueueFor: [], maxAgents: null };

describe('the scope of a token', () => {
  it('is none where no option says anything', () => expect(scopeOf(NOTHING)).toBeUndefined());

  it.each([
    [{ agentIds: ['coder-7'] }, { agent_ids: ['coder-7'] }],
    [{ poolId: 'coders' }, { pool_id: 'coders' }],
    [{ memberOf: 'coders' }, { member_of: 'coders' }],
    [{ enqueueFor: ['*'] }, { enqueue_for: ['*'] }],
    [{ maxAgents: 3 }, { max_agents: 3 }],
  ])('is sent for %j alone, so that no option is dropped unsaid', (given, sent) => {
    expect(scopeOf({ ...NOTHING, ...given })).toMatchObject(sent);
  });
});

describe('for whom a token speaks', () => {
  it('is nobody where no option says anything', () => expect(speaksForOf([])).toBeUndefined());

  it('is sent by kind, and what is no name is a matcher', () => {
    expect(speaksForOf(['pool=demo', 'agent=w-1', 'agent=a=b', 'pool_id=~"m.*"'])).toEqual({
      pools: ['demo'],
      agents: ['w-1', 'a=b'],
      matchers: ['pool_id=~"m.*"'],
    });
  });
});

describe('how long a token works', () => {
  const NOW = Date.parse('2026-01-10T00:00:00Z');
  it.each<[expiresAt: string | null, revokedAt: string | null, state: string, expiry: string]>([
    [null, null, 'live', '-'],
    ['2026-02-09T00:00:00Z', null, 'live', 'in 30d'],
    ['2026-01-09T22:00:00Z', null, 'expired', '2h ago'],
    ['2026-02-09T00:00:00Z', '2026-01-09T00:00:00Z', 'revoked', 'in 30d'],
  ])('until %s, revoked at %s: %s, %s', (expiresAt, revokedAt, state, expiry) => {
    expect(stateOf({ expires_at: expiresAt, revoked_at: revokedAt }, NOW)).toBe(state);
    expect(expiryOf({ expires_at: expiresAt }, NOW)).toBe(expiry);
  });
});
