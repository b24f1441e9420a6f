// What an incident does to those who have nothing to do with it: a server with 90 days of history, probes that beat,
// claim and raise alerts all the time, and one trouble after the other.
// npm run bench -- incident [--json] [--scale=1] [--history=1] [--only=ROW,…]
import { parseArgs } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import { liveMb, textOf, type BrokenRow, type Row } from './incident/row.ts';
import { IncidentRun, type Begin } from './incident/run.ts';
import {
  AlertsWithReceivers,
  alertsFireAndRecover,
  alertsPend,
  remediationsHeldBack,
  unitsAreWell,
} from './incident/scenarios/alerts.ts';
import { agentsFallSilent, clientsClaim } from './incident/scenarios/fleet.ts';
import { gauge, sendersAreKnown, sendersPost, spansExpire } from './incident/scenarios/telemetry.ts';
import { scaledMs, secondsUntil, type Happened, type Incident, type Stage } from './incident/stage.ts';

const FRESH = 'calm on a fresh server';
const CALM_MS = 20_000;
const CHURN_PATIENCE_MS = 900_000;
const CALM_AFTER_CHURN_MS = 2000;

interface Scenario extends Incident {
  readonly begin?: Begin;
}

async function calm(stage: Stage): Promise<Happened> {
  await delay(scaledMs(stage, CALM_MS));
  return {};
}

/**
 * Series that nobody sends any more leave memory; what else there is (rules, the probes', the server's own) stays, and
 * some of it comes while they go. In a hurry some, or all, have gone before this begins.
 */
function churn(series: number): Scenario['run'] {
  const newcomers = Math.max(5000, series * 0.01);
  return async (stage) => {
    const inMemory = (): Promise<number> => gauge(stage, 'omoi_tsdb_series');
    const before = await inMemory();
    const left = Math.max(before, series) - series + newcomers;
    const seconds = await secondsUntil(async () => (await inMemory()) < left, CHURN_PATIENCE_MS);
    // In a small run all may be gone before a probe has noticed anything.
    await delay(CALM_AFTER_CHURN_MS);
    return { series, in_memory_before: before, in_memory_after: await inMemory(), gone_after_s: seconds };
  };
}

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    scale: { type: 'string', default: '1' },
    /** Of the history, where it is not that of the incidents. */
    history: { type: 'string' },
    only: { type: 'string' },
  },
});

const rows: (Row | BrokenRow)[] = [];
const scale = Number(options.scale);
const historyScale = Number(options.history ?? scale);
const run = await IncidentRun.create({ scale, historyScale }, (row) => {
  rows.push(row);
  console.log(options.json ? JSON.stringify(row) : textOf(row));
});
const { size, history } = run;
/** So that a fifth of the spans is too old, however long ago the history was written. */
const spansMs = size.days * 0.8 * 86_400_000 + (Date.now() - history.writtenAtMs);

const withReceivers = new AlertsWithReceivers();
const scenarios: readonly Scenario[] = [
  { name: FRESH, begin: { fresh: 'without_series' }, run: calm },
  { name: 'series go', begin: { fresh: 'with_series' }, run: churn(size.churnedSeries) },
  { name: 'calm', run: calm },
  { name: 'alerts fire and recover', prepare: unitsAreWell, run: alertsFireAndRecover },
  {
    name: 'alerts fire with receivers',
    prepare: (stage) => withReceivers.prepare(stage),
    run: (stage) => withReceivers.run(stage),
  },
  { name: 'alerts pend', run: alertsPend },
  { name: 'agents fall silent', run: agentsFallSilent },
  { name: 'remediations held back', run: remediationsHeldBack },
  { name: 'large bodies protobuf', prepare: sendersAreKnown('protobuf'), run: sendersPost('protobuf') },
  { name: 'large bodies JSON', prepare: sendersAreKnown('json'), run: sendersPost('json') },
  { name: 'clients claim', run: clientsClaim },
  { name: 'spans expire', begin: { spansMs }, run: spansExpire },
];

/** A small run shows that all of it works; a server more would only show it twice. */
const wanted = scenarios.filter(({ name }) => scale >= 1 || name !== FRESH);
const only = options.only?.split(',');
try {
  for (const { begin, ...incident } of wanted) {
    if (only && !only.includes(incident.name)) continue;
    if (begin) await run.begin(begin);
    await run.measure(incident);
  }
} finally {
  await run.end();
}

const measured = rows.filter((row): row is Row => !('broke' in row));
const first = measured.find((row) => row.row === 'calm') ?? measured[0];
const last = measured.findLast((row) => row.row !== 'spans expire');
const summary = {
  scale,
  history_scale: historyScale,
  history_written_at: new Date(history.writtenAtMs).toISOString(),
  history_generated_ms: history.generatedMs,
  broke: rows.filter((row) => 'broke' in row).map(({ row }) => row),
  longest_cpu_ms: Math.max(...measured.map(({ loop }) => loop.longest_cpu_ms)),
  live_mb: first && last ? { before: liveMb(first.memory.before), after: liveMb(last.memory.after) } : null,
  missed: Object.fromEntries(
    measured.map(({ row, reached }) => [
      row,
      Object.keys(reached).filter((limit) => reached[limit] !== true),
    ]),
  ),
};
if (options.json) console.log(JSON.stringify({ ...summary, rows }));
else
  console.log(
    `longest stretch ${summary.longest_cpu_ms} ms of CPU; limits missed: ${JSON.stringify(summary.missed)}`,
  );
