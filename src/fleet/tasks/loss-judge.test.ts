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

  it('remembers no domain in which nobody was lost of late: who is external names one as it likes', async () => {
    const { clock, judge } = await startJudge();
    for (let at = 0; at < 1000; at++) {
      judge.judge({ agentId: `a${at}`, generation: 1, poolId: `mine-${at}`, living: 1, explained: false });
      await clock.advance(massLossWindowMs / 10);
    }
    expect(judge.domainCount).toBeLessThanOrEqual(11);
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

it('gives back what was counted where the others go while Omoi cannot tell why: at a start, or in an outage', async () => {
  const { judge, lose, count } = await startJudge();
  expect(lose('a', 3)).toEqual({ kind: 'counts' });
  count('a', 'task');
  judge.outage();
  expect(lose('b', 3)).toEqual({ kind: 'outage', counted: new Map([['a/1', ['task']]]) });
  expect(lose('c', 3)).toEqual({ kind: 'outage', counted: new Map() });
});

it('knows who had gone before it began', async () => {
  const { judge, lose } = await startJudge();
  const gone = { generation: 1, poolId: 'pool', living: 4, explained: false };
  // Of themselves they are most of it already: nothing of what was counted is lost by that.
  for (const agentId of ['a', 'b', 'c']) judge.known({ agentId, ...gone }, [`task of ${agentId}`]);
  const counted = new Map(['a', 'b', 'c'].map((agentId) => [`${agentId}/1`, [`task of ${agentId}`]]));
  expect(lose('d', 1)).toEqual({ kind: 'many_at_once', counted });
});

/** One end of a script: who, after how long, among how many living; `+` after the name where a task explains it. */
type End = readonly [who: string, afterMs: number, living: number];

describe('an end counts or not', () => {
  it.each<[string, readonly End[], readonly string[]]>([
    // Alone.
    ['of the only agent', [['a', 0, 1]], ['counts']],
    ['of one of many', [['a', 0, 50]], ['counts']],
    ['of one whom a task explains', [['a+', 0, 1]], ['counts']],
    // One agent that ends again and again, a generation each time, is one agent.
    [
      'of one twice, of one',
      [
        ['a', 0, 1],
        ['a/2', 500, 1],
      ],
      ['counts', 'counts'],
    ],
    [
      'of one twice, of two',
      [
        ['a', 0, 2],
        ['a/2', 500, 2],
      ],
      ['counts', 'counts'],
    ],
    [
      'of one twice and another, of three',
      [
        ['a', 0, 3],
        ['a/2', 500, 3],
        ['b', 0, 2],
      ],
      ['counts', 'counts', 'many_at_once'],
    ],
    [
      'of one, explained twice, beside two of four',
      [
        ['a+', 0, 4],
        ['a/2+', 500, 4],
        ['b', 0, 3],
        ['c', 0, 2],
      ],
      ['counts', 'counts', 'counts', 'many_at_once'],
    ],
    // Many at once: more than half of those who lived.
    [
      'of two of two',
      [
        ['a', 0, 2],
        ['b', 0, 1],
      ],
      ['counts', 'many_at_once'],
    ],
    [
      'of two of three',
      [
        ['a', 0, 3],
        ['b', 0, 2],
      ],
      ['counts', 'many_at_once'],
    ],
    [
      'of two of four: half is not most',
      [
        ['a', 0, 4],
        ['b', 0, 3],
      ],
      ['counts', 'counts'],
    ],
    [
      'of three of four',
      [
        ['a', 0, 4],
        ['b', 0, 3],
        ['c', 0, 2],
      ],
      ['counts', 'counts', 'many_at_once'],
    ],
    // The same end told twice is one end.
    [
      'told twice',
      [
        ['a', 0, 2],
        ['a', 0, 2],
      ],
      ['counts', 'counts'],
    ],
    // Slowly, one after the other: out of the window they are no many.
    [
      'of two of two, at the end of the window',
      [
        ['a', 0, 2],
        ['b', massLossWindowMs, 1],
      ],
      ['counts', 'many_at_once'],
    ],
    [
      'of two of two, behind the window',
      [
        ['a', 0, 2],
        ['b', massLossWindowMs + 1, 1],
      ],
      ['counts', 'counts'],
    ],
    // Explained ends are no part of a mass, neither of those who went nor of those who lived.
    [
      'of two of two, one explained',
      [
        ['a+', 0, 2],
        ['b', 0, 1],
      ],
      ['counts', 'counts'],
    ],
    [
      'of two of two, both explained',
      [
        ['a+', 0, 2],
        ['b+', 0, 1],
      ],
      ['counts', 'counts'],
    ],
    [
      'of two beside one explained, of three',
      [
        ['a+', 0, 3],
        ['b', 0, 2],
        ['c', 0, 1],
      ],
      ['counts', 'counts', 'many_at_once'],
    ],
    [
      'explained, in a mass',
      [
        ['a', 0, 3],
        ['b', 0, 2],
        ['c+', 0, 1],
      ],
      ['counts', 'many_at_once', 'many_at_once'],
    ],
    [
      'explained, that has left the window',
      [
        ['a+', 0, 3],
        ['b', massLossWindowMs + 1, 4],
        ['c', 0, 3],
      ],
      ['counts', 'counts', 'counts'],
    ],
  ])('%s', async (_what, ends, expected) => {
    const { clock, judge } = await startJudge();
    const judged: string[] = [];
    for (const [who, afterMs, living] of ends) {
      await clock.advance(afterMs);
      const [agentId = '', generation = 1] = who.replace('+', '').split('/');
      const explained = who.endsWith('+');
      const { kind } = judge.judge({
        agentId,
        generation: Number(generation),
        poolId: 'pool',
        living,
        explained,
      });
      judged.push(kind);
    }
    expect(judged).toEqual(expected);
  });

  it('in its own domain alone: agents of no pool are one too', async () => {
    const { judge } = await startJudge();
    const kinds = ['x', 'y', null].map(
      (poolId) => judge.judge({ agentId: 'a', generation: 1, poolId, living: 2, explained: false }).kind,
    );
    expect(kinds).toEqual(['counts', 'counts', 'counts']);
    const other = judge.judge({ agentId: 'b', generation: 1, poolId: null, living: 1, explained: false });
    expect(other.kind).toBe('many_at_once');
  });

  it.each([
    ['just after a start or a stall', 9_500, false, ['outage', 'outage', 'counts']],
    ['after an outage of the database', 0, true, ['outage', 'outage', 'counts']],
  ] as const)(
    'not %s, until agents had time to be heard',
    async (_when, trustedSinceMs, databaseFailed, expected) => {
      const clock = new VirtualClock();
      const judge = new LossJudge(clock, { trustedSinceMs }, { massLossWindowMs, lossTrustMs: 1000 });
      await clock.advance(9_500);
      if (databaseFailed) judge.outage();
      const judged: string[] = [];
      for (const [agentId, afterMs] of [
        ['a', 0],
        ['b', 999],
        ['c', 1],
      ] as const) {
        await clock.advance(afterMs);
        judged.push(
          judge.judge({ agentId, generation: 1, poolId: 'pool', living: 50, explained: false }).kind,
        );
      }
      expect(judged).toEqual(expected);
    },
  );

  it('still as one of many, where others went during an outage', async () => {
    const { clock, judge, lose } = await startJudge();
    judge.outage();
    expect(lose('a', 3).kind).toBe('outage');
    expect(lose('b', 2).kind).toBe('outage');
    await clock.advance(1000);
    expect(lose('c', 1).kind).toBe('many_at_once');
  });
});

describe('what was counted', () => {
  it('for good once it is out of the window: nobody gets it back', async () => {
    const { clock, lose, count } = await startJudge();
    lose('a', 3);
    count('a', 'old');
    await clock.advance(massLossWindowMs + 1);
    lose('b', 3);
    count('b', 'new');
    expect(lose('c', 2)).toEqual({ kind: 'many_at_once', counted: new Map([['b/1', ['new']]]) });
  });

  it('of a mass is given back with that of its first and of those that a task explains', async () => {
    const { judge, count, lose } = await startJudge();
    judge.judge({ agentId: 'a', generation: 1, poolId: 'pool', living: 4, explained: true });
    count('a', 'poison');
    lose('b', 3);
    count('b', 'task');
    expect(lose('c', 2)).toEqual({
      kind: 'many_at_once',
      counted: new Map([
        ['a/1', ['poison']],
        ['b/1', ['task']],
      ]),
    });
  });

  it('of an end that the window has left before it was committed is for good, too', async () => {
    const { clock, judge, lose, count } = await startJudge();
    lose('a', 3);
    await clock.advance(massLossWindowMs + 1);
    lose('b', 3);
    count('a', 'late');
    judge.notGivenBack('pool', new Map([['a/1', ['late']]]));
    expect(lose('c', 2)).toEqual({ kind: 'many_at_once', counted: new Map() });
  });
});
