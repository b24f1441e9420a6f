import { describe, expect, it } from 'vitest';
import { createSeededRandom } from '../random.ts';
import { VirtualClock } from '../time/virtual-clock.ts';
import { allSettled } from './all-settled.ts';
import { backoffMs } from './backoff.ts';
import { delay } from './delay.ts';
import { nextTurn, Stretch } from './pacing.ts';
import { KeyedSerialQueue, SerialQueue } from './serial-queue.ts';
import { TurnBudget } from './turn-budget.ts';
import { TurnQueue } from './turn-queue.ts';

describe('all settled', () => {
  it('throws what the first was rejected with, when all have ended', async () => {
    const gate = Promise.withResolvers<string>();
    const ended: string[] = [];
    const outcome = allSettled([
      gate.promise.then((value) => void ended.push(value)),
      Promise.reject(new Error('first')),
      Promise.reject(new Error('second')),
    ]).catch((error: Error) => ended.push(error.message));
    await Promise.resolve();
    expect(ended).toEqual([]);
    gate.resolve('the slow one');
    await outcome;
    expect(ended).toEqual(['the slow one', 'first']);
  });

  it('gives the values in their order', async () => {
    expect(await allSettled([Promise.resolve(1), 'two'])).toEqual([1, 'two']);
  });
});

describe('the budget of a turn', () => {
  it('is shared by all, in the order in which they came, and begins anew with each turn', async () => {
    const budget = new TurnBudget(10);
    const done: string[] = [];
    const take = (name: string, units: number): Promise<void> =>
      budget.take(units).then(() => void done.push(name));
    const all = Promise.all([take('a', 6), take('b', 4), take('c', 1), take('d', 9), take('e', 1)]);
    const afterTurns: string[] = [];
    for (let turn = 0; done.length < 5; turn++) {
      await Promise.resolve();
      afterTurns.push(done.join(''));
      await nextTurn();
    }
    await all;
    expect(afterTurns).toEqual(['ab', 'abcd']);
    expect(done.join('')).toBe('abcde');
  });

  it('takes at once what there is room for, behind nobody who waits', async () => {
    const budget = new TurnBudget(10);
    expect([budget.tryTake(8), budget.tryTake(3), budget.tryTake(2)]).toEqual([true, false, true]);
    const waiting = budget.take(1);
    await nextTurn();
    await waiting;
    expect([budget.tryTake(9), budget.tryTake(1)]).toEqual([true, false]);
    void budget.take(1);
    expect(budget.tryTake(0)).toBe(false);
  });

  it('gives a turn of its own to what is larger than any turn', async () => {
    const budget = new TurnBudget(10);
    expect([budget.tryTake(25), budget.tryTake(1)]).toEqual([true, false]);
    await budget.take(1);
    expect(budget.tryTake(25)).toBe(false);
    await budget.take(25);
    expect(budget.tryTake(1)).toBe(false);
  });
});

describe('a turn queue', () => {
  it('does so many pieces in a turn, the first at once, and all in order', async () => {
    const queue = new TurnQueue(3);
    const done: number[] = [];
    for (let piece = 0; piece < 8; piece++) queue.run(() => done.push(piece));
    const afterTurns = [done.length];
    while (done.length < 8) {
      await nextTurn();
      // What comes late waits behind those that wait.
      if (afterTurns.length === 1) queue.run(() => done.push(8));
      afterTurns.push(done.length);
    }
    await nextTurn();
    expect(afterTurns).toEqual([3, 6, 9]);
    expect(done).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('keeps the order where a piece brings in another, and begins anew with each turn', async () => {
    const queue = new TurnQueue(2);
    const done: string[] = [];
    for (const name of ['a', 'b', 'c', 'd']) {
      queue.run(() => {
        done.push(name);
        queue.run(() => done.push(`${name} again`));
      });
    }
    while (done.length < 8) await nextTurn();
    await nextTurn();
    queue.run(() => done.push('at once'));
    expect(done).toEqual(['a', 'a again', 'b', 'c', 'd', 'b again', 'c again', 'd again', 'at once']);
  });
});

describe('a serial queue', () => {
  it('starts at once where nothing runs, and else in order', async () => {
    const queue = new SerialQueue();
    const seen: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = queue.run(async () => {
      seen.push('first');
      await gate.promise;
    });
    const second = queue.run(async () => void seen.push('second'));
    expect(seen).toEqual(['first']);
    gate.resolve();
    await Promise.all([first, second]);
    expect(seen).toEqual(['first', 'second']);
    expect(queue.isIdle).toBe(true);
  });

  it('goes on behind work that fails, and hands the failure to whoever asked', async () => {
    const queue = new SerialQueue();
    const failing = queue.run(() => Promise.reject(new Error('broken')));
    const after = queue.run(() => Promise.resolve(7));
    await expect(failing).rejects.toThrow('broken');
    await expect(after).resolves.toBe(7);
  });
});

describe('a keyed serial queue', () => {
  it('lets one key wait and no other, and forgets keys without work', async () => {
    const queue = new KeyedSerialQueue<string>();
    const gate = Promise.withResolvers<void>();
    const seen: string[] = [];
    const work = [
      queue.run('a', () => gate.promise),
      queue.run('a', async () => void seen.push('a')),
      queue.run('b', async () => void seen.push('b')),
    ];
    await work[2];
    expect(seen).toEqual(['b']);
    gate.resolve();
    await Promise.all(work);
    await queue.settled();
    expect(seen).toEqual(['b', 'a']);
    expect(queue.size).toBe(0);
  });
});

describe('backoff', () => {
  it.each([
    [1, 250, 500],
    [2, 500, 1000],
    [8, 30_000, 60_000],
    [1000, 30_000, 60_000],
  ])('after failure %i lies between %i and %i ms', (failures, least, most) => {
    for (let seed = 0; seed < 50; seed++) {
      const pause = backoffMs(failures, { firstMs: 500, maxMs: 60_000 }, createSeededRandom(seed));
      expect(pause).toBeGreaterThanOrEqual(least);
      expect(pause).toBeLessThanOrEqual(most);
    }
  });
});

describe('a stretch', () => {
  it('is over after its time, and begins anew after a pause', async () => {
    const clock = new VirtualClock();
    const stretch = new Stretch(clock, { maxMs: 5 });
    expect(stretch.isOver).toBe(false);
    await clock.advance(5);
    expect(stretch.isOver).toBe(true);
    await stretch.pause();
    expect(stretch.isOver).toBe(false);
  });

  it.each([
    ['as long as others have work', { turnsOfOthers: 5, maxPauseMs: 20, turns: 6 }],
    ['but no longer than it may', { turnsOfOthers: 50, maxPauseMs: 20, turns: 20 }],
    ['for one turn where it says nothing', { turnsOfOthers: 5, maxPauseMs: undefined, turns: 1 }],
  ])('pauses %s', async (_, { turnsOfOthers, maxPauseMs, turns }) => {
    let nowMs = 0;
    const clock = Object.assign(new VirtualClock(), { monotonicMs: () => nowMs });
    const stretch = new Stretch(clock, maxPauseMs === undefined ? {} : { maxPauseMs });
    let turned = 0;
    // Others who take a millisecond of each turn.
    const turn = (): void => {
      if (++turned <= turnsOfOthers) nowMs++;
      others = setImmediate(turn);
    };
    let others = setImmediate(turn);
    await stretch.pause();
    clearImmediate(others);
    expect(turned).toBe(turns);
  });

  it('throws after a pause what its owner throws', async () => {
    const stretch = new Stretch(new VirtualClock(), {
      afterPause: () => {
        throw new Error('nobody waits any more');
      },
    });
    await expect(stretch.pause()).rejects.toThrow('nobody waits');
  });
});

describe('a delay', () => {
  it('ends with its time or with its signal, whichever comes first', async () => {
    const clock = new VirtualClock();
    const stop = new AbortController();
    const long = delay(clock, 60_000, stop.signal);
    const short = delay(clock, 10, new AbortController().signal);
    await clock.advance(10);
    await short;
    stop.abort();
    await long;
    await delay(clock, 60_000, stop.signal);
    expect(clock.monotonicMs()).toBe(10);
  });
});
