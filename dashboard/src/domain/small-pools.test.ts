import { describe, expect, it } from 'vitest';
import type { Agent } from '../api/wire.ts';
import { foldSmallPools, poolInShort } from './small-pools.ts';

const agent = (agent_id: string, pool_id: string | null, status: Agent['status'] = 'RUNNING') => ({
  agent_id,
  pool_id,
  status,
  labels: { host: `host of ${agent_id}` },
});

const pool = (pool_id: string, told: object = {}) => ({
  pool_id,
  desired: 1,
  effective: 1,
  last_error: null,
  not_started: [],
  roll: null,
  ...told,
});

const group = (poolId: string, told: object = {}, agents = [agent(`${poolId}-1`, poolId)]) => ({
  poolId,
  pool: pool(poolId, told),
  agents,
});

const WELL = Array.from({ length: 30 }, (_, at) => group(`p${at}`));
const SOON = '2026-11-30T12:00:00.000Z';

const idsOf = (groups: readonly { readonly poolId: string | null }[]) => groups.map(({ poolId }) => poolId);

describe('foldSmallPools', () => {
  it('has thirty pools of one agent share a place, and keeps their order', () => {
    expect(foldSmallPools(WELL, [])).toEqual({ special: [], shown: [], small: WELL });
  });

  it('leaves a few where they are', () => {
    const few = WELL.slice(0, 5);
    expect(foldSmallPools(few, [])).toEqual({ special: [], shown: few, small: [] });
  });

  it('takes a pool that Omoi does not run, and one of which nothing is wanted', () => {
    const external = { poolId: 'laptops', pool: null, agents: [agent('x', 'laptops', 'IDLE')] };
    const empty = group('empty', { desired: 0, effective: 0 }, []);
    const { shown, small } = foldSmallPools([...WELL, external, empty], []);
    expect([shown, small.length]).toEqual([[], 32]);
  });

  it.each([
    { why: 'somebody in it is in trouble', told: {}, agents: [agent('s', 's', 'STALLED')] },
    { why: 'an agent is missing', told: {}, agents: [] },
    { why: 'it is large', told: {}, agents: ['a', 'b', 'c', 'd'].map((id) => agent(id, 's')) },
    {
      why: 'it has more than was desired',
      told: { effective: 2 },
      agents: [agent('a', 's'), agent('b', 's')],
    },
    { why: 'it could not be started', told: { last_error: 'no such command' } },
    { why: 'a place is taken', told: { not_started: [{ agent_id: 's-1', reason: 'quarantined' }] } },
    {
      why: 'its definition changes',
      told: { roll: { stopped: false, reason: '', since: SOON, remaining: 1 } },
    },
  ])('lets a pool be seen of which there is something to tell: $why', ({ told, agents }) => {
    const special = group('s', told, agents);
    expect(idsOf(foldSmallPools([...WELL, special], []).shown)).toEqual(['s']);
  });

  it.each([
    { kind: 'pool', id: 's' },
    { kind: 'agent', id: 's-1' },
    { kind: 'host', id: 'host of s-1' },
  ] as const)('lets one be seen whose $kind is under maintenance', (target) => {
    const { shown } = foldSmallPools([...WELL, group('s')], [{ target, until: SOON }]);
    expect(idsOf(shown)).toEqual(['s']);
  });

  it('has many pools of which there is something to tell share one place, and leaves a dozen where they are', () => {
    const large = group(
      'large',
      { desired: 4, effective: 4 },
      ['a', 'b', 'c', 'd'].map((id) => agent(id, 'large')),
    );
    const sick = Array.from({ length: 13 }, (_, at) =>
      group(`s${at}`, {}, [agent(`s${at}-1`, `s${at}`, 'FAILED')]),
    );
    expect(foldSmallPools([...sick, large, ...WELL], [])).toEqual({
      special: sick,
      shown: [large],
      small: WELL,
    });
    const dozen = sick.slice(1);
    expect(foldSmallPools([...dozen, large], [])).toEqual({
      special: [],
      shown: [...dozen, large],
      small: [],
    });
  });

  it('has large pools that are well share the place of the small ones, but for the first of them', () => {
    const large = (id: string, status: Agent['status'] = 'RUNNING') =>
      group(
        id,
        { desired: 4, effective: 4 },
        ['a', 'b', 'c', 'd'].map((name) => agent(`${id}-${name}`, id, status)),
      );
    const groups = [
      large('ill', 'STALLED'),
      ...Array.from({ length: 9 }, (_, at) => large(`l${at}`)),
      ...WELL,
    ];
    const { shown, small } = foldSmallPools(groups, [], { maxWell: 2 });
    expect(idsOf(shown)).toEqual(['ill', 'l0', 'l1']);
    expect(idsOf(small)).toEqual([...idsOf(groups.slice(3))]);
    expect(foldSmallPools(groups, []).small).toEqual(WELL);
    // A few lines more are no line less.
    expect(foldSmallPools(groups.slice(0, 8), [], { maxWell: 2 }).small).toEqual([]);
  });

  it('leaves agents without a pool where they are', () => {
    const free = { poolId: null, pool: null, agents: [agent('scout', null)] };
    expect(idsOf(foldSmallPools([...WELL, free], []).shown)).toEqual([null]);
  });
});

describe('poolInShort', () => {
  it.each([
    { statuses: ['RUNNING'], said: { tone: 'good', text: 'running' } },
    { statuses: ['IDLE'], said: { tone: 'calm', text: 'idle' } },
    { statuses: ['IDLE', 'RUNNING', 'IDLE'], said: { tone: 'good', text: '2 idle, 1 running' } },
    { statuses: ['RUNNING', 'SPAWNING'], said: { tone: 'busy', text: '1 running, 1 spawning' } },
    { statuses: [], said: { tone: 'gone', text: 'empty' } },
  ])('of $statuses is $said', ({ statuses, said }) => {
    expect(poolInShort(statuses.map((status) => ({ status })))).toEqual(said);
  });
});
