import { expect, it } from 'vitest';
import { createEventBus } from '#eventbus';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { createSeededRandom, SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import { AnomalyStore } from './anomaly-store.ts';
import { AnomalyWriter, type NewAnomaly } from './anomaly-writer.ts';

const ANOMALY: NewAnomaly = {
  id: 'anom_1',
  metricName: 'tasks_queued_total',
  labels: { phase_id: 'P' },
  seriesKey: 'tasks_queued_total P',
  kind: 'spike',
  value: 60,
  expected: 2,
  score: 20,
  detectedAtMs: 1000,
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
};

it('keeps what it was told while the database is away, in order, and writes nothing twice', async () => {
  const clock = new VirtualClock();
  const database = await openTestStateDatabase(clock);
  const metrics = new SelfMetrics();
  const bus = createEventBus({
    database,
    clock,
    random: createSeededRandom(1),
    logger: silentLogger,
    metrics,
  });
  let away = true;
  const flaky: StateDatabase = {
    ...database,
    transaction: (work) =>
      away ? Promise.reject(new Error('the disk is gone')) : database.transaction(work),
  };
  const writer = new AnomalyWriter({
    database: flaky,
    bus,
    clock,
    random: createSeededRandom(2),
    logger: silentLogger,
    metrics,
  });
  writer.opened(ANOMALY);
  writer.opened(ANOMALY);
  writer.closed({ id: ANOMALY.id, peakScore: 25, closedAtMs: 5000 });
  await clock.advance(3000);
  expect(await bus.list({ limit: 10 })).toEqual([]);

  away = false;
  await clock.advance(5000);
  await writer.idle();
  const events = await bus.list({ limit: 10 });
  expect(events.map(({ event_type: type, payload }) => [type, payload])).toEqual([
    [
      'monitor.anomaly.detected',
      expect.objectContaining({ anomaly_id: 'anom_1', kind: 'spike', score: 20, expected: 2 }),
    ],
    ['monitor.anomaly.closed', expect.objectContaining({ peak_score: 25, duration_ms: 4000 })],
  ]);

  const store = new AnomalyStore(database);
  await store.acknowledge('anom_1', 'ada');
  expect(await store.acknowledge('anom_1', 'bob')).toMatchObject({ state: 'closed', acknowledged_by: 'ada' });
  await expect(store.get('anom_2')).rejects.toMatchObject({ code: 'unknown_anomaly' });
  await writer.stop();
  await bus.stop();
  await database.close();
});
