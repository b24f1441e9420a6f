// Queries over many series in slices: how long each takes, how long the event loop is held at a stretch, how much memory
// it takes. To reach: no stretch over 50 ms.
// npm run bench -- queries [--json] [--series=100000] [--runs=3] [--only=TEXT]
import { createSystemClock } from '#telemetry';
import { createEngine, type QueryResult } from '#promql';
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

function argument(name: string): string | undefined {
  const start = `--${name}=`;
  return process.argv.find((given) => given.startsWith(start))?.slice(start.length);
}

const isJson = process.argv.includes('--json');
const seriesCount = Number(argument('series') ?? 100_000);
const runs = Number(argument('runs') ?? 3);
const only = argument('only');
const rows: object[] = [];

/** The run whose longest stretch is the middle one. */
function middleOf(readings: readonly TurnReadings[]): TurnReadings | undefined {
  return readings.toSorted((a, b) => a.longest_cpu_ms - b.longest_cpu_ms)[readings.length >> 1];
}

async function measure(name: string, work: () => Promise<unknown>): Promise<void> {
  if (only !== undefined && !name.includes(only)) return;
  await work();
  const readings: TurnReadings[] = [];
  for (let run = 0; run < runs; run++) readings.push(await measureTurns(work));
  const worst = Math.max(...readings.map((one) => one.longest_cpu_ms));
  const row = { name, ...middleOf(readings), worst_longest_cpu_ms: worst };
  rows.push(row);
  if (isJson) console.log(JSON.stringify(row));
  else {
    const [, ...numbers] = Object.values(row).map((value) => String(value).padStart(9));
    console.log(`${numbers.join(' ')}  ${name}`);
  }
}

if (!isJson) console.log('  wall ms    cpu ms   longest  of it gc     gc ms   high MB     worst');
const { tsdb, nowMs } = await createWideStore(seriesCount);
const engine = createEngine({ clock: createSystemClock() });
const evaluate = (text: string): Promise<QueryResult> => engine.prepare(text).instantInSlices(tsdb, nowMs);
for (const text of EXPRESSIONS) await measure(text, () => evaluate(text));
const server = await startResultServer();
await measure('wide, over HTTP', async () => server.send(await evaluate('wide')));
await measure('wide + other, over HTTP', async () => server.send(await evaluate('wide + other')));
await server.stop();
await tsdb.stop();
if (isJson) console.log(JSON.stringify({ bench: 'queries', series: seriesCount, rows }));
