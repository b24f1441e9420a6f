// `npm run test:long`: what takes too long for every change. Limits that take long to reach, fuzzing and property tests
// many times over from a new seed, a sweep of simulations, random queries beside a real Prometheus, outages and kills that
// take minutes, game days with their control runs. Prints each seed; OMOI_SEED=… npm run test:long draws the same again, with
// OMOI_RUNS_FACTOR=… as often. Closes with how long each step took, and one line: `N passed, N failed[, N skipped]`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { buildDashboard, buildServer, checkoutDirectory, installPackages, pinnedNode } from './checkout.mjs';
import { runLimited } from './limited-run.mjs';
import { installPeers } from './peers.mjs';

const seed = Number(process.env.OMOI_SEED ?? Date.now() % 2 ** 31);
const simulations = Number(process.env.OMOI_SIMULATIONS ?? 300);
const rounds = Number(process.env.OMOI_ROUNDS ?? 3000);
const only = process.argv.slice(2);

const vitest = join(checkoutDirectory, 'node_modules/vitest/vitest.mjs');
const total = { passed: 0, failed: 0, skipped: 0 };
/** How long each step took, in the order of the steps. */
const took = [];
const patience = ['--testTimeout', '3600000'];
/** What the properties of one file may take. */
const propertyBudgetMs = 120_000;
/** How many times as many runs as in `npm test`; each file does the most that its budget has room for. */
const factors = process.env.OMOI_RUNS_FACTOR ? [Number(process.env.OMOI_RUNS_FACTOR)] : [100, 40, 15, 5, 2];
/** What a game day ends with that can't be done on this machine. */
const skippedStatus = 77;
/** No game day takes longer; one that waits for ever is ended with its server and its workers, and has failed. */
const gamedayLimitMs = 20 * 60_000;
/** So long it has to stop its server. */
const gamedayGraceMs = 30_000;

await installPackages();
installPeers();
await buildDashboard();
await buildServer();

await properties();
await step('limits', ['--project', 'unit', 'src/fleet/limits', 'src/tsdb/limits', ...patience], {
  OMOI_LIMITS: 'default',
});
// A sweep takes one core.
const half = Math.ceil(simulations / 2);
await Promise.all(
  [seed, seed + half].map((first) =>
    step(`simulation from seed ${first}`, ['--project', 'simulation', 'sweep'], {
      OMOI_SIMULATIONS: half,
      OMOI_SIMULATION_SEED: first,
    }),
  ),
);
await step('simulations that have shown a fault', ['--project', 'simulation', 'found-seeds', 'replay'], {
  OMOI_LONG: '1',
});
await step('an hour of the demo on a busy machine', ['--project', 'simulation', 'calm-hour', ...patience], {
  OMOI_LONG: '1',
});
await step('PromQL beside Prometheus', ['--project', 'conformance', 'promql-differential'], {
  OMOI_SEED: seed,
  OMOI_ROUNDS: rounds,
});
await step(
  'acceptance',
  ['--project', 'acceptance', ...filesWithLongTests('tests/acceptance'), ...patience],
  {
    OMOI_LONG: '1',
  },
);
await step('fleet and watchdog on PostgreSQL', ['--project', 'postgres'], { OMOI_LONG: '1' });
const gamedays = readdirSync(join(checkoutDirectory, 'config/gamedays')).map((file) =>
  file.replace('.yaml', ''),
);
for (const name of gamedays.toSorted()) {
  for (const control of [[], ['--control']]) {
    const step = `game day ${[name, ...control].join(' ')}`;
    if (!isWanted(step)) continue;
    const startedAt = performance.now();
    const args = ['bin/omoi', 'gameday', 'run', `config/gamedays/${name}.yaml`, ...control];
    const run = await runLimited([process.execPath, ...args], {
      cwd: checkoutDirectory,
      limit: AbortSignal.timeout(gamedayLimitMs),
      graceMs: gamedayGraceMs,
    });
    if (run.leftBehind > 0) process.stdout.write(`${run.leftBehind} processes of it were ended\n`);
    count(step, { ...run, startedAt });
  }
}
process.stdout.write(`\n${took.join('\n')}\n`);
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
process.stdout.write(`${total.passed} passed, ${total.failed} failed${skipped}\n`);
process.exitCode = total.failed > 0 ? 1 : 0;

/** Those that do more under OMOI_LONG=1. */
function filesWithLongTests(directory) {
  return readdirSync(join(checkoutDirectory, directory))
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(directory, name))
    .filter((file) => readFileSync(join(checkoutDirectory, file), 'utf8').includes('long-tests.ts'));
}

async function step(name, args, variables) {
  if (!isWanted(name)) return;
  const set = Object.fromEntries(Object.entries(variables).map(([key, value]) => [key, String(value)]));
  const shown = Object.entries(set).map(([key, value]) => `${key}=${value}`);
  process.stdout.write(`\n${name}: ${shown.join(' ')} vitest run ${args.join(' ')}\n`);
  const startedAt = performance.now();
  const run = spawn(pinnedNode, [vitest, 'run', ...args, '--reporter=dot'], {
    cwd: checkoutDirectory,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...set },
  });
  const [status] = await once(run, 'exit');
  count(name, { status, startedAt });
}

/** First as often as in `npm test`, which tells what each file costs; then the most that its budget allows. */
async function properties() {
  const files = propertyTests();
  const costs = factors.length > 1 ? await costsOf(files) : new Map();
  const byFactor = Map.groupBy(files, (file) => factorFor(costs.get(file) ?? 0));
  for (const factor of factors) {
    const some = byFactor.get(factor);
    if (!some) continue;
    await step(`properties, ${factor} times as many`, ['--project', 'unit', ...some, ...patience], {
      OMOI_SEED: seed,
      OMOI_RUNS_FACTOR: factor,
    });
  }
}

function factorFor(ms) {
  return factors.find((factor) => ms * factor <= propertyBudgetMs) ?? factors.at(-1);
}

/** How many ms the tests of each file took; empty where the step is not wanted. */
async function costsOf(files) {
  const directory = mkdtempSync(join(tmpdir(), 'omoi-test-long-'));
  const report = join(directory, 'report.json');
  const args = ['--project', 'unit', ...files, ...patience, '--reporter=json', `--outputFile.json=${report}`];
  await step('properties, once', args, { OMOI_SEED: seed, OMOI_RUNS_FACTOR: 1 });
  const { testResults } = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : { testResults: [] };
  rmSync(directory, { recursive: true });
  return new Map(
    testResults.map(({ name, startTime, endTime }) => [
      relative(checkoutDirectory, name),
      endTime - startTime,
    ]),
  );
}

/** The files with tests that draw from the seed. By what they use: the words of their names would be forgotten in some. */
function propertyTests() {
  const draws = /\bfc\.assert\(|\/property-runs\.ts'/;
  return ['src', 'agent/src', 'dashboard/src', 'bench'].flatMap((part) =>
    readdirSync(join(checkoutDirectory, part), { recursive: true })
      .filter((file) => file.endsWith('.test.ts'))
      .map((file) => join(part, file))
      .filter((file) => draws.test(readFileSync(join(checkoutDirectory, file), 'utf8'))),
  );
}

/** Words on the command line name the steps that are done. */
function isWanted(name) {
  return only.length === 0 || only.some((word) => name.includes(word));
}

function count(name, { status, startedAt }) {
  const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
  took.push(`${minutes.padStart(6)} min  ${name}`);
  if (status === skippedStatus) {
    total.skipped += 1;
    process.stdout.write(`skipped: ${name}\n`);
    return;
  }
  const passed = status === 0;
  total[passed ? 'passed' : 'failed'] += 1;
  process.stdout.write(`${passed ? 'ok' : 'FAILED'}: ${name} (${minutes} min)\n`);
}
