import { openPoints, parseSelector } from '#promql';
import { isStaleMarker, SampleBatch, wordsOf, type Selection } from '#telemetry';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemorySeries } from './memory-series.ts';

let series: MemorySeries;
beforeEach(() => {
  series = new MemorySeries();
});

const select = (text: string, interval: Partial<Selection> = {}) =>
  series
    .select({ matchers: parseSelector(text).matchers, startMs: 0, endMs: 1e15, ...interval })
    .map(({ timestampsMs, values }) =>
      [...values].map(
        (value, at) => `${isStaleMarker(wordsOf(values), at) ? 'stale' : value}@${timestampsMs[at]}`,
      ),
    );

const input = (labels: Readonly<Record<string, string>>, values: string, startMs = 0): void =>
  series.addInput(labels, openPoints(values), { startMs, stepMs: 10 });

describe('inputs', () => {
  it('become visible as time goes on', () => {
    input({ __name__: 'm' }, '1 _ 2 stale 3');
    expect(select('m')).toEqual([]);
    series.readUntil(25);
    expect(select('m')).toEqual([['1@0', '2@20']]);
    series.readUntil(100);
    expect(select('m')).toEqual([['1@0', '2@20', 'stale@30', '3@40']]);
  });

  it('are found by any matchers, those that came after the first look, too', () => {
    const matchers = parseSelector('{__name__=~"m|n",a!="2"}').matchers;
    input({ __name__: 'm', a: '1' }, '1');
    input({ __name__: 'm', a: '2' }, '2');
    series.readUntil(0);
    const found = () => series.select({ matchers, startMs: 0, endMs: 0 }).map(({ values }) => values[0]);
    expect(found()).toEqual([1]);
    input({ __name__: 'n' }, '3');
    series.readUntil(0);
    expect(found()).toEqual([1, 3]);
  });

  it('that are given twice are the last', () => {
    input({ __name__: 'm' }, '1 1');
    input({ __name__: 'm' }, '2');
    series.readUntil(100);
    expect(select('m')).toEqual([['2@0']]);
  });

  it('come back with the counter reset hints of a store', () => {
    input({ __name__: 'h' }, '{{count:2 buckets:[2]}}x1 {{count:1 buckets:[1]}}');
    series.readUntil(100);
    const [found] = series.select({ matchers: parseSelector('h').matchers, startMs: 0, endMs: 100 });
    expect(found?.histograms?.map((one) => one?.counterReset)).toEqual(['unknown', 'not_reset', 'unknown']);
  });
});

it('gives the samples of an interval, or the newest of it', () => {
  input({ __name__: 'm' }, '0+1x9');
  series.readUntil(1000);
  expect(select('m', { startMs: 15, endMs: 40 })).toEqual([['2@20', '3@30', '4@40']]);
  expect(select('m', { startMs: 15, endMs: 45, latestOnly: true })).toEqual([['4@40']]);
  expect(select('m', { startMs: 41, endMs: 49 })).toEqual([]);
  const latest = series.selectLatest({ matchers: parseSelector('m').matchers, startMs: 15, endMs: 45 });
  expect([...latest.values, ...latest.timestampsMs]).toEqual([4, 40]);
});

it('leaves what was selected as it was', () => {
  input({ __name__: 'm' }, '0+1x100');
  series.readUntil(20);
  const [before] = series.select({ matchers: parseSelector('m').matchers, startMs: 0, endMs: 1000 });
  series.readUntil(1000);
  expect([...(before?.values ?? [])]).toEqual([0, 1, 2]);
});

it.each<[what: string, timeMs: number, value: number | 'stale', refused: string | null]>([
  ['a newer sample', 20, 5, null],
  ['the same once more', 10, 1, null],
  ['another of this time', 10, 2, 'duplicate_timestamp'],
  ['a marker where a sample is', 10, 'stale', null],
  ['an older sample', 5, 1, 'out_of_order'],
])('%s', (_what, timeMs, value, reason) => {
  const ref = series.series({ __name__: 'm' });
  const commit = (at: number, what: number | 'stale') => {
    const batch = new SampleBatch();
    if (what === 'stale') batch.addStale(ref, at);
    else batch.add(ref, at, what);
    return series.commit(batch);
  };
  commit(10, 1);
  const { refused } = commit(timeMs, value);
  expect(Object.entries(refused).filter(([, count]) => count > 0)).toEqual(
    reason === null ? [] : [[reason, 1]],
  );
});
