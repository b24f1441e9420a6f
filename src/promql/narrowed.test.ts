import { describe, expect, it } from 'vitest';
import { narrowedTo } from './narrowed.ts';
import { formatExpression } from './syntax/formatter.ts';
import { parseExpression } from './syntax/parser.ts';

const LABELS = { agent_id: 'a"1', pool_id: 'p' };

describe('narrowedTo', () => {
  it.each([
    ['m', 'm{agent_id="a\\"1",pool_id="p"}'],
    // What it says already is not said twice; what it says otherwise stays, and finds nothing.
    ['m{pool_id="p",x!="y"}', 'm{agent_id="a\\"1",pool_id="p",x!="y"}'],
    [
      'rate(m[5m]) / rate(n[5m])',
      'rate(m{agent_id="a\\"1",pool_id="p"}[5m]) / rate(n{agent_id="a\\"1",pool_id="p"}[5m])',
    ],
    ['sum by (pool_id) (m) > 5', 'sum by (pool_id) (m{pool_id="p"}) > 5'],
    ['sum(m)', 'sum(m)'],
    ['m / on (pool_id) group_left () n', 'm{pool_id="p"} / on (pool_id) group_left () n{pool_id="p"}'],
    ['max_over_time((m - 1)[5m:10s])', 'max_over_time((m{agent_id="a\\"1",pool_id="p"} - 1)[5m:10s])'],
    [
      'label_replace(m, "agent_id", "$1", "x", "(.*)")',
      'label_replace(m{pool_id="p"}, "agent_id", "$1", "x", "(.*)")',
    ],
    ['absent(m)', 'absent(m)'],
    ['5', '5'],
  ])('%s reads %s', (text, narrowed) => {
    expect(formatExpression(narrowedTo(parseExpression(text), LABELS))).toBe(narrowed);
  });

  it('keeps the rest of an expression as it is written', () => {
    const text = 'm offset 5m or n @ 12.000 unless last_over_time((-o)[5m:1m])';
    expect(formatExpression(narrowedTo(parseExpression(text), {}))).toBe(text);
  });

  it('walks a chain of operators however long it is', () => {
    const text = Array.from({ length: 5_000 }, (_, at) => `m${at}`).join(' or ');
    const narrowed = formatExpression(narrowedTo(parseExpression(text), { pool_id: 'p' }));
    expect(narrowed.endsWith(' or m4999{pool_id="p"}')).toBe(true);
  });
});
