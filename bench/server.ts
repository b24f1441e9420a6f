// The whole server over HTTP, on SQLite with full sync, loaded by a process of its own, beside a bare route of the same
// framework; then what it takes of the machine when nobody asks anything.
// npm run bench -- server [--json] [--only=PART,…]
import { parseArgs } from 'node:util';
import { fsyncMs } from './fsync.ts';
import { dataDirectory } from '../tests/acceptance/support/omoi-process.ts';
import { measureDemo, measureFirstPage, measureIdle } from './server/idle.ts';
import { measureQuery, measureRequests, type Measured } from './server/requests.ts';

const PARTS = ['fsync', 'requests', 'query', 'idle', 'demo', 'first-page'] as const;
const STARTS = 3;

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: PARTS.join(',') },
  },
});

const rows: ({ readonly row: string } & Measured)[] = [];

function report(row: string, measured: Measured): void {
  rows.push({ row, ...measured });
  if (options.json) console.log(JSON.stringify({ row, ...measured }));
  else {
    const numbers = Object.entries(measured).map(([name, value]) => `${name} ${value}`);
    console.log(`${row.padEnd(34)} ${numbers.join(', ')}`);
  }
}

function measureFsync(): Measured {
  const data = dataDirectory();
  const meanMs = fsyncMs(data.path);
  data.remove();
  return { one_fsync_ms: Number(meanMs.toFixed(3)) };
}

async function measurePart(part: (typeof PARTS)[number]): Promise<void> {
  switch (part) {
    case 'fsync':
      return report('one fsync', measureFsync());
    case 'requests':
      return measureRequests(report);
    case 'query':
      return measureQuery(report);
    case 'idle':
      return report('idle', await measureIdle());
    case 'demo':
      return report('idle with the demo', await measureDemo());
    case 'first-page':
      for (let start = 0; start < STARTS; start++) report('start to first page', await measureFirstPage());
      return;
  }
}

const only = new Set(options.only.split(','));
for (const part of PARTS) if (only.has(part)) await measurePart(part);
if (options.json) console.log(JSON.stringify({ rows }));
