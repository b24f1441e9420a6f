import { createSystemClock, SampleBatch, SelfMetrics, silentLogger } from '#telemetry';
import { createTsdb, type Tsdb } from '#tsdb';

const HOUR_MS = 3_600_000;
const COMMIT_SAMPLES = 10_000;

export interface LongStore {
  readonly tsdb: Tsdb;
  /** The time of the newest sample. */
  readonly nowMs: number;
}

/** A store in memory with one series, `long_total`: a counter that is reset now and then, `samples` in the last two hours. */
export async function createLongStore(samples: number): Promise<LongStore> {
  const clock = createSystemClock();
  const tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics: new SelfMetrics() });
  const nowMs = clock.wallMs();
  const stepMs = (2 * HOUR_MS - 1) / samples;
  const ref = tsdb.series({ __name__: 'long_total' });
  const batch = new SampleBatch(COMMIT_SAMPLES);
  let value = 0;
  for (let at = 1; at <= samples; at++) {
    value = at % 99_991 === 0 ? 0 : value + ((at * 7919) % 13) / 4;
    batch.add(ref, Math.round(nowMs - (samples - at) * stepMs), value);
    if (batch.length < COMMIT_SAMPLES && at < samples) continue;
    const origin = { source: 'import', traceparent: null, receivedAtMs: nowMs } as const;
    tsdb.commit(batch, { ...origin, receivedMonotonicMs: clock.monotonicMs() });
    batch.clear();
  }
  return { tsdb, nowMs };
}
