import { expect, test } from 'vitest';
import { expressionTree } from './expression-tree.ts';
import { parseExpression } from './parser.ts';

const selector = (name: string, more: object = {}) => ({
  type: 'vectorSelector',
  name,
  matchers: [{ name: '__name__', value: name, type: '=' }],
  offset: 0,
  offsetExpr: null,
  timestamp: null,
  startOrEnd: null,
  anchored: false,
  smoothed: false,
  ...more,
});
const matching = (more: object = {}) => ({
  card: 'one-to-one',
  labels: [],
  on: false,
  include: [],
  fillValues: { lhs: null, rhs: null },
  ...more,
});

test.each<[string, object]>([
  ['1e3', { type: 'numberLiteral', val: '1000' }],
  ['"x"', { type: 'stringLiteral', val: 'x' }],
  ['m @ 5 offset -1m', selector('m', { timestamp: 5000, offset: -60_000 })],
  ['m @ end()', selector('m', { startOrEnd: 'end' })],
  ['m[5m]', selector('m', { type: 'matrixSelector', range: 300_000, rangeExpr: null })],
  [
    'm[5m] anchored',
    selector('m', { type: 'matrixSelector', range: 300_000, rangeExpr: null, anchored: true }),
  ],
  ['m smoothed', selector('m', { smoothed: true })],
  [
    'm[1h:] offset 2s',
    {
      type: 'subquery',
      expr: selector('m'),
      range: 3_600_000,
      rangeExpr: null,
      step: 0,
      stepExpr: null,
      offset: 2000,
      offsetExpr: null,
      timestamp: null,
      startOrEnd: null,
    },
  ],
  [
    'topk without (a) (2, -m)',
    {
      type: 'aggregation',
      op: 'topk',
      expr: { type: 'unaryExpr', op: '-', expr: selector('m') },
      param: { type: 'numberLiteral', val: '2' },
      grouping: ['a'],
      without: true,
    },
  ],
  [
    '(round(m, 2))',
    {
      type: 'parenExpr',
      expr: {
        type: 'call',
        func: { name: 'round', argTypes: ['vector', 'scalar'], variadic: 1, returnType: 'vector' },
        args: [selector('m'), { type: 'numberLiteral', val: '2' }],
      },
    },
  ],
  [
    'm > bool 2',
    {
      type: 'binaryExpr',
      op: '>',
      lhs: selector('m'),
      rhs: { type: 'numberLiteral', val: '2' },
      matching: null,
      bool: true,
    },
  ],
  [
    'm * on (a) group_left (b) n',
    {
      type: 'binaryExpr',
      op: '*',
      lhs: selector('m'),
      rhs: selector('n'),
      matching: matching({ card: 'many-to-one', on: true, labels: ['a'], include: ['b'] }),
      bool: false,
    },
  ],
  [
    'm unless n',
    {
      type: 'binaryExpr',
      op: 'unless',
      lhs: selector('m'),
      rhs: selector('n'),
      matching: matching({ card: 'many-to-many' }),
      bool: false,
    },
  ],
])('%s', (text, tree) => {
  expect(expressionTree(parseExpression(text))).toEqual(tree);
});
