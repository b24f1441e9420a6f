import { expect, test } from 'vitest';
import { createEngine } from '#promql';
import { type Queryable, SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
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
