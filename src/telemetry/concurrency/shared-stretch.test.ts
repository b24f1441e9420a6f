import { describe, expect, it } from 'vitest';
import { nextTurn } from './pacing.ts';
import { SharedStretch } from './shared-stretch.ts';

/** A clock that work moves on. */
function workClock() {
  let nowMs = 0;
  return {
    monotonicMs: () => nowMs,
    spend: (ms: number): void => {
      nowMs += ms;
    },
  };
}

/** What was done in each turn of the event loop, until so many pieces are. */
async function turnsUntil(pieces: number, done: readonly string[]): Promise<readonly string[]> {
  const turns: string[] = [];
  for (let told = 0; ;) {
    turns.push(done.slice(told).join(''));
    told = done.length;
    if (told >= pieces) return turns;
    await nextTurn();
  }
}

describe('a shared stretch', () => {
  const clock = workClock();
  const working = (done: string[], name: string, pieces: number) =>
    function* work(): Generator<void, string> {
      for (let piece = 0; piece < pieces; piece++) {
        if (piece > 0) yield;
        done.push(name);
        clock.spend(1);
      }
      return name;
    };

  it('is what all works together take of a turn, and they go on one after the other', async () => {
    const done: string[] = [];
    const stretch = new SharedStretch(clock, { maxMs: 3 });
    const works = [working(done, 'a', 5), working(done, 'b', 4), working(done, 'c', 1)];
    const results = works.map((work) => stretch.run(work()));
    expect(await turnsUntil(10, done)).toEqual(['aaa', 'aab', 'cbb', 'b']);
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c']);
  });

  it('is begun anew by what comes in a later turn, at once', async () => {
    const done: string[] = [];
    const stretch = new SharedStretch(clock, { maxMs: 3 });
    for (const name of ['a', 'b', 'c']) {
      const result = stretch.run(working(done, name, 3)());
      expect(done.splice(0).join('')).toBe(name.repeat(3));
      expect(await result).toBe(name);
      await nextTurn();
    }
  });

  it('has room for one piece a turn that is done elsewhere, beside its own works', async () => {
    let turn = 0;
    let isOver = false;
    const count = (): void => {
      turn++;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    const done: string[] = [];
    const turns: number[] = [];
    const stretch = new SharedStretch(clock, { maxMs: 3 });
    const elsewhere = async (name: string, pieces: number): Promise<void> => {
      for (let piece = 0; piece < pieces; piece++) {
        await stretch.roomForPiece();
        turns.push(turn);
        // A stream does it a little later.
        await Promise.resolve();
        done.push(name);
        clock.spend(1);
      }
    };
    await Promise.all([
      elsewhere('x', 3),
      elsewhere('y', 2),
      stretch.run(working(done, 'a', 6)()),
      elsewhere('z', 1),
    ]);
    isOver = true;
    expect(new Set(turns).size).toBe(6);
    expect(done.toSorted().join('')).toBe('aaaaaaxxxyyz');
    // None waits until another one is done.
    expect(done.indexOf('z')).toBeLessThan(done.lastIndexOf('x'));
  });

  it('goes on behind work that throws, and hands that to whoever asked', async () => {
    const done: string[] = [];
    const stretch = new SharedStretch(clock, { maxMs: 1 });
    function* failing(): Generator<void, never> {
      clock.spend(1);
      yield;
      throw new Error('broken');
    }
    const outcomes = [stretch.run(failing()), stretch.run(working(done, 'a', 2)())];
    await expect(outcomes[0]).rejects.toThrow('broken');
    await expect(outcomes[1]).resolves.toBe('a');
    expect(done.join('')).toBe('aa');
  });
});
