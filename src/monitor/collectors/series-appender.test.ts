import { beforeEach, describe, expect, it } from 'vitest';
import {
  OmoiError,
  SelfMetrics,
  VirtualClock,
  type CommitResult,
  type Labels,
  type SampleBatch,
  type SampleSink,
  noneRefused,
} from '#telemetry';
import { SeriesAppender } from './series-appender.ts';

/** A store that refuses what a test tells it to. */
class FussySink implements SampleSink {
  asked = 0;
  refuseUnknown = false;
  full = false;
  /** The disk can't be written. */
  broken = false;
  readonly taken: (readonly number[])[] = [];

  series(_labels: Labels): number {
    if (this.full) throw new OmoiError('series_limit_reached', 'no more series');
    return this.asked++;
  }

  commit(batch: SampleBatch): CommitResult {
    const refused = this.refuseUnknown || this.broken ? batch.length : 0;
    if (refused === 0) this.taken.push([...batch.values.subarray(0, batch.length)]);
    return {
      accepted: batch.length - refused,
      refused: { ...noneRefused(), [this.broken ? 'storage_full' : 'unknown_series']: refused },
      durable: () => Promise.resolve(),
    };
  }
}

describe('the appender of series', () => {
  let clock: VirtualClock;
  let sink: FussySink;
  let metrics: SelfMetrics;
  let appender: SeriesAppender;
  beforeEach(() => {
    clock = new VirtualClock();
    sink = new FussySink();
    metrics = new SelfMetrics();
    appender = new SeriesAppender({ sink, clock, metrics, source: 'collector', maxSeries: 10 });
  });
  const counted = (name: string): unknown => metrics.collect().find((metric) => metric.name === name)?.points;

  it('asks for a reference once, and again when the store no longer knows it', async () => {
    const series = appender.open('m', {});
    appender.put(series, 1);
    appender.flush();
    appender.put(series, 2);
    appender.flush();
    expect(sink.asked).toBe(1);
    sink.refuseUnknown = true;
    appender.put(series, 3);
    appender.flush();
    sink.refuseUnknown = false;
    await clock.advance(10);
    appender.repeat();
    appender.flush();
    expect(sink.asked).toBe(2);
    expect(sink.taken).toEqual([[1], [2], [3]]);
    expect(counted('omoi_monitor_samples_refused_total')).toEqual([
      { suffix: '', labels: { reason: 'unknown_series' }, value: 1 },
    ]);
  });

  it('waits before it asks a full store again', async () => {
    sink.full = true;
    appender.put(appender.open('m', {}), 1);
    appender.flush();
    appender.repeat();
    appender.flush();
    expect(counted('omoi_monitor_series_refused_total')).toEqual([
      { suffix: '', labels: { source: 'collector' }, value: 1 },
    ]);
    sink.full = false;
    await clock.advance(15_000);
    appender.repeat();
    appender.flush();
    expect(sink.taken).toEqual([[1]]);
  });

  it('writes one unit for each trace', () => {
    const [first, second, third] = ['a', 'b', 'c'].map((at) => appender.open('m', { at }));
    if (!first || !second || !third) throw new Error('three were opened');
    for (const [series, value] of [
      [first, 1],
      [second, 2],
      [third, 3],
    ] as const) {
      appender.put(series, value);
    }
    appender.flush((series) => (series === second ? '00-trace' : null));
    expect(sink.taken).toEqual([[1, 3], [2]]);
  });

  it('ends a series when the disk can be written again, unless it goes on by then', async () => {
    for (const place of ['gone', 'back']) appender.put(appender.open('m', { place }), 1);
    const [gone, back] = appender.current();
    appender.flush();
    sink.broken = true;
    if (gone) appender.remove(gone);
    if (back) appender.remove(back);
    appender.flush();
    await clock.advance(1000);
    appender.repeat();
    appender.flush();
    appender.put(appender.open('m', { place: 'back' }), 2);
    sink.broken = false;
    await clock.advance(1000);
    appender.repeat();
    appender.flush();
    appender.repeat();
    appender.flush();
    // In the order in which they were put: the value of the one, and the end of the other.
    expect(sink.taken).toEqual([
      [1, 1],
      [2, Number.NaN],
    ]);
  });

  it('ends no series that was never seen', () => {
    const series = appender.open('m', {});
    appender.put(series, 1);
    appender.remove(series);
    appender.flush();
    expect(sink.taken).toEqual([]);
  });

  it('reads the series of a metric, a histogram with all its lines, while others come and go', () => {
    const opened = [
      'task_wait_seconds_bucket',
      'agents_active',
      'task_wait_seconds_sum',
      'agents_active',
    ].map((name, number) => {
      const series = appender.open(name, { number: String(number) });
      appender.put(series, number);
      return series;
    });
    expect(
      Array.from(appender.currentOf('task_wait_seconds'), ({ suffix, value }) => [suffix, value]),
    ).toEqual([
      ['_bucket', 0],
      ['_sum', 2],
    ]);
    const [, first, , last] = opened;
    const reading = appender.currentOf('agents_active');
    expect(reading.next().value).toBe(first);
    if (last) appender.remove(last);
    appender.put(appender.open('agents_active', { number: 'new' }), 7);
    expect(Array.from(reading, ({ value }) => value)).toEqual([7]);
    expect([appender.size, [...appender.current()].length]).toEqual([4, 4]);
  });
});
