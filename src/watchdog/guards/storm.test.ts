import { describe, expect, it } from 'vitest';
import { DEFAULT_STORM_LIMITS as limits, judgeStorm, NO_STORM } from './storm.ts';

describe('a storm', () => {
  it.each([
    ['a few of many', { agents: 10, sick: 3 }, false],
    ['half of the fleet', { agents: 6, sick: 3 }, true],
    ['both of two', { agents: 2, sick: 2 }, false],
    ['no fleet at all', { agents: 0, sick: 0 }, false],
  ])('%s', (_name, health, active) => {
    expect(judgeStorm(NO_STORM, health, { ms: 0, limits }).active).toBe(active);
  });

  it('ends only after health has stayed', () => {
    let state = judgeStorm(NO_STORM, { agents: 4, sick: 4 }, { ms: 0, limits });
    const healthy = { agents: 4, sick: 0 };
    state = judgeStorm(state, healthy, { ms: 1000, limits });
    expect(state.active).toBe(true);
    state = judgeStorm(state, { agents: 4, sick: 2 }, { ms: 20_000, limits });
    state = judgeStorm(state, healthy, { ms: 21_000, limits });
    expect(judgeStorm(state, healthy, { ms: 50_999, limits }).active).toBe(true);
    expect(judgeStorm(state, healthy, { ms: 51_000, limits }).active).toBe(false);
  });
});
