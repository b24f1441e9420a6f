// From a sample over HTTP to the message on loopback, while many others flow in; then ten thousand alerts within a second
// beside a receiver that never answers; then a thousand silences by regular expressions (Omoi alone). Omoi, and Prometheus with Alertmanager where Debian's packages are installed.
// npm run bench -- alerting [--json] [--only=PART,…] [--alerts=200] [--burst=10000] [--rate=50000] [--groups=1,100,0] [--by=post,rule]
import { parseArgs } from 'node:util';
import { measureBurst } from './alerting/burst.ts';
import { measureLatency, type Measured } from './alerting/latency.ts';
import { measureSilences } from './alerting/silences.ts';
import { arePeersInstalled, startOmoi, startPeers, type StartTarget } from './alerting/target.ts';
import { Webhooks } from './alerting/webhooks.ts';

const PARTS = ['latency', 'waits', 'burst', 'silences'] as const;
const EVERY_MS = 100;
const SILENCES = 1_000;

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: PARTS.join(',') },
    /** Whom to measure: `omoi,peers`. */
    targets: { type: 'string', default: 'omoi,peers' },
    alerts: { type: 'string', default: '200' },
    burst: { type: 'string', default: '10000' },
    rate: { type: 'string', default: '50000' },
    /** Of the bursts; 0: one for each alert. */
    groups: { type: 'string', default: '1,100,0' },
    by: { type: 'string', default: 'post,rule' },
  },
});
const rows: ({ readonly row: string; readonly of: string } & Measured)[] = [];
const targets = new Set(options.targets.split(','));
const starts: readonly StartTarget[] = [
  ...(targets.has('omoi') ? [startOmoi] : []),
  ...(targets.has('peers') && arePeersInstalled ? [startPeers] : []),
];

function report(row: string, of: string, measured: Measured): void {
  rows.push({ row, of, ...measured });
  if (options.json) console.log(JSON.stringify({ row, of, ...measured }));
  else {
    const numbers = Object.entries(measured).map(([name, value]) => `${name} ${value}`);
    console.log(`${row.padEnd(34)} ${of.padEnd(26)} ${numbers.join(', ')}`);
  }
}

/** @param wait before the first message of a group, and between evaluations of the peers where they have to be equal */
async function latency(row: string, wait: string, evaluationInterval: string): Promise<void> {
  for (const start of starts) {
    const webhooks = await Webhooks.open();
    const routing = { groupWait: wait, groupBy: '...', good: webhooks.good, hung: null };
    const target = await start({ routing, evaluationInterval });
    try {
      const samplesPerSecond = Number(options.rate);
      const alerts = Number(options.alerts);
      report(
        row,
        target.name,
        await measureLatency(target, webhooks, { alerts, everyMs: EVERY_MS, samplesPerSecond }),
      );
    } finally {
      await target.stop();
      await webhooks.close();
    }
  }
}

async function burst(groups: number, by: 'rule' | 'post'): Promise<void> {
  const alerts = Number(options.burst);
  for (const start of starts) {
    const webhooks = await Webhooks.open();
    const routing = { groupWait: '0s', groupBy: 'group', good: webhooks.good, hung: webhooks.hung };
    const target = await start({ routing, evaluationInterval: '100ms' });
    try {
      const measured = await measureBurst(target, webhooks, { alerts, groups, by });
      report(`${alerts} in ${groups} groups by ${by}`, target.name, measured);
    } finally {
      await target.stop();
      await webhooks.close();
    }
  }
}

async function silences(groups: number): Promise<void> {
  const webhooks = await Webhooks.open();
  const routing = { groupWait: '0s', groupBy: 'group', good: webhooks.good, hung: null };
  const target = await startOmoi({ routing, evaluationInterval: '100ms' });
  try {
    const alerts = Number(options.burst);
    const measured = await measureSilences(target, webhooks, { alerts, groups, silences: SILENCES });
    report(`${SILENCES} silences, ${alerts} alerts`, target.name, measured);
  } finally {
    await target.stop();
    await webhooks.close();
  }
}

const only = new Set(options.only.split(','));
if (only.has('latency')) await latency('sample to message, no wait', '0s', '100ms');
if (only.has('waits')) await latency('sample to message, waits of 1 s', '1s', '1s');
if (only.has('burst')) {
  for (const groups of options.groups.split(',').map(Number)) {
    for (const by of ['post', 'rule'] as const)
      if (options.by.split(',').includes(by)) await burst(groups === 0 ? Number(options.burst) : groups, by);
  }
}
if (only.has('silences')) for (const groups of [1, 10, 1_000]) await silences(groups);
if (options.json) console.log(JSON.stringify({ rows }));
