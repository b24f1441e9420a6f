import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Load, STEP_MS, compress } from './load.ts';
import { round } from './numbers.ts';
import { Probes } from './probes.ts';
import { Client, writeAll } from './requests.ts';
import { cpuSeconds, memoryOf, type Target } from './target.ts';

const SERIES = 100_000;
const BATCH_SERIES = 2000;
const HOUR_MS = 3_600_000;

export type Measured = Readonly<Record<string, number | string>>;
export type StartTarget = () => Promise<Target>;

const megabytes = (bytes: number): number => Math.round(bytes / 1e6);
const fleet = (series: number): Load => new Load({ series, batchSeries: BATCH_SERIES, metrics: 100 });

/** Starts a server, uses it, and takes it down with its data. */
export async function withTarget<Result>(
  start: StartTarget,
  use: (target: Target) => Promise<Result>,
): Promise<Result> {
  const target = await start();
  try {
    return await use(target);
  } finally {
    await target.stop();
    await target.remove();
  }
}

/** Remote write of known series as fast as it is taken, with Snappy over four connections, beside live rules. */
export function measureIngest(start: StartTarget, rounds: number): Promise<Measured> {
  const load = fleet(SERIES);
  const startMs = Date.now() - (rounds + 1) * STEP_MS;
  const warmUp = [...load.round(startMs)].map(compress);
  const bodies: Buffer[] = [];
  for (let at = 1; at <= rounds; at++) {
    for (const body of load.round(startMs + at * STEP_MS)) bodies.push(compress(body));
  }
  return withTarget(start, async (target) => {
    await writeAll(target, warmUp.values());
    const probes = target.name === 'omoi' ? await Probes.start(target) : null;
    const cpuBefore = cpuSeconds(target.pid);
    const writing = writeAll(target, bodies.values());
    const readings = probes ? await probes.during(writing) : {};
    const seconds = await writing;
    const cpu = cpuSeconds(target.pid) - cpuBefore;
    probes?.close();
    const samples = SERIES * rounds;
    return {
      samples_per_s: Math.round(samples / seconds),
      cpu_s_per_million: round((cpu / samples) * 1e6),
      resident_mb: megabytes(memoryOf(target.pid).residentBytes),
      ...readings,
      ...(target.name === 'prometheus' ? await prometheusRules(target) : {}),
    };
  });
}

async function prometheusRules(target: Target): Promise<Measured> {
  const client = new Client(target);
  const page = (await client.page('/metrics')).toString('utf8');
  client.close();
  const found = /^prometheus_rule_evaluation_duration_seconds\{quantile="0.99"\} (\S+)$/m.exec(page);
  return { rule_duration_p99_ms: round(Number(found?.[1]) * 1000) };
}

/** What hours of samples of 100,000 series every 15 s take in memory, and on disk after a clean stop. */
export function measureMemory(start: StartTarget, hours: number): Promise<Measured> {
  const rounds = Math.round((hours * HOUR_MS) / STEP_MS);
  const samples = SERIES * rounds;
  return withTarget(start, async (target) => {
    const bodies = fleet(SERIES).rounds(rounds, Date.now() - rounds * STEP_MS + 60_000);
    const seconds = await writeAll(target, bodies);
    const { residentBytes, anonymousBytes } = memoryOf(target.pid);
    const sealed = target.name === 'omoi' ? await sealedBytesPerSample(target) : {};
    await target.stop();
    return {
      samples,
      seconds: round(seconds),
      resident_mb: megabytes(residentBytes),
      anonymous_mb: megabytes(anonymousBytes),
      ...sealed,
      disk_bytes_per_sample: round(bytesBelow(join(target.directory, 'data')) / samples),
    };
  });
}

async function sealedBytesPerSample(target: Target): Promise<Measured> {
  const client = new Client(target);
  const page = (await client.page('/metrics')).toString('utf8');
  client.close();
  const gauge = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(page)?.[1]);
  return {
    bytes_per_sealed_sample: round(
      gauge('omoi_tsdb_sealed_chunk_bytes') / gauge('omoi_tsdb_sealed_chunk_samples'),
    ),
  };
}

function bytesBelow(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found?.isDirectory()) return found?.isFile() === true ? found.size : 0;
  return readdirSync(path).reduce((sum, name) => sum + bytesBelow(join(path, name)), 0);
}

/** 100,000 series, 5 million samples: from the command to readiness, after kill -9 and after a clean stop. */
export async function measureRestart(start: StartTarget): Promise<Measured> {
  const first = await start();
  await writeAll(first, fleet(SERIES).rounds(50, Date.now() - 51 * STEP_MS));
  await first.stop('SIGKILL');
  const second = await first.restart();
  const stopAt = performance.now();
  await second.stop();
  const stopMs = performance.now() - stopAt;
  const third = await second.restart();
  const startMs = third.startMs;
  await third.stop();
  await third.remove();
  return {
    empty_start_ms: Math.round(first.startMs),
    start_after_kill_ms: Math.round(second.startMs),
    clean_stop_ms: Math.round(stopMs),
    start_after_stop_ms: Math.round(startMs),
  };
}

/** What a sample costs the server at so many series: three rounds, the first of new series. */
export function measureGrowth(start: StartTarget, series: number): Promise<Measured> {
  const load = fleet(series);
  const startMs = Date.now() - 20 * STEP_MS;
  return withTarget(start, async (target) => {
    const microseconds: number[] = [];
    for (let at = 0; at < 3; at++) {
      const cpuBefore = cpuSeconds(target.pid);
      await writeAll(target, load.rounds(1, startMs + at * STEP_MS));
      microseconds.push(((cpuSeconds(target.pid) - cpuBefore) / series) * 1e6);
    }
    const [asNew = NaN, second = NaN, third = NaN] = microseconds;
    return {
      new_series_cpu_us: round(asNew),
      known_series_cpu_us_a_sample: round((second + third) / 2),
      resident_mb: megabytes(memoryOf(target.pid).residentBytes),
    };
  });
}
