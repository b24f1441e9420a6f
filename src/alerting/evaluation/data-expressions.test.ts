import { expect, it } from 'vitest';
import { formatExpression, parseExpression } from '#promql';
import { dataExpressions } from './data-expressions.ts';

it.each([
  ['up', ['up']],
  ['up == 0', ['up']],
  ['5 < up', ['up']],
  ['(up) == 0', ['up']],
  ['time() - x > 300', ['time() - x']],
  ['rate(x[5m]) > 1 and on (job) y < 3', ['rate(x[5m])']],
  ['up == 0 unless down', ['up']],
  ['a > 1 or b > 1', ['a', 'b']],
  ['sum by (p) (q) > 30 and on (p) max by (p) (s) >= 4', ['sum by (p) (q)']],
  ['count by (job) (up == 0) > 2', ['up']],
  ['sum(rate(x[5m])) / sum(rate(y[5m])) > 0.1', ['sum(rate(x[5m])) / sum(rate(y[5m]))']],
  ['up == bool 0', ['up == bool 0']],
  ['absent(up)', null],
  ['absent(up) or up == 0', null],
  ['absent_over_time(up[5m])', null],
  ['vector(1)', ['vector(1)']],
  ['5 < (a or b)', ['a', 'b']],
  ['a > 1 and b or c > 1 unless d', ['a', 'c']],
  [`a > 1${' or b > 2'.repeat(5000)}`, ['a', ...Array.from({ length: 5000 }, () => 'b')]],
  [`a${' + a'.repeat(5000)} > 1`, [`a${' + a'.repeat(5000)}`]],
])('%.40s looks at %j', (text, expected) => {
  const found = dataExpressions(parseExpression(text));
  expect(found?.map((part) => formatExpression(part)) ?? null).toEqual(expected);
});

it.each([' + y', ' + 1'])(
  'looks along 200,000 times "%s" once: with the square it would take hours',
  (link) => {
    const found = dataExpressions(parseExpression(`(x > 1)${link.repeat(200_000)}`));
    expect(found?.map((part) => formatExpression(part))).toEqual(['x']);
  },
);
