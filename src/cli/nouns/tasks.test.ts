import { expect, it } from 'vitest';
import { noneListed, readPayload } from './tasks.ts';

it.each([
  [undefined, 'no task waits or is worked on'],
  ['completed', 'no task is completed'],
])('an empty list of tasks that are %s says of which', (state, said) => {
  expect(noneListed(state)).toBe(said);
});

it.each([
  ['{', /^--payload: the text is no JSON: /],
  ['@/nowhere/a.json', /^--payload: @\/nowhere\/a\.json can't be read: ENOENT/],
  ['@/', /^--payload: @\/ can't be read: EISDIR/],
])('a payload %s says what is wrong with it', (said, message) => {
  expect(() => readPayload(said)).toThrow(message);
});
