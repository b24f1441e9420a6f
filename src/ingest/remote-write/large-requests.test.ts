import { describe, expect, it } from 'vitest';
import { SampleBatch, SelfMetrics, createMatcher, createSeededRandom, silentLogger } from '#telemetry';
import { createTsdb } from '#tsdb';
import { TickingClock } from '../../telemetry/time/ticking-clock.test-support.ts';
import { encodeWriteRequest, field, int64, snappy, tag } from '../../../tests/remote-write-request.ts';
import {
  countSamplesOf,
  dropWithoutSeries,
  fitsOneUnit,
  partsOf,
  replaceUnknown,
  seriesWithTimelySamples,
} from './batch-passes.ts';
import { RequestDecoder, unknownRef } from './decoder.ts';
import { createRemoteWriteReceiver, type RemoteWriteStore } from './receiver.ts';
import { named, openReceiver } from './remote-write.test-support.ts';
import { SeriesCache } from './series-cache.ts';

/** Handles a request; how often each of the store's methods was called in one turn of the event loop at most. */
async function mostCallsInATurn(request: Uint8Array, isReserved = false): Promise<Record<string, number>> {
  const clock = new TickingClock();
  const selfMetrics = new SelfMetrics();
  const tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics });
  const most = { findSeries: 0, isTimely: 0, describe: 0, isReserved: 0 };
  let inTurn = { ...most };
  const count = (name: keyof typeof most): void => {
    most[name] = Math.max(most[name], ++inTurn[name]);
  };
  const sink: RemoteWriteStore = {
    checkLabels: (labels) => tsdb.checkLabels(labels),
    series: (labels) => tsdb.series(labels),
    holds: (ref) => tsdb.holds(ref),
    onForgotten: (listener) => tsdb.onForgotten(listener),
    commit: (batch, origin) => tsdb.commit(batch, origin),
    findSeries(labels) {
      count('findSeries');
      return tsdb.findSeries(labels);
    },
    isTimely(timestampMs) {
      count('isTimely');
      return tsdb.isTimely(timestampMs);
    },
    describe(metricName, metadata) {
      count('describe');
      tsdb.describe(metricName, metadata);
    },
  };
  const random = createSeededRandom(1);
  const reserved = (): boolean => {
    count('isReserved');
    return isReserved;
  };
  const receiver = createRemoteWriteReceiver({ sink, clock, random, selfMetrics, isReserved: reserved });
  let turning = true;
  const turn = (): void => {
    inTurn = { findSeries: 0, isTimely: 0, describe: 0, isReserved: 0 };
    if (turning) setImmediate(turn);
  };
  turn();
  await receiver
    .handle({ body: snappy(request), traceparent: null, sender: 'token:test' })
    .catch(() => undefined);
  turning = false;
  return most;
}

describe('a large request gives turns to others', () => {
  const seriesOf = (count: number, timestampMs: number) =>
    Array.from({ length: count }, (_, at) => ({
      labels: named('m', ['i', String(at)]),
      samples: Array.from({ length: 20 }, () => ({ timestampMs, value: 1 })),
    }));

  it('while it looks for series whose samples are too old', async () => {
    const most = await mostCallsInATurn(encodeWriteRequest(seriesOf(5_000, 1)));
    expect(most['findSeries']).toBeGreaterThan(0);
    expect(most['findSeries']).toBeLessThanOrEqual(500);
    expect(most['isTimely']).toBeLessThanOrEqual(50_000);
  });

  it('while it refuses series that only Omoi may write', async () => {
    const most = await mostCallsInATurn(encodeWriteRequest(seriesOf(5_000, Date.now())), true);
    expect(most['isReserved']).toBeGreaterThan(0);
    expect(most['isReserved']).toBeLessThanOrEqual(500);
  });

  it('while it keeps descriptions of metrics', async () => {
    const described = Array.from({ length: 20_000 }, (_, at) =>
      field(3, Buffer.concat([tag(1, 0), int64(1), field(2, Buffer.from(`m${at}`))])),
    );
    const most = await mostCallsInATurn(Buffer.concat(described));
    expect(most['describe']).toBeGreaterThan(0);
    expect(most['describe']).toBeLessThanOrEqual(5_000);
  });

  it('in each pass over its samples', () => {
    const samples = 100_000;
    const batch = new SampleBatch();
    for (let at = 0; at < samples; at++) batch.add(unknownRef(at % 10), at, 1);
    const passes = [
      seriesWithTimelySamples(batch, 10, () => false),
      countSamplesOf(batch, new Set([unknownRef(3)])),
      replaceUnknown(batch, new Float64Array(10)),
      dropWithoutSeries(batch),
    ];
    expect(passes.map((pass) => [...pass].length)).toEqual([10, 10, 10, 10]);
    expect(batch.length).toBe(0);
  });

  it('while it decodes what is large for its number', () => {
    const help = field(4, Buffer.alloc(1_000, 'x'));
    const described = Array.from({ length: 400 }, () => field(3, help));
    const decoder = new RequestDecoder(new SeriesCache({ seed: 1, maxBytes: 1_000 }), () => false);
    decoder.begin(Buffer.concat(described));
    let steps = 1;
    while (!decoder.step(500)) steps++;
    expect(steps).toBeGreaterThan(10);
    expect(decoder.metadata).toHaveLength(400);
  });

  it('between its histograms, by how many buckets they have', () => {
    const batch = new SampleBatch();
    const positiveCounts = Array.from({ length: 1_000 }, () => 1);
    const histogram = {
      schema: 0,
      count: 1_000,
      sum: 1,
      zeroThreshold: 0,
      zeroCount: 0,
      positiveSpans: [{ offset: 0, length: 1_000 }],
      positiveCounts,
      negativeSpans: [],
      negativeCounts: [],
      customBounds: [],
      counterReset: 'unknown' as const,
    };
    for (let at = 0; at < 90; at++) batch.addHistogram(1, at, histogram);
    expect(fitsOneUnit(batch)).toBe(true);
    for (let at = 90; at < 1_000; at++) batch.addHistogram(1, at, histogram);
    expect(fitsOneUnit(batch)).toBe(false);
    const parts = [...partsOf(batch)].length;
    expect(parts).toBeGreaterThanOrEqual(10);
    expect(parts).toBeLessThanOrEqual(12);
  });

  it.each([
    { newSeries: 0, parts: [20_000, 1000] },
    { newSeries: 2000, parts: [20_000, 1000] },
    { newSeries: 2001, parts: [...Array<number>(10).fill(2000), 1000] },
  ])('between its samples, sooner where $newSeries series may be new', ({ newSeries, parts }) => {
    const batch = new SampleBatch();
    for (let at = 0; at < 21_000; at++) batch.add(1, at, at);
    expect([...partsOf(batch, newSeries)].length).toBe(parts.length);
    expect(Array.from(partsOf(batch, newSeries), ({ length }) => length)).toEqual(parts);
    expect(fitsOneUnit(batch, newSeries)).toBe(false);
    batch.length = parts[0] ?? 0;
    expect(fitsOneUnit(batch, newSeries)).toBe(true);
  });

  it('between the series that it brings, and not where they are known', async () => {
    const stage = await openReceiver();
    const units: number[] = [];
    const matchers = [createMatcher('job', '=', 'many')];
    stage.tsdb.onAppend(matchers, ({ refs }) => void units.push(refs.length));
    const request = (value: number) =>
      Array.from({ length: 5000 }, (_, at) => ({
        labels: named(`m${at}`, ['job', 'many']),
        samples: [stage.at(value, value)],
      }));
    expect(await stage.send(request(1))).toEqual({ samples: 5000 });
    expect(await stage.send(request(2))).toEqual({ samples: 5000 });
    expect(units).toEqual([2000, 2000, 1000, 5000]);
  });

  it('between its exemplars, which all come behind the samples', () => {
    const batch = new SampleBatch();
    for (let at = 0; at < 30_000; at++) batch.add(1, at, at);
    const exemplarOf = (at: number) => ({ labels: { trace_id: `${at}` }, value: at, timestampMs: at });
    for (let at = 0; at < 2_500; at++) batch.addExemplar(1, exemplarOf(at));
    const parts: [number, number][] = [];
    for (const { length, exemplars } of partsOf(batch)) parts.push([length, exemplars.length]);
    expect(parts).toEqual([
      [20_000, 0],
      [10_000, 0],
      [0, 1000],
      [0, 1000],
      [0, 500],
    ]);
    const few = new SampleBatch();
    for (let at = 0; at < 1000; at++) few.addExemplar(1, exemplarOf(at));
    expect(fitsOneUnit(few)).toBe(true);
    few.addExemplar(1, exemplarOf(1000));
    expect(fitsOneUnit(few)).toBe(false);
  });
});
