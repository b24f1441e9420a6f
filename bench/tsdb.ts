// npm run bench -- tsdb [--json] [--only=ROW,…] [--targets=omoi,…] [--hours=0.5] [--rounds=20]
// The table of the metrics engine: whole servers, Prometheus and VictoriaMetrics (Debian's packages) beside Omoi
// where they are installed. Ends within a quarter of an hour on two free cores.
import { parseArgs } from 'node:util';
import { measureRule } from './rules/measure-rule.ts';
import { measureHuge, measureQueries } from './tsdb/reading.ts';
import { sizeBesidePrometheus } from './tsdb/size.ts';
import { INSTALLED, startOmoi, startPrometheus, startVictoriaMetrics } from './tsdb/target.ts';
import {
  measureGrowth,
  measureIngest,
  measureMemory,
  measureRestart,
  type Measured,
  type StartTarget,
} from './tsdb/writing.ts';

const ROWS = ['size', 'ingest', 'queries', 'rule', 'memory', 'huge', 'restart', 'growth'] as const;

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: ROWS.join(',') },
    hours: { type: 'string', default: '0.5' },
    rounds: { type: 'string', default: '20' },
    targets: { type: 'string', default: 'omoi,prometheus,victoria-metrics' },
  },
});

const wanted = new Set(options.targets.split(','));
const starts = new Map<string, StartTarget>();
if (wanted.has('omoi')) starts.set('omoi', startOmoi);
if (wanted.has('prometheus') && INSTALLED.prometheus) starts.set('prometheus', startPrometheus);
if (wanted.has('victoria-metrics') && INSTALLED.victoriaMetrics) {
  starts.set('victoria-metrics', startVictoriaMetrics);
}

const results: Record<string, Record<string, Measured>> = {};

function report(row: string, target: string, measured: Measured): void {
  (results[row] ??= {})[target] = measured;
  if (options.json) {
    console.log(JSON.stringify({ row, target, ...measured }));
    return;
  }
  const numbers = Object.entries(measured).map(([name, value]) => `${name} ${value}`);
  console.log(`${row.padEnd(10)} ${target.padEnd(18)} ${numbers.join(', ')}`);
}

async function onEach(row: string, measure: (start: StartTarget) => Promise<Measured>): Promise<void> {
  for (const [name, start] of starts) report(row, name, await measure(start));
}

async function measureRow(row: (typeof ROWS)[number]): Promise<void> {
  switch (row) {
    case 'size':
      for (const { kind, bytesPerSample } of await sizeBesidePrometheus()) report(row, kind, bytesPerSample);
      return;
    case 'ingest':
      return onEach(row, (start) => measureIngest(start, Number(options.rounds)));
    case 'memory':
      return onEach(row, (start) => measureMemory(start, Number(options.hours)));
    case 'queries':
      return measureQueries([...starts.values()], ({ query, target, measured }) =>
        report(query, target, measured),
      );
    case 'rule':
      return report('one rule over 10 of 100,000 series', 'omoi', await measureRule());
    case 'huge':
      return onEach('a query over 10 million samples', measureHuge);
    case 'restart':
      return onEach(row, measureRestart);
    case 'growth':
      for (const series of [10_000, 100_000, 1_000_000]) {
        report(`growth, ${series} series`, 'omoi', await measureGrowth(startOmoi, series));
      }
      return;
  }
}

const only = new Set(options.only.split(','));
for (const row of ROWS) if (only.has(row)) await measureRow(row);
if (options.json) console.log(JSON.stringify({ results }));
