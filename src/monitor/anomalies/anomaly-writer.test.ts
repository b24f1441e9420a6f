import { expect, it } from 'vitest';
import { createEventBus } from '#eventbus';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { createSeededRandom, OmoiError, SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
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
      away
        ? Promise.reject(new OmoiError('database_failed', 'the disk is gone'))
        : database.transaction(work),
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

it('drops alone, and counts, what the database refuses for good', async () => {
  const clock = new VirtualClock();
  const database = await openTestStateDatabase(clock);
  const metrics = new SelfMetrics();
  const random = createSeededRandom(1);
  const bus = createEventBus({ database, clock, random, logger: silentLogger, metrics });
  const told: string[] = [];
  const logger = { ...silentLogger, error: (_fields: object, message: string) => void told.push(message) };
  const writer = new AnomalyWriter({ database, bus, clock, random, logger, metrics });
  const anomaly = (number: number): NewAnomaly => ({
    ...ANOMALY,
    id: `anom_${number}`,
    seriesKey: `series ${number}`,
    // No number that JSON or a column can hold: the event is refused.
    score: number === 3 ? Infinity : 20,
  });
  for (let number = 0; number < 8; number++) writer.opened(anomaly(number));
  await writer.idle();
  const rows = await database.reader.selectFrom('monitor_anomalies').select('id').orderBy('id').execute();
  expect(rows.map(({ id }) => id)).toEqual([0, 1, 2, 4, 5, 6, 7].map((number) => `anom_${number}`));
  const dropped = metrics.collect().find(({ name }) => name === 'omoi_monitor_anomaly_writes_dropped_total');
  expect(dropped?.points[0]?.value).toBe(1);
  expect(told).toHaveLength(1);
  await writer.stop();
  await bus.stop();
  await database.close();
});
