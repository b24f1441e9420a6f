import { expect, test } from 'vitest';
import { type Queryable, SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import { createTsdb } from '#tsdb';

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
