import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SampleBatch, SelfMetrics, VirtualClock, createSeededRandom, silentLogger } from '#telemetry';
import { createTsdb } from '#tsdb';
import { round } from './numbers.ts';
import { INSTALLED } from './target.ts';

const SERIES = 200;
const SAMPLES = 480;
const STEP_MS = 15_000;
/** What begins a file of chunks, by Prometheus's description of the format. */
const CHUNK_FILE_HEADER_BYTES = 8;

type Shape = (before: number, normal: () => number) => number;

/** The next value of a series from the one before. */
const SHAPES: Readonly<Record<string, Shape>> = {
  'counter, 1000 ± 30 a step': (before, normal) => before + Math.round(1000 + 30 * normal()),
  'gauge, whole, noise σ 10': (_before, normal) => Math.round(200 + 10 * normal()),
  'gauge, two decimals, noise σ 1': (_before, normal) => Math.round(5000 + 100 * normal()) / 100,
  'gauge, walk of σ 0.1 in two decimals': (before, normal) => Math.round(100 * before + 10 * normal()) / 100,
  'gauge, constant': () => 1,
  'gauge, all 53 bits random': (_before, normal) => normal(),
};

/** Samples of one moment, by series. */
interface Moment {
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
}

/** Two hours of series, scraped every 15 s with a jitter of up to a millisecond. */
function* momentsOf(shape: Shape, endMs: number): Generator<Moment> {
  const random = createSeededRandom(7);
  /** About normal, with a standard deviation of 1. */
  const normal = (): number =>
    (random.next() + random.next() + random.next() + random.next() - 2) * Math.sqrt(3);
  let values = new Float64Array(SERIES).fill(50);
  for (let at = 0; at < SAMPLES; at++) {
    values = values.map((before) => shape(before, normal));
    const timestampsMs = values.map(() => endMs - (SAMPLES - at) * STEP_MS + Math.floor(random.next() * 2));
    yield { timestampsMs, values };
  }
}

/** Bytes a sample of closed chunks, by the kind of series, here and in blocks of Prometheus's. */
export async function sizeBesidePrometheus(): Promise<
  readonly { readonly kind: string; readonly bytesPerSample: Readonly<Record<string, number>> }[]
> {
  const results = [];
  for (const [kind, shape] of Object.entries(SHAPES)) {
    const omoi = round(await bytesInOmoi(shape));
    const bytesPerSample = INSTALLED.prometheus
      ? { omoi, prometheus: round(bytesInPrometheus(shape)) }
      : { omoi };
    results.push({ kind, bytesPerSample });
  }
  return results;
}

async function bytesInOmoi(shape: Shape): Promise<number> {
  const selfMetrics = new SelfMetrics();
  const clock = new VirtualClock();
  const tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics });
  const batch = new SampleBatch();
  const origin = { source: 'import', traceparent: null, receivedAtMs: 0, receivedMonotonicMs: 0 } as const;
  for (const { timestampsMs, values } of momentsOf(shape, clock.wallMs())) {
    batch.clear();
    values.forEach((value, series) => {
      const ref = tsdb.series({ __name__: 'm', series: String(series) });
      batch.add(ref, timestampsMs[series] ?? 0, value);
    });
    tsdb.commit(batch, origin);
  }
  const gauge = (wanted: string): number =>
    selfMetrics.collect().find(({ name }) => name === wanted)?.points[0]?.value ?? NaN;
  const bytes = gauge('omoi_tsdb_sealed_chunk_bytes') / gauge('omoi_tsdb_sealed_chunk_samples');
  await tsdb.stop();
  return bytes;
}

function bytesInPrometheus(shape: Shape): number {
  const folder = mkdtempSync(join(tmpdir(), 'omoi-bench-'));
  try {
    const lines: string[] = ['# TYPE m gauge'];
    // A multiple of two hours, so that all samples are in one block.
    const endMs = Math.floor(Date.now() / 7_200_000) * 7_200_000 - 1000;
    const moments = [...momentsOf(shape, endMs)];
    for (let series = 0; series < SERIES; series++) {
      for (const { timestampsMs, values } of moments) {
        lines.push(`m{series="${series}"} ${values[series]} ${(timestampsMs[series] ?? 0) / 1000}`);
      }
    }
    const file = join(folder, 'samples.om');
    writeFileSync(file, `${lines.join('\n')}\n# EOF\n`);
    const blocks = join(folder, 'blocks');
    const made = spawnSync('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', '-q', file, blocks]);
    if (made.status !== 0) throw new Error(`promtool: ${made.stderr.toString()}`);
    return chunkBytesBelow(blocks) / (SERIES * SAMPLES);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function chunkBytesBelow(blocks: string): number {
  return readdirSync(blocks, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name.length === 26)
    .flatMap(({ name }) => {
      const chunks = join(blocks, name, 'chunks');
      return readdirSync(chunks).map((file) => statSync(join(chunks, file)).size - CHUNK_FILE_HEADER_BYTES);
    })
    .reduce((sum, bytes) => sum + bytes, 0);
}
