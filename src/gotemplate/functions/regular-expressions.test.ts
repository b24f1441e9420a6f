import { describe, expect, it } from 'vitest';
import { MAX_KEPT_PATTERNS, MAX_PATTERN_WORK, Patterns } from './regular-expressions.ts';

describe('the regular expressions of a run', () => {
  it('are found again, and made anew when more were compiled than are kept', () => {
    const patterns = new Patterns();
    for (let place = 0; place <= MAX_KEPT_PATTERNS + 1; place++) {
      expect(patterns.forRun().matches(`^a${place}$`, `a${place}`)).toBe(true);
    }
    expect(patterns.forRun().replaceAll('^a(0)$', '$1', 'a0')).toBe('0');
  });

  it('may do so much in one run, and as much again in the next', () => {
    const patterns = new Patterns();
    const size = 10;
    const text = 'x'.repeat(MAX_PATTERN_WORK / size / 2);
    const run = patterns.forRun();
    expect(run.matches('abcdefghij', text)).toBe(false);
    expect(() => run.matches('abcdefghij', text)).toThrow(`exceeded ${MAX_PATTERN_WORK} steps`);
    expect(patterns.forRun().matches('abcdefghij', text)).toBe(false);
  });

  it('say what is wrong with them', () => {
    expect(() => new Patterns().forRun().matches('(', 'a')).toThrow('missing closing )');
  });
});
