import { expect, test } from 'vitest';
import { samplesTable, vectorTable } from './table.ts';

test('a vector has a column a label, the name first and the values at the right', () => {
  const elements = [
    { metric: { __name__: 'depth', queue: 'mail' }, value: [60, '12'] as [number, string] },
    { metric: { __name__: 'depth', a: 'x' }, value: [60, '+Inf'] as [number, string] },
    {
      metric: { __name__: 'wait' },
      histogram: [60, { count: '3', sum: '1.5' }] as [number, { count: string; sum: string }],
    },
  ];
  expect(vectorTable(elements)).toEqual([
    'METRIC  a  queue             VALUE',
    'depth      mail                 12',
    'depth   x                     +Inf',
    'wait              count 3, sum 1.5',
  ]);
});

test('a range vector has a row a sample, in order of time', () => {
  const series = {
    metric: { q: 'a' },
    values: [[1, '5']] as [number, string][],
    histograms: [[0.5, { count: '1', sum: '2' }]] as [number, { count: string; sum: string }][],
  };
  expect(samplesTable([series])).toEqual([
    'q           VALUE  AT',
    'a  count 1, sum 2  1970-01-01T00:00:00.500Z',
    'a               5  1970-01-01T00:00:01.000Z',
  ]);
});

test('labels do nothing to the terminal or the table', () => {
  const metric = { __name__: 'm', path: 'a\nb\tc\u001b[31m\u009b' };
  expect(vectorTable([{ metric, value: [60, '1'] }])).toEqual([
    'METRIC  path                     VALUE',
    'm       a\\nb\\tc\\u001b[31m\\u009b      1',
  ]);
});

test('a table may have very many rows', () => {
  const values = Array.from({ length: 300_000 }, (_, at) => [at, '1'] as [number, string]);
  expect(samplesTable([{ metric: {}, values, histograms: [] }])).toHaveLength(300_001);
});
