import { describe, expect, it } from 'vitest';
import { activeText, millisecondsText, ruleStand } from './rule-text.ts';

describe('a rule in words', () => {
  it.each([
    ['ok', 'firing', 'firing'],
    ['ok', 'pending', 'pending'],
    ['ok', 'inactive', 'inactive'],
    ['ok', null, 'recording'],
    ['err', 'firing', 'failing'],
    ['unknown', 'inactive', 'not evaluated yet'],
  ] as const)('%s, %s', (health, state, text) => {
    expect(ruleStand({ health, state }).text).toBe(text);
  });

  it('says what is active', () => {
    expect(activeText({ firing: 0, pending: 0 })).toBe('');
    expect(activeText({ firing: 1, pending: 0 })).toBe('1 alert firing');
    expect(activeText({ firing: 1200, pending: 3 })).toMatch(/^1.200 alerts firing, 3 pending$/);
  });

  it.each([
    [0, '–'],
    [0.014, '0.01 ms'],
    [42.4, '42 ms'],
    [61_000, '61 s'],
  ])('%d ms', (ms, text) => {
    expect(millisecondsText(ms)).toBe(text);
  });
});
