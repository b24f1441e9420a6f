// The process that tsdb-crash.test.ts kills: appends without end and says what is acknowledged, one line each.
import { SampleBatch, SelfMetrics, createSystemClock, silentLogger, type AppendOrigin } from '#telemetry';
import { createTsdb } from '#tsdb';

const [directory = '', firstStep = '0', startMs = '0'] = process.argv.slice(2);
const SERIES = 50;
const origin: AppendOrigin = { source: 'import', traceparent: null, receivedAtMs: 0, receivedMonotonicMs: 0 };

const tsdb = await createTsdb({
  clock: createSystemClock(),
  logger: silentLogger,
  selfMetrics: new SelfMetrics(),
  directory,
  // Snapshots all the time, so that kills fall into them too.
  limits: { snapshotEveryLogBytes: 20_000 },
});

async function write(first: number): Promise<never> {
  const batch = new SampleBatch();
  for (let step = first; ; step++) {
    batch.clear();
    for (let series = 0; series < SERIES; series++) {
      const ref = tsdb.series({ __name__: 'm', series: String(series), generation: String(step >> 6) });
      batch.add(ref, Number(startMs) + step, step * 1000 + series);
    }
    await tsdb.commit(batch, origin).durable();
    process.stdout.write(`${step}\n`);
    if (step % 16 === 0) void tsdb.runMaintenance();
  }
}

await write(Number(firstStep));
