// `npm test`: installs what is missing, then everything that `npm run check` checks, then the tests that start
// real processes. Closes with one line: `N passed, N failed[, N skipped]`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, getPriority, setPriority, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { checkoutDirectory, installPackages, pinnedNode } from './checkout.mjs';

const reportDirectory = mkdtempSync(join(tmpdir(), 'omoi-test-'));

/**
 * For the static checks, which would share out their work among more threads than there are cores for, and collect garbage
 * all the time: this halves the work of a type check. Their runtimes are Go and Node.
 */
const FRUGAL = { GOMAXPROCS: '1', GOGC: '400', NODE_OPTIONS: '--max-semi-space-size=64' };

/**
 * Two at a time: tests that start whole servers wait more than they compute, and what computes takes the cores that they
 * leave. It yields to them, so that neither heartbeats nor browsers are late for its sake. Whichever lane has nothing left
 * of its own takes what is left for both, the short parts last: no core is idle while the other lane has parts to come.
 * The static checks need no more than packages: they go on while the peers are installed and the server is built.
 */
const { PRIORITY_NORMAL, PRIORITY_BELOW_NORMAL } = constants.priority;
const patient = ['acceptance', 'browser'].map((name) => ({ ...project(name), priority: PRIORITY_NORMAL }));
const yielding = (part) => ({ ...part, priority: PRIORITY_BELOW_NORMAL });
const checks = ['lint', 'types', 'knip', 'format:check'].map(check).map(yielding);
const computing = ['unit', 'simulation', 'conformance', 'postgres'].map(project).map(yielding);

/** Of each failure that is said once more at the end. */
const MOST_REASON_LINES = 12;
const MOST_FAULTS = 40;

await installPackages();

const environment = {
  ...process.env,
  PATH: `${join(checkoutDirectory, 'node_modules/.bin')}:${process.env.PATH}`,
};
const total = { passed: 0, failed: 0, skipped: 0 };
/** What failed, and what passed only when it was tried again, each with its reasons: said at the end, where nobody overlooks it. */
const faults = [];
/** The parts that run, each with its process and what it has said. */
const running = new Map();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => breakOff(signal));

const prepared = prepare();
await Promise.all([
  prepared.then(() => run(patient, computing)),
  Promise.all([run(checks), prepared]).then(() => run(computing)),
]);
rmSync(reportDirectory, { recursive: true, force: true });

for (const fault of faults.slice(0, MOST_FAULTS)) process.stdout.write(`${fault}\n`);
if (faults.length > MOST_FAULTS) process.stdout.write(`and ${faults.length - MOST_FAULTS} more\n`);
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
process.stdout.write(`${total.passed} passed, ${total.failed} failed${skipped}\n`);
process.exitCode = total.failed > 0 ? 1 : 0;

/** What the projects need beside packages. Nothing goes on without it. */
async function prepare() {
  const script = join(checkoutDirectory, 'scripts/prepare-tests.mjs');
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'inherit', 'inherit'] });
  running.set('preparation', { child, said: '' });
  const [status] = await once(child, 'exit');
  running.delete('preparation');
  if (status === 0) return;
  breakOff('SIGTERM');
  process.exitCode = 1;
  await new Promise(() => {});
}

/** A part is what runs in a process of its own; `count` adds what came out, from its exit status, to the total. */
function check(name) {
  return {
    name,
    command: ['npm', 'run', '--silent', name],
    variables: FRUGAL,
    count: (status) => {
      if (status !== 0) faults.push(`FAILED: npm run ${name}`);
      total[status === 0 ? 'passed' : 'failed'] += 1;
    },
  };
}

function project(name) {
  const report = join(reportDirectory, `${name}.json`);
  const vitest = join(checkoutDirectory, 'node_modules/vitest/vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  return {
    name,
    command: [pinnedNode, vitest, 'run', '--project', name, ...reporters],
    count: (status) => addReport(name, report, status),
  };
}

/** Takes parts from the first queue that has any, until none has. */
async function run(...queues) {
  for (;;) {
    const part = queues.find(({ length }) => length > 0)?.shift();
    if (!part) return;
    const startedAt = performance.now();
    process.stdout.write(`${part.name} …\n`);
    const { status, said } = await outcomeOf(part);
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    process.stdout.write(`${said}${status === 0 ? 'ok' : 'FAILED'}: ${part.name} (${seconds} s)\n`);
    part.count(status);
  }
}

/** What it says is kept until it has ended, since another part speaks at the same time. */
function outcomeOf({ name, command: [program, ...args], variables = {}, priority }) {
  const child = spawn(program, args, {
    cwd: checkoutDirectory,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...environment, ...variables },
  });
  // Not above that of this process, which takes rights.
  if (child.pid !== undefined) setPriority(child.pid, Math.max(priority, getPriority()));
  const part = { child, said: '' };
  running.set(name, part);
  for (const output of [child.stdout, child.stderr]) {
    output.setEncoding('utf8').on('data', (text) => (part.said += text));
  }
  return new Promise((resolve) => {
    const end = (status) => {
      running.delete(name);
      resolve({ status, said: part.said });
    };
    child.once('error', ({ message }) => {
      part.said += `${message}\n`;
      end(null);
    });
    child.once('close', end);
  });
}

function breakOff(signal) {
  for (const [name, { child, said }] of running) {
    child.kill(signal);
    process.stdout.write(`${said}broken off: ${name}\n`);
  }
  rmSync(reportDirectory, { recursive: true, force: true });
  process.exitCode = 128 + constants.signals[signal];
  process.stdout.write('', () => process.exit());
}

/** A project whose run failed without a failed test (a file that does not load, say) counts as one failure. */
function addReport(project, file, status) {
  if (!existsSync(file)) {
    process.stdout.write(`FAILED: the ${project} tests ended without a report\n`);
    total.failed += 1;
    return;
  }
  const report = JSON.parse(readFileSync(file, 'utf8'));
  for (const { name: path, assertionResults, status: fileStatus, message } of report.testResults) {
    const tests = assertionResults.filter(({ failureMessages }) => failureMessages.length > 0);
    const place = `${project} ${relative(checkoutDirectory, path)}`;
    for (const test of tests) {
      const verdict = test.status === 'failed' ? 'FAILED' : 'tried again';
      faults.push(`${verdict}: ${place} > ${test.fullName}\n${reasonsOf(test.failureMessages)}`);
    }
    if (fileStatus === 'failed' && tests.length === 0)
      faults.push(`FAILED: ${place}\n${reasonsOf([message])}`);
  }
  total.passed += report.numPassedTests;
  total.failed += report.numFailedTests;
  total.skipped += report.numPendingTests + report.numTodoTests;
  if (status !== 0 && report.numFailedTests === 0) total.failed += 1;
  if (report.numTotalTests === 0) {
    process.stdout.write(`FAILED: no ${project} test ran\n`);
    total.failed += 1;
  }
}

/** The first lines of each, which name what was expected, and the places in Omoi's own code. */
function reasonsOf(messages) {
  const lines = messages.flatMap((message) =>
    stripVTControlCharacters(message)
      .split('\n')
      .filter((line) => !line.includes('/node_modules/'))
      .slice(0, MOST_REASON_LINES),
  );
  return lines.map((line) => `    ${line}`).join('\n');
}
