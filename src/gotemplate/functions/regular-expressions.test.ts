import { describe, expect, it } from 'vitest';
import { unpaced } from '#telemetry';
import type { InPieces } from '../values/in-pieces.ts';
import { MAX_KEPT_PATTERNS, MAX_MATCH_WORK, MAX_PATTERN_WORK, Patterns } from './regular-expressions.ts';

const maxCharacters = 1024 * 1024;

function inOneGo(replaced: string | InPieces<string>): string {
  return typeof replaced === 'string' ? replaced : unpaced(replaced.work);
}

describe('the regular expressions of a run', () => {
  it('are found again, and made anew when more were compiled than are kept', () => {
    const patterns = new Patterns();
    for (let place = 0; place <= MAX_KEPT_PATTERNS + 1; place++) {
      expect(patterns.forRun().matches(`^a${place}$`, `a${place}`)).toBe(true);
    }
    const replaced = patterns.forRun().replaceAll('^a(0)$', '$1', { text: 'a0', maxCharacters });
    expect(inOneGo(replaced)).toBe('0');
  });

  it('may do so much in one run, and as much again in the next', () => {
    const patterns = new Patterns();
    const size = 10;
    const text = 'x'.repeat(MAX_MATCH_WORK / size - 1);
    const run = patterns.forRun();
    // Compiling it counts, too.
    for (let work = MAX_MATCH_WORK; work < MAX_PATTERN_WORK; work += MAX_MATCH_WORK) {
      expect(run.matches('abcdefghij', text)).toBe(false);
    }
    expect(() => run.matches('abcdefghij', text)).toThrow(`exceeded ${MAX_PATTERN_WORK} steps`);
    expect(patterns.forRun().matches('abcdefghij', text)).toBe(false);
  });

  it.each(['abcdefghij', 'abcdefgh[ij]'])('look for %s in no longer a text than that takes', (pattern) => {
    const run = new Patterns().forRun();
    const longest = Math.floor(MAX_MATCH_WORK / pattern.length);
    const problem = `the text has ${longest + 1} characters; "${pattern}", of the size ${pattern.length}, is looked for in at most ${longest}`;
    expect(run.matches(pattern, 'x'.repeat(longest))).toBe(false);
    expect(() => run.matches(pattern, 'x'.repeat(longest + 1))).toThrow(problem);
    const replaced = (characters: number) =>
      inOneGo(run.replaceAll(pattern, '', { text: 'x'.repeat(characters), maxCharacters }));
    expect(replaced(longest)).toBe('x'.repeat(longest));
    expect(() => replaced(longest + 1)).toThrow(problem);
  });

  it('may look as far as the end for each of many matches: that is counted, and divided', () => {
    const run = new Patterns().forRun();
    const replaced = run.replaceAll('a(.*b)?', 'c', { text: 'a'.repeat(1000), maxCharacters });
    if (typeof replaced === 'string') throw new Error('it is done in one go');
    const { work } = replaced;
    let pauses = 0;
    for (let step = work.next(); ; step = work.next()) {
      if (step.done) {
        expect(step.value).toBe('c'.repeat(1000));
        break;
      }
      pauses++;
    }
    // Half a million characters are looked at, at a size of 7 or more.
    expect(pauses).toBeGreaterThan(20);
    const tooMuch = new Patterns()
      .forRun()
      .replaceAll('a(.*b)?', 'c', { text: 'a'.repeat(8000), maxCharacters });
    expect(() => inOneGo(tooMuch)).toThrow(`exceeded ${MAX_PATTERN_WORK} steps`);
  });

  it('stop as soon as what they write is too long', () => {
    const work = new Patterns()
      .forRun()
      .replaceAll('a', 'bbb', { text: 'a'.repeat(400), maxCharacters: 1000 });
    expect(() => inOneGo(work)).toThrow('the text exceeds 1000 characters');
  });

  it('say what is wrong with them', () => {
    expect(() => new Patterns().forRun().matches('(', 'a')).toThrow('missing closing )');
  });
});
