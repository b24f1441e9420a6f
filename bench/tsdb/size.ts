import { SampleBatch, SelfMetrics, VirtualClock, createSeededRandom, silentLogger } from '#telemetry';
import { createTsdb } from '#tsdb';

const SERIES = 200;
const SAMPLES = 480;
const STEP_MS = 15_000;

const random = createSeededRandom(7);
/** About normal, with a standard deviation of 1. */
const normal = (): number =>
  (random.next() + random.next() + random.next() + random.next() - 2) * Math.sqrt(3);

/** The next value of a series from the one before. */
const SHAPES: Readonly<Record<string, (before: number) => number>> = {
  'counter, 1000 ± 30 a step': (before) => before + Math.round(1000 + 30 * normal()),
  'gauge, whole, noise σ 10': () => Math.round(200 + 10 * normal()),
  'gauge, two decimals, noise σ 1': () => Math.round(5000 + 100 * normal()) / 100,
  'gauge, walk of σ 0.1 in two decimals': (before) => Math.round(100 * before + 10 * normal()) / 100,
  'gauge, constant': () => 1,
  'gauge, all 53 bits random': () => normal(),
};

/** Bytes a sample in sealed chunks, by the kind of series, with timestamps that jitter by up to a millisecond. */
export async function bytesPerSample(): Promise<Record<string, number>> {
  const result: Record<string, number> = {};
  for (const [name, next] of Object.entries(SHAPES)) {
    const selfMetrics = new SelfMetrics();
    const clock = new VirtualClock();
    const tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics });
    const values = new Float64Array(SERIES);
    const batch = new SampleBatch();
    for (let at = 0; at < SAMPLES; at++) {
      batch.clear();
      for (let series = 0; series < SERIES; series++) {
        values[series] = next(values[series] || 50);
        const timestampMs = clock.wallMs() - (SAMPLES - at) * STEP_MS + Math.floor(random.next() * 2);
        batch.add(tsdb.series({ __name__: 'm', series: String(series) }), timestampMs, values[series] ?? 0);
      }
      const origin = {
        source: 'import',
        traceparent: null,
        receivedAtMs: 0,
        receivedMonotonicMs: 0,
      } as const;
      tsdb.commit(batch, origin);
    }
    const metric = (wanted: string): number =>
      selfMetrics.collect().find(({ name }) => name === wanted)?.points[0]?.value ?? 0;
    const bytes = metric('omoi_tsdb_sealed_chunk_bytes') / metric('omoi_tsdb_sealed_chunk_samples');
    result[name] = Number(bytes.toFixed(2));
    await tsdb.stop();
  }
  return result;
}
