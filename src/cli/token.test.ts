import { describe, expect, it } from 'vitest';
import { scopeOf, speaksForOf } from './token.ts';

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
