import { expect, test } from 'vitest';
import { NO_FEATURES } from './syntax/features.ts';
import { ParsedQueries } from './parsed-queries.ts';

test('a query that is asked again has the same tree, unless many others came in between', () => {
  const parsed = new ParsedQueries(NO_FEATURES);
  const first = parsed.expressionOf('sum(up)');
  expect(first.kind).toBe('aggregation');
  for (let at = 0; at < 400; at++) parsed.expressionOf(`a + ${at}`);
  expect(parsed.expressionOf('sum(up)')).toBe(first);
  for (let at = 0; at < 499; at++) parsed.expressionOf(`b + ${at}`);
  expect(parsed.expressionOf('sum(up)')).toBe(first);
  for (let at = 0; at < 500; at++) parsed.expressionOf(`c + ${at}`);
  expect(parsed.expressionOf('sum(up)')).not.toBe(first);
});

test('a long query is not kept, and what is no query never', () => {
  const parsed = new ParsedQueries(NO_FEATURES);
  const long = `up{a="${'x'.repeat(3000)}"}`;
  expect(parsed.expressionOf(long)).not.toBe(parsed.expressionOf(long));
  expect(() => parsed.expressionOf('sum(')).toThrow('parse error');
  expect(() => parsed.expressionOf('sum(')).toThrow('parse error');
});
