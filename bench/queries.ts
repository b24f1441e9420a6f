// Queries over many series, and over one with many samples, in slices: how long each takes, how long the event loop is held at a stretch, how much memory
// it takes; and what it costs to prepare a long query that is the first of its process. To reach: no stretch over 50 ms.
// npm run bench -- queries [--json] [--series=100000] [--samples=1000000] [--runs=3] [--only=TEXT]
import { spawnSync } from 'node:child_process';
import { createSystemClock } from '#telemetry';
import { ALL_FEATURES, createEngine, type QueryResult } from '#promql';
import { createLongStore } from './queries/long-store.ts';
import { startResultServer } from './queries/served-result.ts';
import { measureTurns, type TurnReadings } from './queries/turns.ts';
import { createWideStore } from './queries/wide-store.ts';

const EXPRESSIONS = [
  'wide',
  'wide > 50000',
  'rate(wide[5m])',
  'wide + other',
  'wide * on (agent_id) other',
  'wide / ignoring (phase_id) other',
  'wide * on (agent_id) group_left (version) wide_info',
  'histogram_quantile(0.9, wide_bucket)',
  'stddev by (agent_id) (wide)',
  'sum without (instance) (wide)',
  'count_values("value", wide)',
  'label_replace(wide, "host", "$1", "instance", "(.*):.*")',
  'label_join(wide, "all", "/", "agent_id", "instance")',
  'topk by (phase_id) (5, wide)',
  'topk by (agent_id) (1, wide)',
  'quantile by (agent_id) (0.9, wide)',
  'limit_ratio(0.5, wide)',
  'wide and other',
  'wide or other',
  'wide unless on (agent_id) wide_info',
  'sort(wide)',
  'sort_by_label(wide, "agent_id")',
  '-wide',
  'timestamp(wide)',
];

/** Over one series with very many samples within the two hours that memory keeps. */
const LONG_EXPRESSIONS = [
  'long_total[2h]',
  'count_over_time(long_total[2h])',
  'sum_over_time(long_total[2h])',
  'avg_over_time(long_total[2h])',
  'max_over_time(long_total[2h])',
  'stddev_over_time(long_total[2h])',
  'rate(long_total[2h])',
  'rate(long_total[2h:])',
  'changes(long_total[2h])',
  'deriv(long_total[2h])',
  'double_exponential_smoothing(long_total[2h], 0.5, 0.5)',
  'quantile_over_time(0.9, long_total[2h])',
  'mad_over_time(long_total[2h])',
];

const repeated = (count: number, part: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => part(at)).join(' or ');

/** Near the most tokens that a query may have. */
const LONG_QUERIES = {
  '4,900 selectors': repeated(4900, (at) => `x${at}`),
  '2,450 comparisons': repeated(2450, (at) => `x${at} > 5`),
  '1,200 selectors with a label': repeated(1200, (at) => `x{a="b${at}"}`),
  '1,600 labels ignored': `x${Array.from({ length: 1600 }, (_, at) => ` or ignoring (l${at}) y`).join('')}`,
  '2,500 labels, 2,400 selectors': `sum by (${Array.from({ length: 2500 }, (_, at) => `l${at}`).join()}) (x)${' or y'.repeat(2400)}`,
};
const FIRST_RUNS = 7;

function argument(name: string): string | undefined {
  const start = `--${name}=`;
  return process.argv.find((given) => given.startsWith(start))?.slice(start.length);
}

const isJson = process.argv.includes('--json');
const seriesCount = Number(argument('series') ?? 100_000);
const sampleCount = Number(argument('samples') ?? 1_000_000);
const runs = Number(argument('runs') ?? 3);
const only = argument('only');
const rows: object[] = [];

/** The run whose longest stretch is the middle one. */
function middleOf(readings: readonly TurnReadings[]): TurnReadings | undefined {
  return readings.toSorted((a, b) => a.longest_cpu_ms - b.longest_cpu_ms)[readings.length >> 1];
}

function tell(row: object): void {
  rows.push(row);
  if (isJson) console.log(JSON.stringify(row));
  else {
    const [name, ...numbers] = Object.values(row).map(String);
    console.log(`${numbers.map((number) => number.padStart(9)).join(' ')}  ${name}`);
  }
}

async function measure(name: string, work: () => Promise<unknown>): Promise<void> {
  if (only !== undefined && !name.includes(only)) return;
  await work();
  const readings: TurnReadings[] = [];
  for (let run = 0; run < runs; run++) readings.push(await measureTurns(work));
  const worst = Math.max(...readings.map((one) => one.longest_cpu_ms));
  tell({ name, ...middleOf(readings), worst_longest_cpu_ms: worst });
}

/** Each in processes of its own, whose code nothing has warmed. */
function measureFirst(): void {
  const script = new URL('queries/first-parse.ts', import.meta.url).pathname;
  for (const [length, text] of Object.entries(LONG_QUERIES)) {
    const name = `${length}, the first of its process`;
    if (only !== undefined && !name.includes(only)) continue;
    const env = { ...process.env, BENCH_EXPRESSION: text };
    const readings = Array.from({ length: FIRST_RUNS }, () => {
      const { stdout } = spawnSync(process.execPath, [...process.execArgv, script], {
        env,
        encoding: 'utf8',
      });
      return Number(stdout);
    }).toSorted((a, b) => a - b);
    tell({ name, longest_cpu_ms: readings[FIRST_RUNS >> 1], worst_longest_cpu_ms: readings.at(-1) });
  }
}

const engine = createEngine({ clock: createSystemClock(), features: ALL_FEATURES });

async function measureLong(): Promise<void> {
  const { tsdb, nowMs } = await createLongStore(sampleCount);
  for (const text of LONG_EXPRESSIONS) {
    await measure(text, () => engine.prepare(text).instantInSlices(tsdb, nowMs));
  }
  const text = 'rate(long_total[5m])';
  const range = { startMs: nowMs - 7_000_000, endMs: nowMs, stepMs: 7000 };
  await measure(`${text}, 1,000 steps`, () => engine.prepare(text).range(tsdb, range));
  await tsdb.stop();
}

async function measureWide(): Promise<void> {
  const { tsdb, nowMs } = await createWideStore(seriesCount);
  const evaluate = (text: string): Promise<QueryResult> => engine.prepare(text).instantInSlices(tsdb, nowMs);
  for (const text of EXPRESSIONS) await measure(text, () => evaluate(text));
  const server = await startResultServer();
  await measure('wide, over HTTP', async () => server.send(await evaluate('wide')));
  await measure('wide + other, over HTTP', async () => server.send(await evaluate('wide + other')));
  await server.stop();
  await tsdb.stop();
}

if (!isJson) console.log('  longest     worst');
measureFirst();
if (!isJson) console.log('  wall ms    cpu ms   longest  of it gc     gc ms   high MB     worst');
if (sampleCount > 0) await measureLong();
if (seriesCount > 0) await measureWide();
if (isJson) {
  console.log(JSON.stringify({ bench: 'queries', series: seriesCount, samples: sampleCount, rows }));
}
