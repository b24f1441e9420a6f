// Mission control of a large fleet that changes all the time, in a real Chromium on a real server: the nodes of the page, how
// long the browser's main thread is held at a stretch, the pictures a second.
// npm run bench -- dashboard [--json] [--agents=5000] [--changes=500] [--seconds=20] [--only=PAGE,…] [--trace=FILE]
import { parseArgs } from 'node:util';
import { chromiumForTests, openBrowser } from '../tests/browser/chromium.ts';
import { rowOf, type Row } from './dashboard/row.ts';
import { Fleet } from './dashboard/fleet.ts';
import { watchPage } from './dashboard/watched-page.ts';

/** What is looked at: an address, and whether somebody scrolls through the page meanwhile. */
const VISITS = {
  fleet: { address: '/fleet', scrolls: false },
  'fleet-scrolled': { address: '/fleet', scrolls: true },
  overview: { address: '/', scrolls: false },
} as const;
type Visit = keyof typeof VISITS;
const NAMES = Object.keys(VISITS) as Visit[];

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    agents: { type: 'string', default: '5000' },
    changes: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '20' },
    only: { type: 'string', default: NAMES.join(',') },
    trace: { type: 'string' },
  },
});

const program = chromiumForTests();
if (program === null) process.exit(1);
const rows: Row[] = [];

function report(row: Row): void {
  rows.push(row);
  if (options.json) console.log(JSON.stringify(row));
  else {
    const { row: name, ...measured } = row;
    console.log(name);
    for (const [key, value] of Object.entries(measured)) console.log(`  ${key}: ${JSON.stringify(value)}`);
  }
}

const fleet = await Fleet.start({
  agents: Number(options.agents),
  changesPerSecond: Number(options.changes),
});
const browser = await openBrowser(program);
try {
  const only = new Set(options.only.split(','));
  for (const name of NAMES.filter((one) => only.has(one))) {
    const visit = VISITS[name];
    const page = await watchPage(browser, { url: fleet.url, loginPath: await fleet.loginPath(), ...visit });
    for (const changing of [false, true]) {
      const { seen, changes } = await fleet.during(changing, () =>
        page.watch({ seconds: Number(options.seconds), ...(options.trace && { traceFile: options.trace }) }),
      );
      report(rowOf(`${name}, ${changing ? 'changing' : 'calm'}`, { seen, changes, agents: fleet.size }));
    }
    await page.close();
  }
} finally {
  await browser.close();
  await fleet.stop();
}
if (options.json) console.log(JSON.stringify({ rows }));
