import { describe, expect, it } from 'vitest';
import { PAGES } from './pages.ts';
import { shortcutOf, type Press } from './shortcuts.ts';

function press(key: string, how: Partial<Press> = {}): Press {
  return {
    key,
    hasModifier: how.isCommand ?? false,
    isCommand: false,
    isTyping: false,
    isInDialog: false,
    atMs: 10_000,
    ...how,
  };
}

describe('shortcutOf', () => {
  it.each([
    { key: press('k', { isCommand: true }), means: { kind: 'palette' } },
    { key: press('K', { isCommand: true }), means: { kind: 'palette' } },
    { key: press('/'), means: { kind: 'palette' } },
    { key: press('?'), means: { kind: 'help' } },
    { key: press('g'), means: { kind: 'await' } },
    { key: press('j'), means: { kind: 'move', by: 1 } },
    { key: press('k'), means: { kind: 'move', by: -1 } },
    { key: press('o'), means: { kind: 'open' } },
    { key: press('x'), means: { kind: 'press', key: 'x' } },
    { key: press('a'), means: { kind: 'press', key: 'a' } },
    { key: press('s', { isTyping: true }), means: null },
    { key: press('y'), means: null },
    { key: press('toString'), means: null },
    // The browser's and the reader's own.
    { key: press('j', { isCommand: true }), means: null },
    { key: press('k', { hasModifier: true }), means: null },
    // What is typed is text, and a dialog has the keyboard to itself.
    { key: press('j', { isTyping: true }), means: null },
    { key: press('k', { isTyping: true, isCommand: true }), means: null },
    { key: press('?', { isInDialog: true }), means: null },
  ])('$key.key: $means', ({ key, means }) => {
    expect(shortcutOf(key, null)).toEqual(means);
  });

  it('goes to each page by a letter of its own after g', () => {
    expect(new Set(PAGES.map(({ letter }) => letter)).size).toBe(PAGES.length);
    for (const { letter, to } of PAGES) {
      expect(shortcutOf(press(letter), 9_000)).toEqual({ kind: 'go', to });
    }
  });

  it.each([
    {
      after: 'no page has the letter',
      key: press('j'),
      awaitingSinceMs: 9_000,
      means: { kind: 'move', by: 1 },
    },
    { after: 'g was long ago', key: press('f'), awaitingSinceMs: 8_000, means: null },
    { after: 'g was pressed before no other key', key: press('f'), awaitingSinceMs: null, means: null },
  ])('goes nowhere where $after', ({ key, awaitingSinceMs, means }) => {
    expect(shortcutOf(key, awaitingSinceMs)).toEqual(means);
  });
});
