import { expect, test } from 'vitest';
import type { CollectedPoint } from '#telemetry';
import { expositionOf, type MetricFamily } from './exposition.ts';

const gauge = (points: Iterable<CollectedPoint>, help = 'What it says.'): MetricFamily => ({
  name: 'm',
  type: 'gauge',
  help,
  points,
});
const point = (value: number, labels: CollectedPoint['labels'] = {}): CollectedPoint => ({
  suffix: '',
  labels,
  value,
});
const textOf = (...families: readonly MetricFamily[]): string => [...expositionOf(families)].join('');

test.each([
  [point(1), 'm 1'],
  [point(-0.5), 'm -0.5'],
  [point(1e21), 'm 1e+21'],
  [point(Number.NaN), 'm NaN'],
  [point(Number.POSITIVE_INFINITY), 'm +Inf'],
  [point(Number.NEGATIVE_INFINITY), 'm -Inf'],
  [point(1, { a: 'x', b: '' }), 'm{a="x",b=""} 1'],
  [point(1, { a: 'C:\\DIR\n"x"' }), String.raw`m{a="C:\\DIR\n\"x\""} 1`],
  [point(1, { a: '€\t{}' }), 'm{a="€\t{}"} 1'],
])('%o is the line %s', (one, line) => {
  expect(textOf(gauge([one]))).toBe(`# HELP m What it says.\n# TYPE m gauge\n${line}\n`);
});

test('in the help of a metric only backslash and line feed are escaped, and a metric without a point is left out', () => {
  expect(textOf(gauge([], 'Nobody.'), gauge([point(1)], 'a\\b\n"c"'))).toBe(
    '# HELP m a\\\\b\\n"c"\n# TYPE m gauge\nm 1\n',
  );
});

/** Remembers how far it was read. */
function counted(points: number, of: (number: number) => CollectedPoint) {
  const read = { points: 0 };
  function* pointsOf(): Generator<CollectedPoint, void, void> {
    for (let number = 0; number < points; number++) {
      read.points++;
      yield of(number);
    }
  }
  return { read, points: pointsOf() };
}

test('points are read as their pieces are asked for, a few dozen lines at a time', () => {
  const { read, points } = counted(10_000, (number) => point(number, { agent_id: `agent-${number}` }));
  let lines = -2;
  for (const piece of expositionOf([gauge(points)])) {
    lines += piece.split('\n').length - 1;
    expect(piece.split('\n').length).toBeLessThan(40);
    expect(read.points).toBe(lines);
  }
  expect(lines).toBe(10_000);
});

test('no piece ends within a histogram, so that its lines are of one moment', () => {
  const suffixes = ['_bucket', '_bucket', '_bucket', '_sum', '_count'] as const;
  const { points } = counted(1000, (number) => ({
    suffix: suffixes[number % suffixes.length] ?? '_count',
    labels: { phase_id: String(Math.floor(number / suffixes.length)) },
    value: number,
  }));
  const pieces = [...expositionOf([{ name: 'h', type: 'histogram', help: 'Waiting.', points }])];
  expect(pieces.length).toBeGreaterThan(20);
  for (const piece of pieces) expect(piece).toMatch(/\nh_count\{phase_id="\d+"\} \d+\n$/);
});
