import { expect, it } from 'vitest';

import { TemplateFailure } from '../templates/message-templates.ts';
import { compareBytes, goMap, goText, goTime, goValue } from './go-json.ts';

/** By Go's encoding/json (1.22 and later). */
it.each([
  ['a"b\\c/d', String.raw`"a\"b\\c/d"`],
  ['<a href="x">&', String.raw`"\u003ca href=\"x\"\u003e\u0026"`],
  ['\b\f\n\r\t\u0000\u001f', String.raw`"\b\f\n\r\t\u0000\u001f"`],
  ['\u007f\u2028\u2029', String.raw`"${'\u007f'}\u2028\u2029"`],
  ['Ä😀', '"Ä😀"'],
  ['\ud800x', '"\ufffdx"'],
])('the text %j is %s', (text, expected) => {
  expect(goText(text)).toBe(expected);
});

it('maps are sorted by bytes', () => {
  expect(goMap({ b: '1', B: '2', a: '3' })).toBe('{"B":"2","a":"3","b":"1"}');
  // JavaScript's own order has the first of these after the second.
  expect(compareBytes('\ue000', '\u{10000}')).toBeLessThan(0);
  expect(compareBytes('a', 'b')).toBeLessThan(0);
  expect(compareBytes('a', 'a')).toBe(0);
});

it.each([
  [Date.UTC(2026, 10, 30, 10, 0, 0, 0), '2026-11-30T10:00:00Z'],
  [Date.UTC(2026, 10, 30, 10, 0, 0, 250), '2026-11-30T10:00:00.25Z'],
  [Date.UTC(2026, 10, 30, 10, 0, 0, 1) + 0.7, '2026-11-30T10:00:00.001Z'],
  [Date.UTC(2026, 10, 30, 10, 0, 50, 100), '2026-11-30T10:00:50.1Z'],
  [null, '0001-01-01T00:00:00Z'],
])('the time %s is %s', (wallMs, expected) => {
  expect(goTime(wallMs)).toBe(expected);
});

it.each([
  [null, 'null'],
  [undefined, 'null'],
  [1, '1'],
  [-0, '-0'],
  [1e21, '1e+21'],
  [1e-7, '1e-7'],
  [0.1, '0.1'],
  [18_446_744_073_709_551_615n, '18446744073709551615'],
  [true, 'true'],
  [new Date(0), '"1970-01-01T00:00:00Z"'],
  [[1, ['a', {}]], '[1,["a",{}]]'],
  [{ b: 1, a: { d: null, c: '<' } }, String.raw`{"a":{"c":"\u003c","d":null},"b":1}`],
])('the value %s is %s', (value, expected) => {
  expect(goValue(value)).toBe(expected);
});

it.each([Number.NaN, Infinity])('%s cannot be written', (value) => {
  expect(() => goValue([value])).toThrow(TemplateFailure);
});
