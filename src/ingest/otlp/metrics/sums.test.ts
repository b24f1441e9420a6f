import { beforeEach, describe, expect, it, test } from 'vitest';
import { OmoiError } from '#telemetry';
import type { Tsdb } from '#tsdb';
import { startOtlp, type OtlpTest } from '../otlp.test-support.ts';
import type { OtlpSampleStore } from './sample-store.ts';
import { cumulative, delta, ENCODINGS, text } from './metric-requests.test-support.ts';

let otlp: OtlpTest;
beforeEach(async () => {
  otlp = await startOtlp();
});

describe.each(ENCODINGS)('metrics in %s', (encoding) => {
  const send = (body: object) => otlp.send('metrics', body, { encoding });
  const at = (timeMs: number) => ({ timeUnixNano: otlp.ns(timeMs) });

  it.each([
    [
      'sent twice',
      [
        [5, 10],
        [5, 10],
        [1, 20],
      ],
      { 10: 5, 20: 6 },
      1,
    ],
    [
      'too old, then one of now',
      [
        [1000, -86_400_000],
        [1, 10],
      ],
      { 10: 1 },
      1,
    ],
    [
      'of NaN, then a number',
      [
        ['NaN', 10],
        [1, 20],
      ],
      { 20: 1 },
      1,
    ],
    [
      'of infinity, then a number',
      [
        ['Infinity', 10],
        [1, 20],
      ],
      { 20: 1 },
      1,
    ],
    [
      'below zero',
      [
        [5, 10],
        [-1, 20],
        [1, 30],
      ],
      { 10: 5, 30: 6 },
      1,
    ],
    [
      'that comes late',
      [
        [5, 20],
        [1, 10],
        [1, 30],
      ],
      { 20: 5, 30: 6 },
      1,
    ],
  ] as const)('counts a delta %s', async (_, deltas, expected, refused) => {
    let rejected = 0;
    for (const [value, timeMs] of deltas) {
      rejected += (await send(delta({ ...at(timeMs), asDouble: value }))).rejected;
    }
    expect(otlp.stored()).toEqual({ c_total: expected });
    expect(rejected).toBe(refused);
    // The same in one request.
    otlp = await startOtlp();
    const points = deltas.map(([value, timeMs]) => ({ ...at(timeMs), asDouble: value }));
    expect((await send(delta(...points))).rejected).toBe(refused);
    expect(otlp.stored()).toEqual({ c_total: expected });
  });

  it('counts no late delta behind the end of its series that comes late itself', async () => {
    await send(delta({ ...at(10), asDouble: 5 }, { ...at(20), asDouble: 1 }));
    const late = delta({ ...at(12), flags: 1 }, { ...at(15), asDouble: 3 }, { ...at(30), asDouble: 1 });
    expect(await send(late)).toMatchObject({ rejected: 1 });
    expect(otlp.stored()).toEqual({ c_total: { 10: 5, 12: 'stale', 20: 6, 30: 7 } });
  });

  it('goes on with totals where another start is told, which says nothing of a delta', async () => {
    await send(delta({ ...at(10), asDouble: 5, startTimeUnixNano: otlp.ns(0) }));
    await send(delta({ ...at(20), asDouble: 1, startTimeUnixNano: otlp.ns(12) }));
    expect(otlp.stored()).toEqual({ c_total: { 10: 5, 20: 6 } });
  });

  it('takes a changed start of a cumulative sum for a reset, though its value is higher', async () => {
    await send(cumulative({ ...at(10), asDouble: 5, startTimeUnixNano: otlp.ns(1) }));
    await send(cumulative({ ...at(20), asDouble: 6, startTimeUnixNano: otlp.ns(1) }));
    await send(cumulative({ ...at(40), asDouble: 7, startTimeUnixNano: otlp.ns(30) }));
    expect(otlp.stored()).toEqual({ c_total: { 10: 5, 20: 6, 30: 0, 40: 7 } });
  });

  it('takes a start that is the time of the last point for a reset, in one request too', async () => {
    const started = (timeMs: number, startMs: number, value: number) => ({
      ...at(timeMs),
      startTimeUnixNano: otlp.ns(startMs),
      asDouble: value,
    });
    await send(cumulative(started(10, 1, 5), started(20, 1, 6), started(40, 20, 7)));
    await send(cumulative(started(50, 40, 8)));
    expect(otlp.stored()).toEqual({ c_total: { 10: 5, 20: 6, 21: 0, 40: 7, 41: 0, 50: 8 } });
  });

  it('takes no reset from a point of before the reset that comes late', async () => {
    await send(cumulative({ ...at(10), asDouble: 5, startTimeUnixNano: otlp.ns(1) }));
    await send(cumulative({ ...at(40), asDouble: 2, startTimeUnixNano: otlp.ns(30) }));
    await send(cumulative({ ...at(20), asDouble: 6, startTimeUnixNano: otlp.ns(1) }));
    await send(cumulative({ ...at(50), asDouble: 3, startTimeUnixNano: otlp.ns(30) }));
    expect(otlp.stored()).toEqual({ c_total: { 10: 5, 20: 6, 30: 0, 40: 2, 50: 3 } });
  });

  it('takes one reset once, in whatever order the attributes stand', async () => {
    const ordered = [text('a', '1'), text('b', '2')];
    const point = (timeMs: number, startMs: number, asDouble: number, attributes: readonly object[]) =>
      send(cumulative({ ...at(timeMs), startTimeUnixNano: otlp.ns(startMs), asDouble, attributes }));
    await point(10, 1, 5, ordered);
    await point(20, 1, 6, ordered.toReversed());
    await point(40, 30, 2, ordered);
    await point(50, 30, 3, ordered.toReversed());
    expect(otlp.stored()).toEqual({ 'c_total{a="1", b="2"}': { 10: 5, 20: 6, 30: 0, 40: 2, 50: 3 } });
  });

  it('takes one reset once where one request tells of it in two orders of the attributes', async () => {
    const ordered = [text('a', '1'), text('b', '2')];
    const point = (timeMs: number, startMs: number, asDouble: number, attributes: readonly object[]) => ({
      ...at(timeMs),
      startTimeUnixNano: otlp.ns(startMs),
      asDouble,
      attributes,
    });
    await send(cumulative(point(10, 1, 5, ordered), point(20, 1, 6, ordered.toReversed())));
    const begun = [point(40, 30, 2, ordered), point(50, 31, 3, ordered.toReversed())];
    await send(cumulative(...begun, point(60, 55, 4, ordered), point(70, 56, 5, ordered.toReversed())));
    expect(otlp.stored()).toEqual({
      'c_total{a="1", b="2"}': { 10: 5, 20: 6, 30: 0, 40: 2, 50: 3, 55: 0, 60: 4, 70: 5 },
    });
  });

  it('takes a start after the last stored point for a reset, though it knows of no start before', async () => {
    const point = (timeMs: number, startMs: number, value: number) =>
      send(cumulative({ ...at(timeMs), startTimeUnixNano: otlp.ns(startMs), asDouble: value }));
    await point(10, 10, 5);
    otlp.restartReceiver();
    await point(20, 10, 6);
    otlp.restartReceiver();
    await point(40, 30, 7);
    await point(50, 30, 8);
    expect(otlp.stored()).toEqual({ c_total: { 10: 5, 20: 6, 30: 0, 40: 7, 50: 8 } });
  });

  it('takes a start that jitters for none', async () => {
    await send(cumulative({ ...at(10), asDouble: 5, startTimeUnixNano: otlp.ns(1) }));
    await send(cumulative({ ...at(20), asDouble: 6, startTimeUnixNano: otlp.ns(3) }));
    expect(otlp.stored()).toEqual({ c_total: { 10: 5, 20: 6 } });
  });
});

/** A store before which something stands that may refuse a commit. */
const storeWith = (tsdb: Tsdb, commit: Tsdb['commit']): OtlpSampleStore => ({
  series: (labels) => tsdb.series(labels),
  describe: (name, metadata) => tsdb.describe(name, metadata),
  isTimely: (timeMs) => tsdb.isTimely(timeMs),
  holds: (ref) => tsdb.holds(ref),
  onForgotten: (listener) => tsdb.onForgotten(listener),
  newestMs: (ref) => tsdb.newestMs(ref),
  newestValue: (ref) => tsdb.newestValue(ref),
  newestHistogram: (ref) => tsdb.newestHistogram(ref),
  commit,
});

test('a delta whose commit fails counts once, when it is sent again', async () => {
  let failures = 1;
  otlp = await startOtlp({
    samples: (tsdb) =>
      storeWith(tsdb, (batch, origin) => {
        if (failures-- <= 0) return tsdb.commit(batch, origin);
        const { refused } = tsdb.commit(batch, { ...origin });
        return {
          accepted: 0,
          refused,
          durable: () => Promise.reject(new OmoiError('storage_failed', 'the log could not be written')),
        };
      }),
  });
  const body = delta({ timeUnixNano: otlp.ns(1), asDouble: 5 });
  await expect(otlp.send('metrics', body)).rejects.toMatchObject({ code: 'storage_failed' });
  await otlp.send('metrics', body);
  await otlp.send('metrics', delta({ timeUnixNano: otlp.ns(2), asDouble: 1 }));
  expect(otlp.stored()).toEqual({ c_total: { 1: 5, 2: 6 } });
});

test('a reset that could not be stored is one when it is sent again', async () => {
  let isFull = false;
  otlp = await startOtlp({
    samples: (tsdb) =>
      storeWith(tsdb, (batch, origin) => {
        if (isFull) throw new OmoiError('storage_full', 'the disk is full');
        return tsdb.commit(batch, origin);
      }),
  });
  const send = (timeMs: number, startMs: number, asDouble: number) =>
    otlp.send(
      'metrics',
      cumulative({ timeUnixNano: otlp.ns(timeMs), startTimeUnixNano: otlp.ns(startMs), asDouble }),
    );
  await send(10, 1, 5);
  isFull = true;
  await expect(send(40, 30, 7)).rejects.toMatchObject({ code: 'storage_full' });
  isFull = false;
  await send(40, 30, 7);
  expect(otlp.stored()).toEqual({ c_total: { 10: 5, 30: 0, 40: 7 } });
});
