import { expect, test } from 'vitest';
import { placeOf } from './error-place.ts';

test.each<[string, string, readonly string[]]>([
  ['depth{', 'invalid parameter "query": 1:7: parse error: end of input', ['  depth{', '        ^']],
  ['sum(\n\tx{a=~"["}\n)', '2:4: parse error: broken', ['   x{a=~"["}', '     ^']],
  ['"ü😀" +', '1:11: parse error: end of input', ['  "ü😀" +', '        ^']],
  ['up', 'the query took too long', []],
  ['up', '7:1: parse error: elsewhere', []],
])('%j with %j', (expression, message, shown) => {
  expect(placeOf(expression, message)).toEqual(shown);
});
