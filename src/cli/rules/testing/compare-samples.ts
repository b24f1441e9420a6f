import { histogramNotation, type QueryResult } from '#promql';
import { labelsKey } from '#telemetry';
import { differingNames } from './compare-alerts.ts';
import type { ExprCase } from './test-file.ts';
import type { ComparedSample, ExprReport, SampleDifference } from './test-report.ts';

/** The samples of an instant vector or a scalar. */
export function samplesOf(result: QueryResult): readonly ComparedSample[] {
  if (result.kind === 'scalar') return [{ labels: {}, value: result.value, histogram: null }];
  if (result.kind !== 'vector') throw new Error(`a test needs a vector or a scalar, not a ${result.kind}`);
  return result.elements.map(({ labels, value, histogram = null }) => ({
    labels,
    value: histogram === null ? value : 0,
    histogram,
  }));
}

/** Holds what an expression gives against what is expected: the same label sets, each with the same value. */
export function compareSamples(
  { atMs, expected, expr, line }: ExprCase,
  got: readonly ComparedSample[] | { readonly error: string },
  isFuzzy: boolean,
): ExprReport {
  const common = { kind: 'expr', line, atMs, expr, expected } as const;
  if ('error' in got) return { ...common, ok: false, got: [], error: got.error, differences: [] };
  const differences = differencesOf(expected, got, isFuzzy ? isNearly : isEqual);
  return { ...common, ok: differences.length === 0, got, error: null, differences };
}

/** Unmet expectations of a case for which a sample of similar labels is looked for. */
const MAX_LOOKED_AT = 100;

type AreSame = (one: number, other: number) => boolean;

function differencesOf(
  expected: readonly ComparedSample[],
  got: readonly ComparedSample[],
  areSame: AreSame,
): readonly SampleDifference[] {
  const left = new Map(got.map((one) => [labelsKey(one.labels), one]));
  const unmet: ComparedSample[] = [];
  const differences: SampleDifference[] = [];
  for (const one of expected) {
    const key = labelsKey(one.labels);
    const found = left.get(key);
    if (!found) unmet.push(one);
    else {
      left.delete(key);
      if (!isSameSample(one, found, areSame))
        differences.push({ kind: 'differs', expected: one, got: found });
    }
  }
  for (const [place, one] of unmet.entries()) {
    const nearest = place < MAX_LOOKED_AT ? [...left].find(([, other]) => isNear(one, other)) : undefined;
    if (nearest) {
      left.delete(nearest[0]);
      differences.push({ kind: 'differs', expected: one, got: nearest[1] });
    } else differences.push({ kind: 'missing', expected: one });
  }
  for (const one of left.values()) differences.push({ kind: 'unexpected', got: one });
  return differences;
}

function isNear({ labels }: ComparedSample, other: ComparedSample): boolean {
  const most = Math.max(Object.keys(labels).length, Object.keys(other.labels).length);
  return differingNames(labels, other.labels).length * 2 <= most;
}

function isSameSample(one: ComparedSample, other: ComparedSample, areSame: AreSame): boolean {
  return areSame(one.value, other.value) && notationOf(one) === notationOf(other);
}

/** Histograms are the same where they are written alike. */
function notationOf({ histogram }: ComparedSample): string {
  return histogram === null ? '' : histogramNotation(histogram);
}

/** NaN equals nothing, not even NaN. */
function isEqual(one: number, other: number): boolean {
  return one === other;
}

/** Equal, or neighbours among the numbers there are. */
function isNearly(one: number, other: number): boolean {
  return one === other || nextTo(one, 1) === other || nextTo(one, -1) === other;
}

const NUMBER = new Float64Array(1);
const BITS = new BigInt64Array(NUMBER.buffer);

/** The next larger (`1`) or smaller (`-1`) number. */
function nextTo(value: number, direction: 1 | -1): number {
  if (Number.isNaN(value) || value === direction * Infinity) return value;
  if (value === 0) return direction * Number.MIN_VALUE;
  NUMBER[0] = value;
  // The bits of a number grow with its size.
  BITS[0] = (BITS[0] ?? 0n) + BigInt(value > 0 ? direction : -direction);
  return NUMBER[0];
}
