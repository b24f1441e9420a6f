import { describe, expect, it } from 'vitest';
import { DEFAULT_STORM_LIMITS as limits, judgeStorm, NO_STORM, SilenceWindow } from './storm.ts';

const at = (ms: number) => ({ ms, limits });

describe('a storm', () => {
  it.each([
    ['a few of many', { agents: 10, silent: 3, fell: 3 }, false],
    ['half of a few', { agents: 6, silent: 3, fell: 3 }, true],
    ['both of two', { agents: 2, silent: 2, fell: 2 }, false],
    ['three tenths of a thousand', { agents: 1000, silent: 300, fell: 300 }, true],
    ['a twentieth of a thousand', { agents: 1000, silent: 50, fell: 50 }, false],
    ['many who have been silent for long', { agents: 10, silent: 8, fell: 2 }, false],
    ['nobody at all', { agents: 0, silent: 0, fell: 0 }, false],
  ])('%s', (_name, silence, active) => {
    expect(judgeStorm(NO_STORM, silence, at(0)).active).toBe(active);
  });

  it('ends only after health has stayed', () => {
    let state = judgeStorm(NO_STORM, { agents: 4, silent: 4, fell: 4 }, at(0));
    const healthy = { agents: 4, silent: 0, fell: 0 };
    state = judgeStorm(state, healthy, at(1000));
    expect(state.active).toBe(true);
    state = judgeStorm(state, { agents: 4, silent: 2, fell: 2 }, at(20_000));
    state = judgeStorm(state, healthy, at(21_000));
    expect(judgeStorm(state, healthy, at(50_999)).active).toBe(true);
    expect(judgeStorm(state, healthy, at(51_000)).active).toBe(false);
  });

  it('ends when nobody more has fallen silent for long, since nobody is brought back while it lasts', () => {
    let state = judgeStorm(NO_STORM, { agents: 4, silent: 3, fell: 3 }, at(0));
    state = judgeStorm(state, { agents: 4, silent: 4, fell: 4 }, at(60_000));
    const silent = { agents: 4, silent: 4, fell: 0 };
    expect(judgeStorm(state, silent, at(179_999)).active).toBe(true);
    expect(judgeStorm(state, silent, at(180_000)).active).toBe(false);
  });
});

describe('who has fallen silent', () => {
  it('is counted from the best moment of a short past', () => {
    const window = new SilenceWindow(30_000);
    expect(window.fell(7, 0)).toBe(0);
    expect(window.fell(2, 1000)).toBe(0);
    expect(window.fell(5, 1500)).toBe(3);
    expect(window.fell(6, 31_000)).toBe(4);
    expect(window.fell(6, 61_500)).toBe(0);
  });
});
