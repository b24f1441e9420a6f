// What an evaluation on arrival costs, how soon an alert is committed, how long a reload of many rules holds the event loop;
// and what 10,000 rules over 100,000 series cost a whole server, beside Prometheus where Debian's package is installed.
// npm run bench -- rules [--json] [--only=PART,…] [--targets=omoi,prometheus] [--scale=1] [--rules=10000] [--files=1]
import { parseArgs } from 'node:util';
import { INSTALLED } from './tsdb/target.ts';
import { startOmoi, startPrometheus } from './rules/fleet-target.ts';
import { measureFleet, type FleetSize } from './rules/measure-fleet.ts';
import { measureReload } from './rules/measure-reload.ts';
import { measureRule } from './rules/measure-rule.ts';

const PARTS = ['rule', 'reload', 'fleet'] as const;

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: PARTS.join(',') },
    targets: { type: 'string', default: 'omoi,prometheus' },
    /** Of the fleet and its rules; below 1 time runs faster, too. */
    scale: { type: 'string', default: '1' },
    /** That are reloaded, and the files in which they stand. */
    rules: { type: 'string', default: '10000' },
    files: { type: 'string', default: '1' },
  },
});
const only = new Set(options.only.split(','));
const wanted = new Set(options.targets.split(','));
const results: Record<string, object> = {};

function report(row: string, readings: Readonly<Record<string, number>>): void {
  results[row] = readings;
  if (options.json) {
    console.log(JSON.stringify({ row, ...readings }));
    return;
  }
  const numbers = Object.entries(readings).map(([name, value]) => `${name} ${value}`);
  console.log(`${row.padEnd(34)} ${numbers.join(', ')}`);
}

function fleetSize(scale: number): FleetSize {
  return {
    instances: Math.max(2, Math.round(200 * scale)),
    rules: Math.max(50, Math.round(10_000 * scale)),
    ...(scale < 1
      ? { stepMs: 1000, intervals: ['1s', '2s', '4s'], steps: 4 }
      : { stepMs: 15_000, intervals: ['15s', '30s', '60s'], steps: 4 }),
  };
}

async function besidePrometheus(): Promise<void> {
  const targets = [
    ...(wanted.has('omoi') ? [await startOmoi()] : []),
    ...(wanted.has('prometheus') && INSTALLED.prometheus ? [await startPrometheus()] : []),
  ];
  try {
    await measureFleet(targets, fleetSize(Number(options.scale)), (phase, target, readings) =>
      report(`${phase}, ${target}`, readings),
    );
  } finally {
    for (const target of targets) await target.stop();
  }
}

if (only.has('rule')) report('one rule over 10 of 100,000 series', await measureRule());
if (only.has('reload')) {
  const size = { rules: Number(options.rules), files: Number(options.files) };
  report(`reload of ${size.rules} rules in ${size.files} files`, await measureReload(size));
}
if (only.has('fleet')) await besidePrometheus();
if (options.json) console.log(JSON.stringify({ results }));
