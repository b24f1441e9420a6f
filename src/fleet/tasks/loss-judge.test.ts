import { describe, expect, it } from 'vitest';
import { VirtualClock } from '#telemetry';
import { LossJudge, type LossJudgement } from './loss-judge.ts';

const massLossWindowMs = 3000;

async function startJudge() {
  const clock = new VirtualClock();
  const judge = new LossJudge(clock, { trustedSinceMs: 0 }, { massLossWindowMs, lossTrustMs: 1000 });
  await clock.advance(10_000);
  const lose = (agentId: string, living: number): LossJudgement =>
    judge.judge({ agentId, generation: 1, poolId: 'pool', living, explained: false });
  const count = (agentId: string, ...taskIds: string[]): void =>
    judge.counted({ agentId, generation: 1, poolId: 'pool' }, taskIds);
  return { clock, judge, lose, count };
}

describe('whether losses are held against tasks', () => {
  it('compares who went within the window with those who live now, however long somebody goes now and then', async () => {
    const { clock, lose } = await startJudge();
    const living = [2, 20, 20, 20, 3];
    const judged: string[] = [];
    for (const [at, alive] of living.entries()) {
      judged.push(lose(`agent ${at}`, alive).kind);
      await clock.advance(massLossWindowMs - 1000);
    }
    expect(judged).toEqual(['counts', 'counts', 'counts', 'counts', 'counts']);
    await clock.advance(massLossWindowMs);
    // It has shrunk: two of three are most of it, whatever it was.
    expect([lose('one', 3).kind, lose('other', 2).kind]).toEqual(['counts', 'many_at_once']);
  });

  it('gives back what was counted once, and again where that was rolled back', async () => {
    const { judge, lose, count } = await startJudge();
    expect(lose('a', 3)).toEqual({ kind: 'counts' });
    count('a', 'task', 'task');
    const first = lose('b', 3);
    expect(first).toEqual({ kind: 'many_at_once', counted: new Map([['a/1', ['task', 'task']]]) });
    // Judged while the first is not committed yet.
    expect(lose('c', 3)).toEqual({ kind: 'many_at_once', counted: new Map() });
    if (first.kind === 'many_at_once') judge.notGivenBack('pool', first.counted);
    expect(lose('d', 3)).toEqual(first);
  });
});
