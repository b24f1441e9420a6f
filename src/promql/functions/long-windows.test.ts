import { describe, expect, it } from 'vitest';
import { createSeededRandom, type HistogramValue } from '#telemetry';
import { Annotations } from '../annotations.ts';
import { SAMPLES_AT_ONCE } from '../evaluation/pacing.ts';
import { RangeWindow, type RangeFunctionMaker } from '../evaluation/range-window.ts';
import { ABSENT, HISTOGRAM, type SampleKind } from '../evaluation/vector-table.ts';
import { ORDER_FUNCTIONS } from './order-over-time.ts';
import { extendedFunctionOf } from './extended-rates.ts';
import { RANGE_FUNCTIONS } from './range-functions.ts';
import { startedFunctionOf } from './started-functions.ts';

const LENGTH = 2 * SAMPLES_AT_ONCE + 4321;
const HISTOGRAMS = 700;
const random = createSeededRandom(5);

/** Exponential buckets whose counts grow and are reset now and then. */
function histogramAt(at: number): HistogramValue {
  const count = at % 300;
  return {
    schema: at % 200 === 0 ? 0 : 1,
    count: 3 * count,
    sum: count * 0.1,
    zeroThreshold: 0,
    zeroCount: 0,
    positiveSpans: [{ offset: 0, length: 2 }],
    positiveCounts: [count, 2 * count],
    negativeSpans: [],
    negativeCounts: [],
    customBounds: [],
    counterReset: 'unknown',
  };
}

/** Made once: each function reads them, and `Float64Array.from` asks an iterator for each. */
function floatsBy(valueAt: (at: number) => number): Float64Array {
  const floats = new Float64Array(LENGTH);
  for (let at = 0; at < LENGTH; at++) floats[at] = valueAt(at);
  return floats;
}

const TIMES = floatsBy((at) => at + 1);

const FLOATS: readonly (readonly [string, Float64Array])[] = [
  ['a counter with resets', floatsBy((at) => (at % 777) + random.next())],
  ['a gauge', floatsBy(() => (random.next() - 0.5) * 10 ** (random.next() * 30))],
  ['what overflows in its midst', floatsBy((at) => (at > LENGTH / 2 ? Number.MAX_VALUE / 3 : at))],
  ['what never changes', floatsBy(() => 5)],
  ['with NaN and infinities', floatsBy((at) => (at % 999 === 0 ? NaN : at % 1001 === 0 ? -Infinity : at))],
];
const HISTOGRAM_VALUES = Array.from({ length: HISTOGRAMS }, (_, at) => histogramAt(at));
const TENS = floatsBy((at) => at % 10);

interface Found {
  readonly kind: SampleKind;
  readonly value: number | HistogramValue | null;
  readonly notes: readonly string[];
}

const MAKERS: ReadonlyMap<string, RangeFunctionMaker> = new Map([
  ...RANGE_FUNCTIONS,
  ...['rate', 'increase', 'delta', 'resets', 'changes'].map(
    (name) => [`${name} anchored`, extendedFunctionOf(name, 'anchored')] as const,
  ),
  ...['rate', 'increase', 'delta'].map(
    (name) => [`${name} smoothed`, extendedFunctionOf(name, 'smoothed')] as const,
  ),
  ...['rate', 'increase', 'irate', 'resets'].flatMap((name) => {
    const make = startedFunctionOf(name, null);
    return make ? [[`${name} with starts`, make] as const] : [];
  }),
]);
/** When samples began counting: some a while ago, some behind the sample before. */
const STARTS = floatsBy((at) => (at % 500 === 0 ? at + 0.5 : Math.max(1, at - (at % 500))));
/** What of the samples lies before and behind the range. */
const MARGIN = { beforeMs: 1000, afterMs: 1000 };

/** A window over all samples. */
function windowOver(floats: Float64Array, histograms: readonly HistogramValue[]) {
  const annotations = new Annotations();
  const position = { start: 0, end: 0 };
  const scalars = [Float64Array.of(0.3), Float64Array.of(0.7)];
  const rangeMs = LENGTH - MARGIN.beforeMs - MARGIN.afterMs;
  const window = new RangeWindow({ rangeMs, margin: MARGIN, scalars, annotations, position });
  const starts = {
    floats: STARTS.subarray(0, floats.length),
    histograms: Float64Array.from(histograms.keys(), (at) => (at % 3 === 0 ? at * 150 + 0.5 : 1)),
  };
  const run = {
    labels: { __name__: 'm' },
    dropsName: false,
    times: TIMES.subarray(0, floats.length),
    values: floats,
    histogramTimes: Float64Array.from(histograms.keys(), (at) => 1.5 + at * 150),
    histograms,
  };
  window.enter(run, starts);
  window.timeMs = LENGTH;
  window.moveTo(MARGIN.beforeMs, LENGTH - MARGIN.afterMs);
  const foundBy = (kind: SampleKind): Found => ({
    kind,
    value: kind === ABSENT ? null : kind === HISTOGRAM ? window.histogram : window.value,
    notes: [...annotations.warnings(''), ...annotations.infos('')],
  });
  return { window, foundBy };
}

/** The window in one part, however large. */
function atOnce(name: string, floats: Float64Array, histograms: readonly HistogramValue[]): Found {
  const { window, foundBy } = windowOver(floats, histograms);
  window.partTo = window.to;
  window.histogramPartTo = window.histogramTo;
  return foundBy(MAKERS.get(name)?.()(window) ?? ABSENT);
}

/** The window part by part, or in steps where its order matters. */
function inParts(name: string, floats: Float64Array, histograms: readonly HistogramValue[]) {
  const { window, foundBy } = windowOver(floats, histograms);
  let parts = 1;
  const ofOrder = ORDER_FUNCTIONS.get(name);
  if (ofOrder) {
    const steps = ofOrder.computeInSteps(window);
    for (let step = steps.next(); ; step = steps.next(), parts++) {
      if (step.done === true) return { ...foundBy(step.value), parts };
    }
  }
  const compute = MAKERS.get(name)?.();
  let kind = compute?.(window) ?? ABSENT;
  for (; !window.isLastPart; parts++) {
    window.moveToNextPart();
    kind = compute?.(window) ?? ABSENT;
  }
  return { ...foundBy(kind), parts };
}

describe.each([...MAKERS.keys()])('%s of a long window in parts is that of the whole, bit by bit', (name) => {
  it.each(FLOATS)('%s', (_, floats) => {
    const { parts, ...found } = inParts(name, floats, []);
    expect(found).toEqual(atOnce(name, floats, []));
    expect(parts).toBeGreaterThanOrEqual(3);
  });

  it.each([
    ['histograms', new Float64Array()],
    ['histograms among floats', TENS],
  ])('%s', (_, floats) => {
    const { parts, ...found } = inParts(name, floats, HISTOGRAM_VALUES);
    expect(found).toEqual(atOnce(name, floats, HISTOGRAM_VALUES));
    if (!ORDER_FUNCTIONS.has(name)) expect(parts).toBeGreaterThanOrEqual(3);
  });
});
