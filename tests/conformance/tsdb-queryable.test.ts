import { expect, test } from 'vitest';
import { ALL_FEATURES, createEngine } from '#promql';
import { type Queryable, SampleBatch, SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import { createTsdb } from '#tsdb';
import { named, openReceiver } from '../../src/ingest/remote-write/remote-write.test-support.ts';
import { double, field, int64, tag } from '../remote-write-request.ts';

test('the store has the shape of the query engine’s port', async () => {
  const tsdb = await createTsdb({
    clock: new VirtualClock(),
    logger: silentLogger,
    selfMetrics: new SelfMetrics(),
  });
  const queryable: Queryable = tsdb;
  expect(queryable.select({ matchers: [], startMs: 0, endMs: 1 })).toEqual([]);
  await tsdb.stop();
});

test('ranges that begin and end at values of their own read the store beyond them', async () => {
  const clock = new VirtualClock();
  const tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics: new SelfMetrics() });
  const startMs = clock.wallMs();
  const ref = tsdb.series({ __name__: 'm_total' });
  const batch = new SampleBatch();
  [10, 20, 40].forEach((value, minute) => batch.add(ref, startMs + minute * 60_000, value));
  tsdb.commit(batch, { source: 'import', traceparent: null, receivedAtMs: startMs, receivedMonotonicMs: 0 });
  const engine = createEngine({ clock, features: ALL_FEATURES });
  const valueOf = async (query: string) => {
    const result = await engine.prepare(query).instant(tsdb, startMs + 90_000);
    return result.kind === 'vector' ? result.elements.map(({ value }) => value) : [];
  };
  expect(await valueOf('m_total smoothed')).toEqual([30]);
  expect(await valueOf('increase(m_total[1m] smoothed)')).toEqual([15]);
  expect(await valueOf('increase(m_total[1m] anchored)')).toEqual([10]);
  await tsdb.stop();
});

test('a native histogram whose sum is the staleness marker is there no more', async () => {
  const stage = await openReceiver();
  const startMs = stage.clock.wallMs();
  const histogramAt = (timeMs: number, sum: Uint8Array): Uint8Array =>
    field(4, Buffer.concat([tag(1, 0), int64(0), tag(3, 1), sum, tag(15, 0), int64(timeMs)]));
  const marker = Buffer.from('020000000000f07f', 'hex');
  await stage.send([
    {
      labels: named('h'),
      rest: Buffer.concat([histogramAt(startMs, double(0)), histogramAt(startMs + 1000, marker)]),
    },
  ]);
  const query = createEngine({ clock: stage.clock }).prepare('h');
  expect(await query.instant(stage.tsdb, startMs)).toMatchObject({ elements: [{ histogram: { count: 0 } }] });
  expect(await query.instant(stage.tsdb, startMs + 1000)).toMatchObject({ elements: [] });
});
