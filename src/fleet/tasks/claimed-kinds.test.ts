import { beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '#telemetry';
import { ClaimedKinds, type ClaimingAgent, type TaskKind } from './claimed-kinds.ts';

const agent = (agentId: string, more: Partial<ClaimingAgent> = {}): ClaimingAgent => ({
  agentId,
  generation: 1,
  poolId: null,
  capabilities: null,
  lives: true,
  ...more,
});
const filter = {
  poolId: null as string | null,
  phaseIds: null as readonly string[] | null,
  taskTypes: null as readonly string[] | null,
  ownPoolOnly: false,
};
const kind = (more: Partial<TaskKind> = {}): TaskKind => ({
  pool_id: null,
  phase_id: 'A',
  task_type: 'build',
  ...more,
});

describe('what living agents claim', () => {
  let clock: VirtualClock;
  let claimed: ClaimedKinds;
  beforeEach(() => {
    clock = new VirtualClock();
    claimed = new ClaimedKinds(clock);
  });

  it.each([
    ['any', filter, kind(), true],
    ['its type', { ...filter, taskTypes: ['build'] }, kind(), true],
    ['another type', { ...filter, taskTypes: ['test'] }, kind(), false],
    ['its phase', { ...filter, phaseIds: ['B', 'A'] }, kind(), true],
    ['another phase', { ...filter, phaseIds: ['B'] }, kind(), false],
    ['its pool', { ...filter, poolId: 'p' }, kind({ pool_id: 'p' }), true],
    ['no pool, of a pool', { ...filter, poolId: 'p' }, kind(), true],
    [
      'no pool, of a pool that takes its own alone',
      { ...filter, poolId: 'p', ownPoolOnly: true },
      kind(),
      false,
    ],
    ['another pool', { ...filter, poolId: 'p' }, kind({ pool_id: 'q' }), false],
  ])('knows whether somebody claims a task who claims %s', (_, wanted, task, isClaimed) => {
    claimed.claimed(agent('a'), wanted);
    expect(claimed.claims(task)).toBe(isClaimed);
  });

  it('goes by what an agent has said it can do, and by what it claims beside that', () => {
    claimed.changed(agent('a', { capabilities: ['test', 'lint'] }));
    expect(claimed.claims(kind())).toBe(false);
    expect(claimed.claims(kind({ task_type: 'lint' }))).toBe(true);
    claimed.claimed(agent('a'), { ...filter, taskTypes: ['build'] });
    expect(claimed.claims(kind())).toBe(true);
    expect([...claimed.types]).toEqual(['test', 'lint', 'build']);
  });

  it('goes by what an agent has said last that it can do, and keeps what it has claimed beside that', () => {
    claimed.changed(agent('a', { capabilities: ['test'] }));
    claimed.claimed(agent('a'), { ...filter, taskTypes: ['build'] });
    claimed.changed(agent('a', { capabilities: ['lint'] }));
    expect([...claimed.types].toSorted()).toEqual(['build', 'lint']);
    expect(claimed.claims(kind({ task_type: 'test' }))).toBe(false);
    claimed.changed(agent('a', { capabilities: ['build'] }));
    claimed.changed(agent('a', { capabilities: ['test'] }));
    expect([...claimed.types].toSorted()).toEqual(['build', 'test']);
  });

  it('counts who lives alone, and the last of several', () => {
    claimed.claimed(agent('a'), filter);
    claimed.claimed(agent('b'), filter);
    claimed.changed(agent('a', { lives: false }));
    expect(claimed.claims(kind())).toBe(true);
    claimed.changed(agent('b', { lives: false }));
    expect([claimed.claims(kind()), claimed.claimsType('build')]).toEqual([false, false]);
    claimed.changed(agent('a'));
    expect(claimed.claims(kind())).toBe(true);
    claimed.forget('a');
    expect(claimed.claims(kind())).toBe(false);
  });

  it('forgets with a generation what that claimed, and takes no word of an earlier one', () => {
    claimed.claimed(agent('a'), filter);
    claimed.changed(agent('a', { generation: 2, capabilities: ['test'] }));
    expect(claimed.claims(kind())).toBe(false);
    claimed.claimed(agent('a'), filter);
    expect(claimed.claims(kind())).toBe(false);
    expect(claimed.claims(kind({ task_type: 'test' }))).toBe(true);
  });

  it('forgets what an agent has not claimed for 10 minutes while it claims something else', async () => {
    claimed.claimed(agent('a'), filter);
    await clock.advance(599_000);
    claimed.claimed(agent('a'), { ...filter, taskTypes: ['test'] });
    expect(claimed.claims(kind())).toBe(true);
    await clock.advance(2000);
    claimed.claimed(agent('a'), { ...filter, taskTypes: ['lint'] });
    expect(claimed.claims(kind())).toBe(false);
  });

  it('forgets it also where what it claims instead is nothing new', async () => {
    claimed.claimed(agent('a'), filter);
    claimed.claimed(agent('a'), { ...filter, taskTypes: ['test'] });
    await clock.advance(600_000);
    claimed.claimed(agent('a'), { ...filter, taskTypes: ['test'] });
    expect(claimed.claims(kind())).toBe(true);
    await clock.advance(1);
    claimed.claimed(agent('a'), { ...filter, taskTypes: ['test'] });
    expect([claimed.claims(kind()), claimed.claims(kind({ task_type: 'test' }))]).toEqual([false, true]);
  });

  it('takes who claims more than 8 kinds for one that claims anything', () => {
    for (let at = 0; at < 8; at++) claimed.claimed(agent('a'), { ...filter, taskTypes: [`type ${at}`] });
    expect(claimed.claims(kind())).toBe(false);
    claimed.claimed(agent('a'), { ...filter, taskTypes: ['type 8'] });
    expect(claimed.claims(kind())).toBe(true);
    claimed.forget('a');
    expect(claimed.claims(kind())).toBe(false);
    expect([...claimed.types]).toEqual([]);
  });

  it.each([
    ['100 sets of phases', 100, (at: number) => ({ ...filter, phaseIds: [`phase ${at}`] })],
    [
      '200,000 places',
      2000,
      (at: number) => ({ ...filter, taskTypes: Array.from({ length: 100 }, (_, n) => `type ${at} ${n}`) }),
    ],
  ])('takes a claim beyond %s for one of anything', (_, most, filterOf) => {
    for (let at = 0; at < most; at++) claimed.claimed(agent(`agent ${at}`), filterOf(at));
    expect(claimed.claims(kind())).toBe(false);
    claimed.claimed(agent('one more'), filterOf(most));
    expect(claimed.claims(kind())).toBe(true);
    claimed.forget('one more');
    claimed.forget('agent 0');
    claimed.claimed(agent('one more'), filterOf(most));
    expect(claimed.claims(kind())).toBe(false);
  });
});
