// `npm run test:long`: what takes too long for every change. Limits that take long to reach, fuzzing and property tests
// many times over from a new seed, a sweep of simulations, random queries beside a real Prometheus, outages and kills that
// take minutes, game days with their control runs. Prints each seed; OMOI_SEED=… npm run test:long draws the same again. Closes with one line:
// `N passed, N failed[, N skipped]`.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildDashboard, buildServer, checkoutDirectory, installPackages, pinnedNode } from './checkout.mjs';
import { runLimited } from './limited-run.mjs';
import { installPeers } from './peers.mjs';

const seed = Number(process.env.OMOI_SEED ?? Date.now() % 2 ** 31);
const factor = Number(process.env.OMOI_RUNS_FACTOR ?? 100);
const simulations = Number(process.env.OMOI_SIMULATIONS ?? 300);
const rounds = Number(process.env.OMOI_ROUNDS ?? 3000);
const only = process.argv.slice(2);

const vitest = join(checkoutDirectory, 'node_modules/vitest/vitest.mjs');
const total = { passed: 0, failed: 0, skipped: 0 };
/** What a game day ends with that can't be done on this machine. */
const skippedStatus = 77;
/** No game day takes longer; one that waits for ever is ended with its server and its workers, and has failed. */
const gamedayLimitMs = 20 * 60_000;
/** So long it has to stop its server. */
const gamedayGraceMs = 30_000;

installPackages();
installPeers();
buildDashboard();
buildServer();

step('properties', ['--project', 'unit', ...propertyTests(), '--testTimeout', '3600000'], {
  OMOI_SEED: seed,
  OMOI_RUNS_FACTOR: factor,
});
step('limits', ['--project', 'unit', 'src/fleet/limits', 'src/tsdb/limits', '--testTimeout', '3600000'], {
  OMOI_LIMITS: 'default',
});
step('simulation', ['--project', 'simulation', 'sweep'], {
  OMOI_SIMULATIONS: simulations,
  OMOI_SIMULATION_SEED: seed,
});
step('simulations that have shown a fault', ['--project', 'simulation', 'found-seeds'], {
  OMOI_LONG: '1',
});
step('PromQL beside Prometheus', ['--project', 'conformance', 'promql-differential'], {
  OMOI_SEED: seed,
  OMOI_ROUNDS: rounds,
});
step('acceptance', ['--project', 'acceptance', ...filesWithLongTests('tests/acceptance')], {
  OMOI_LONG: '1',
});
step('fleet and watchdog on PostgreSQL', ['--project', 'postgres'], { OMOI_LONG: '1' });
const gamedays = readdirSync(join(checkoutDirectory, 'config/gamedays')).map((file) =>
  file.replace('.yaml', ''),
);
for (const name of gamedays.toSorted()) {
  for (const control of [[], ['--control']]) {
    const step = `game day ${[name, ...control].join(' ')}`;
    if (!isWanted(step)) continue;
    const args = ['bin/omoi', 'gameday', 'run', `config/gamedays/${name}.yaml`, ...control];
    const run = await runLimited([process.execPath, ...args], {
      cwd: checkoutDirectory,
      limit: AbortSignal.timeout(gamedayLimitMs),
      graceMs: gamedayGraceMs,
    });
    if (run.leftBehind > 0) process.stdout.write(`${run.leftBehind} processes of it were ended\n`);
    count(step, run);
  }
}
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

function step(name, args, variables) {
  const set = Object.fromEntries(Object.entries(variables).map(([key, value]) => [key, String(value)]));
  const shown = Object.entries(set).map(([key, value]) => `${key}=${value}`);
  if (!isWanted(name)) return;
  process.stdout.write(`\n${name}: ${shown.join(' ')} vitest run ${args.join(' ')}\n`);
  const env = { ...process.env, ...set };
  count(
    name,
    spawnSync(pinnedNode, [vitest, 'run', ...args, '--reporter=dot'], {
      cwd: checkoutDirectory,
      stdio: ['ignore', 'inherit', 'inherit'],
      env,
    }),
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

function count(name, { status }) {
  if (status === skippedStatus) {
    total.skipped += 1;
    process.stdout.write(`skipped: ${name}\n`);
    return;
  }
  const passed = status === 0;
  total[passed ? 'passed' : 'failed'] += 1;
  process.stdout.write(`${passed ? 'ok' : 'FAILED'}: ${name}\n`);
}
