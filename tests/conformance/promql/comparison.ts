import { formatLabels, labelsKey, type HistogramValue, type Labels } from '#telemetry';
import {
  countsByIndex,
  type MatrixSeries,
  type NotedPoint,
  type QueryResult,
  type VectorElement,
} from '#promql';
import type { EvalCommand, Expectation } from './script.ts';

/** A result that is not the expected one. */
export class Mismatch extends Error {}

const TOLERANCE = 1e-6;
const MIN_NORMAL = 2.2250738585072014e-308;

/** @throws Mismatch */
export function compareResult(result: QueryResult, expected: EvalCommand): void {
  switch (result.kind) {
    case 'scalar':
      if (expected.scalar === null) throw new Mismatch(`got the scalar ${result.value}`);
      if (!almostEqual(result.value, expected.scalar)) {
        throw new Mismatch(`expected ${expected.scalar}, got ${result.value}`);
      }
      return;
    case 'string':
      if (result.value !== expected.text) {
        throw new Mismatch(`expected "${expected.text}", got "${result.value}"`);
      }
      return;
    case 'vector':
      compareVector(result.elements, expected);
      return;
    case 'matrix':
      compareMatrix(result.series, expected);
  }
}

function compareVector(elements: readonly VectorElement[], expected: EvalCommand): void {
  if (expected.scalar !== null) throw new Mismatch('expected a scalar, got a vector');
  const ordered = expected.expectations.some(({ kind }) => kind === 'ordered');
  const wanted = wantedByLabels(expected);
  elements.forEach((element, place) => {
    const key = labelsKey(element.labels);
    const want = wanted.get(key);
    if (!want) throw new Mismatch(`unexpected ${describe(element.labels, element)}`);
    if (ordered && want.place !== place) {
      throw new Mismatch(`${formatLabels(element.labels)} is at place ${place}, not ${want.place}`);
    }
    const [point] = want.points;
    if (!point || !samePoint(point, element)) {
      throw new Mismatch(`expected ${describePoint(point)}, got ${describe(element.labels, element)}`);
    }
    wanted.delete(key);
  });
  assertNoneLeft(wanted);
}

function compareMatrix(series: readonly MatrixSeries[], expected: EvalCommand): void {
  const wanted = wantedByLabels(expected);
  const { startMs, stepMs } = expected.rangeVector ?? expected.range ?? { startMs: 0, stepMs: 0 };
  for (const one of series) {
    const name = formatLabels(one.labels);
    const key = labelsKey(one.labels);
    const want = wanted.get(key);
    if (!want) throw new Mismatch(`unexpected series ${name}`);
    const points = want.points
      .map((point, place) => ({ point, timeMs: startMs + place * stepMs }))
      .filter(({ point }) => point.kind !== 'none');
    if (points.length !== one.values.length) {
      throw new Mismatch(
        `${name}: expected ${points.length} points, got ${one.values.length}: ${[...one.values].join(' ')} at ${[...one.timestampsMs].join(' ')}`,
      );
    }
    points.forEach(({ point, timeMs }, at) => {
      const histogram = one.histograms?.[at];
      const got = { value: one.values[at] ?? NaN, ...(histogram ? { histogram } : {}) };
      if (one.timestampsMs[at] !== timeMs || !samePoint(point, got)) {
        throw new Mismatch(
          `${name}: expected ${describePoint(point)} at ${timeMs}, got ${describe({}, got)} at ${one.timestampsMs[at]}`,
        );
      }
    });
    wanted.delete(key);
  }
  assertNoneLeft(wanted);
}

interface Wanted {
  readonly place: number;
  readonly labels: Labels;
  readonly points: readonly NotedPoint[];
}

function wantedByLabels({ series }: EvalCommand): Map<string, Wanted> {
  return new Map(series.map((one, place) => [labelsKey(one.labels), { place, ...one }]));
}

function assertNoneLeft(wanted: ReadonlyMap<string, Wanted>): void {
  for (const { labels } of wanted.values()) throw new Mismatch(`${formatLabels(labels)} is missing`);
}

type Got = Pick<VectorElement, 'value' | 'histogram'>;

function samePoint(point: NotedPoint, got: Got): boolean {
  switch (point.kind) {
    case 'float':
      return got.histogram === undefined && almostEqual(got.value, point.value);
    case 'histogram':
      return got.histogram !== undefined && sameHistogram(point.histogram, got.histogram, point.hintGiven);
    case 'none':
    case 'stale':
      return false;
  }
}

function sameHistogram(expected: HistogramValue, got: HistogramValue, withHint: boolean): boolean {
  return (
    expected.schema === got.schema &&
    almostEqual(expected.count, got.count) &&
    almostEqual(expected.sum, got.sum) &&
    expected.zeroThreshold === got.zeroThreshold &&
    almostEqual(expected.zeroCount, got.zeroCount) &&
    sameList(expected.customBounds, got.customBounds, (a, b) => a === b) &&
    sameBuckets(expected.positiveSpans, expected.positiveCounts, got.positiveSpans, got.positiveCounts) &&
    sameBuckets(expected.negativeSpans, expected.negativeCounts, got.negativeSpans, got.negativeCounts) &&
    (!withHint || expected.counterReset === got.counterReset)
  );
}

type Spans = HistogramValue['positiveSpans'];

function sameBuckets(
  leftSpans: Spans,
  leftCounts: readonly number[],
  rightSpans: Spans,
  rightCounts: readonly number[],
): boolean {
  const left = populated(leftSpans, leftCounts);
  const right = populated(rightSpans, rightCounts);
  return sameList(left, right, (a, b) => a.index === b.index && almostEqual(a.count, b.count));
}

function populated(
  spans: Spans,
  counts: readonly number[],
): readonly { readonly index: number; readonly count: number }[] {
  return [...countsByIndex(spans, counts)]
    .map(([index, count]) => ({ index, count }))
    .filter(({ count }) => count !== 0);
}

function sameList<T>(left: readonly T[], right: readonly T[], same: (a: T, b: T) => boolean): boolean {
  return (
    left.length === right.length &&
    left.every((value, at) => {
      const other = right[at];
      return other !== undefined && same(value, other);
    })
  );
}

function almostEqual(a: number, b: number): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < MIN_NORMAL) return difference < TOLERANCE * MIN_NORMAL;
  return difference / Math.min(sum, Number.MAX_VALUE) < TOLERANCE;
}

function describe(labels: Labels, { value, histogram }: Got): string {
  return `${formatLabels(labels)} ${histogram ? JSON.stringify(histogram) : value}`;
}

function describePoint(point: NotedPoint | undefined): string {
  if (!point) return 'nothing';
  if (point.kind === 'float') return String(point.value);
  return point.kind === 'histogram' ? JSON.stringify(point.histogram) : point.kind;
}

/** Holds warnings and infos against what the eval expects of them. @throws Mismatch */
export function compareAnnotations(result: QueryResult, expectations: readonly Expectation[]): void {
  compareTexts('warn', result.warnings, expectations);
  compareTexts('info', result.infos, expectations);
}

function compareTexts(
  kind: 'warn' | 'info',
  texts: readonly string[],
  expectations: readonly Expectation[],
): void {
  if (expectations.some((expected) => expected.kind === `no_${kind}`) && texts.length > 0) {
    throw new Mismatch(`unexpected ${kind}: ${texts.join('; ')}`);
  }
  const wanted = expectations.filter((expected) => expected.kind === kind);
  if (wanted.length === 0) return;
  for (const expected of wanted) {
    if (texts.some((text) => matchesText(expected, text))) continue;
    throw new Mismatch(
      `expected ${kind} ${expected.message ?? expected.pattern ?? ''}, got ${texts.join('; ')}`,
    );
  }
  const extra = texts.find((text) => !wanted.some((expected) => matchesText(expected, text)));
  if (extra !== undefined) throw new Mismatch(`unexpected ${kind}: ${extra}`);
}

export function matchesText({ message, pattern }: Expectation, text: string): boolean {
  if (message !== null) return message === text;
  return pattern ? pattern.test(text) : true;
}
