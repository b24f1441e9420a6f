// How soon what has ended or hung is replaced and proven, with real processes, and whether anything is repaired that is
// not ill.
// npm run bench -- supervision [--json] [--only=PART,…] [--kills=40] [--workers=100] [--hangs=10] [--silences=6] [--turns=5]
import { parseArgs } from 'node:util';
import { SupervisedFleet } from './supervision/fleet.ts';
import { allAtOnce, exitToRunning, hangToProven, type Measured } from './supervision/repairs.ts';
import { silenceToProven } from './supervision/silences.ts';
import { wrongActions } from './supervision/wrong-actions.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    kills: { type: 'string', default: '40' },
    workers: { type: 'string', default: '100' },
    hangs: { type: 'string', default: '10' },
    silences: { type: 'string', default: '6' },
    turns: { type: 'string', default: '5' },
  },
});

const PARTS: Readonly<Record<string, (fleet: SupervisedFleet) => Promise<Measured>>> = {
  'exit to running': (fleet) => exitToRunning(fleet, Number(options.kills)),
  'all killed at once': (fleet) => allAtOnce(fleet, Number(options.workers)),
  'hang to proven': (fleet) => hangToProven(fleet, Number(options.hangs)),
  'silence in turn': (fleet) =>
    silenceToProven(fleet, { succession: 'in turn', rounds: Number(options.silences) }),
  'silence overlapping': (fleet) =>
    silenceToProven(fleet, { succession: 'overlap', rounds: Number(options.silences) }),
  'wrong actions': (fleet) => wrongActions(fleet, Number(options.turns)),
};

const rows: object[] = [];
const only = options.only?.split(',');
for (const [row, measure] of Object.entries(PARTS)) {
  if (only && !only.includes(row)) continue;
  // A server for each: what one has used of its policies' budgets is not the next one's.
  const fleet = await SupervisedFleet.start();
  try {
    const measured = await measure(fleet);
    rows.push({ row, ...measured });
    if (options.json) console.log(JSON.stringify({ row, ...measured }));
    else {
      const numbers = Object.entries(measured).map(([name, value]) => `${name} ${value}`);
      console.log(`${row.padEnd(20)} ${numbers.join(', ')}`);
    }
  } finally {
    await fleet.stop();
  }
}
if (options.json) console.log(JSON.stringify({ rows }));
