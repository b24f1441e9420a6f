// npm run bench -- tsdb [--json] [--only=ROW,…] [--targets=omoi,…] [--hours=2] [--node-flags='--cpu-prof …']
// The ingest, memory, size, instant-read and restart rows of the metrics engine, Prometheus and VictoriaMetrics
// (Debian's packages) beside Omoi where they are installed.
import { request as httpRequest, Agent } from 'node:http';
import { parseArgs } from 'node:util';
import { Load, compress, wrap } from './tsdb/load.ts';
import { bytesPerSample } from './tsdb/size.ts';
import {
  INSTALLED,
  cpuSeconds,
  memoryOf,
  startOmoi,
  startPrometheus,
  startVictoriaMetrics,
  type Target,
} from './tsdb/target.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: 'size,ingest,memory,restart,growth' },
    hours: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '12' },
    'node-flags': { type: 'string', default: '' },
    targets: { type: 'string', default: 'omoi,prometheus,victoria-metrics' },
  },
});
const rows = options.only.split(',');
const targets = options.targets.split(',');
const STEP_MS = 15_000;
const CONNECTIONS = 4;
const results: Record<string, Record<string, unknown>> = {};

function report(row: string, target: string, measured: Record<string, unknown>): void {
  const numbers = Object.fromEntries(
    Object.entries(measured).map(([name, value]) => [name, typeof value === 'number' ? round(value) : value]),
  );
  (results[row] ??= {})[target] = numbers;
  if (!options.json) console.log(row.padEnd(10), target.padEnd(18), JSON.stringify(numbers));
}

/** Posts bodies over a few connections, each waiting for its answer; how many seconds it took. */
async function post(target: Target, bodies: Iterator<Buffer>): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const startedAt = performance.now();
  const worker = async (): Promise<void> => {
    for (let next = bodies.next(); !next.done; next = bodies.next()) await postOne(target, next.value, agent);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  agent.destroy();
  return (performance.now() - startedAt) / 1000;
}

function postOne(target: Target, body: Buffer, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/x-protobuf',
      'content-encoding': 'snappy',
      'x-prometheus-remote-write-version': '0.1.0',
      'content-length': body.length,
    };
    const sent = httpRequest(
      `${target.base}${target.writePath}`,
      { method: 'POST', headers, agent },
      (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('end', () => {
          if (answer.statusCode === 204 || answer.statusCode === 200) resolve();
          else
            reject(
              new Error(`${target.name}: ${answer.statusCode} ${Buffer.concat(parts).toString('utf8')}`),
            );
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

async function stats(target: Target): Promise<Record<string, unknown>> {
  return (await (await fetch(`${target.base}/stats`)).json()) as Record<string, unknown>;
}

const round = (value: number, digits = 2): number => Number(value.toFixed(digits));

async function eachTarget(use: (target: Target) => Promise<void>): Promise<void> {
  const starts: (() => Promise<Target>)[] = [];
  if (targets.includes('omoi')) {
    starts.push(() => startOmoi(undefined, options['node-flags'].split(' ').filter(Boolean)));
  }
  if (INSTALLED.prometheus && targets.includes('prometheus')) starts.push(() => startPrometheus());
  if (INSTALLED.victoriaMetrics && targets.includes('victoria-metrics'))
    starts.push(() => startVictoriaMetrics());
  for (const start of starts) {
    const target = await start();
    try {
      await use(target);
    } finally {
      await target.stop('SIGTERM');
      await target.remove();
    }
  }
}

async function benchIngest(): Promise<void> {
  const series = 100_000;
  const rounds = Number(options.rounds);
  const load = new Load({ series, batchSeries: 2000 });
  const startMs = Date.now() - (rounds + 1) * STEP_MS;
  const warmUp = [...load.round(startMs)].map(compress);
  const bodies: Buffer[] = [];
  for (let at = 1; at <= rounds; at++)
    for (const body of load.round(startMs + at * STEP_MS)) bodies.push(compress(body));
  await eachTarget(async (target) => {
    await post(target, warmUp.values());
    if (target.name === 'omoi') await fetch(`${target.base}/reset-stats`, { method: 'POST' });
    const cpuBefore = cpuSeconds(target.pid);
    const seconds = await post(target, bodies.values());
    const cpu = cpuSeconds(target.pid) - cpuBefore;
    const samples = series * rounds;
    report('ingest', target.name, {
      samples_per_s: Math.round(samples / seconds),
      cpu_s_per_million: round((cpu / samples) * 1e6),
      resident_mb: Math.round(memoryOf(target.pid).residentBytes / 1e6),
      ...(target.name === 'omoi' ? await ingestDetails(target) : {}),
    });
  });
}

async function ingestDetails(target: Target): Promise<Record<string, unknown>> {
  const { loop_delay_p99_ms, loop_delay_max_ms, notice_p50_ms, notice_p99_ms, memory, heap_spaces } =
    await stats(target);
  const latest = (await (await fetch(`${target.base}/latest`)).json()) as Record<string, number>;
  return {
    loop_delay_p99_ms,
    loop_delay_max_ms,
    notice_p50_ms,
    notice_p99_ms,
    ...latest,
    memory,
    heap_spaces,
  };
}

async function benchMemory(): Promise<void> {
  const series = 100_000;
  const rounds = Math.round((Number(options.hours) * 3_600_000) / STEP_MS);
  await eachTarget(async (target) => {
    const load = new Load({ series, batchSeries: 2000 });
    const startMs = Date.now() - rounds * STEP_MS + 60_000;
    function* bodies(): Generator<Buffer> {
      for (let at = 0; at < rounds; at++)
        for (const body of load.round(startMs + at * STEP_MS)) yield wrap(body);
    }
    const seconds = await post(target, bodies());
    const memory = memoryOf(target.pid);
    report('memory', target.name, {
      samples: series * rounds,
      seconds: round(seconds),
      resident_mb: Math.round(memory.residentBytes / 1e6),
      anonymous_mb: Math.round(memory.anonymousBytes / 1e6),
      ...(target.name === 'omoi' ? await sizeDetails(target) : {}),
    });
  });
}

async function sizeDetails(target: Target): Promise<Record<string, unknown>> {
  const { metrics } = (await stats(target)) as { metrics: Record<string, number> };
  const bytes = metrics['omoi_tsdb_sealed_chunk_bytes'] ?? 0;
  const samples = metrics['omoi_tsdb_sealed_chunk_samples'] ?? 1;
  return {
    bytes_per_sealed_sample: bytes / samples,
    chunk_memory_mb: Math.round((metrics['omoi_tsdb_chunk_memory_bytes'] ?? 0) / 1e6),
  };
}

/** 100,000 series, 10 million samples: started again after kill -9, and after a clean stop. */
async function benchRestart(): Promise<void> {
  const load = new Load({ series: 100_000, batchSeries: 2000 });
  const startMs = Date.now() - 101 * STEP_MS;
  function* bodies(): Generator<Buffer> {
    for (let at = 0; at < 100; at++) for (const body of load.round(startMs + at * STEP_MS)) yield wrap(body);
  }
  const first = await startOmoi();
  await post(first, bodies());
  await first.stop('SIGKILL');
  const second = await startOmoi(first.directory);
  const afterKill = await stats(second);
  const stopAt = performance.now();
  await second.stop('SIGTERM');
  const stopMs = performance.now() - stopAt;
  const third = await startOmoi(first.directory);
  const afterStop = await stats(third);
  await third.stop('SIGTERM');
  await third.remove();
  report('restart', 'omoi', {
    after_kill_ms: Math.round(Number(afterKill['open_ms'])),
    stop_ms: Math.round(stopMs),
    after_stop_ms: Math.round(Number(afterStop['open_ms'])),
    recovery: afterKill['recovery'],
  });
}

/** The cost of a sample as series grow: three rounds each, the second and third of known series. */
async function benchGrowth(): Promise<void> {
  for (const series of [10_000, 100_000, 1_000_000]) {
    const target = await startOmoi();
    const load = new Load({ series, batchSeries: 2000 });
    const startMs = Date.now() - 300_000;
    const cost: number[] = [];
    for (let at = 0; at < 3; at++) {
      const bodies = (function* (): Generator<Buffer> {
        for (const body of load.round(startMs + at * STEP_MS)) yield wrap(body);
      })();
      const cpuBefore = cpuSeconds(target.pid);
      await post(target, bodies);
      cost.push(((cpuSeconds(target.pid) - cpuBefore) / series) * 1e6);
    }
    const { loop_delay_max_ms } = await stats(target);
    report('growth', `omoi ${series}`, {
      new_series_cpu_us_a_sample: round(cost[0] ?? 0),
      known_series_cpu_us_a_sample: round(((cost[1] ?? 0) + (cost[2] ?? 0)) / 2),
      resident_mb: Math.round(memoryOf(target.pid).residentBytes / 1e6),
      loop_delay_max_ms,
    });
    await target.stop('SIGKILL');
    await target.remove();
  }
}

if (rows.includes('size')) report('size', 'omoi', await bytesPerSample());
if (rows.includes('ingest')) await benchIngest();
if (rows.includes('memory')) await benchMemory();
if (rows.includes('restart')) await benchRestart();
if (rows.includes('growth')) await benchGrowth();
if (options.json) console.log(JSON.stringify(results, null, 2));
