// `npm test`: installs what is missing, then everything that `npm run check` checks, then the tests that start
// real processes. Closes with one line: `N passed, N failed[, N skipped]`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildDashboard, buildServer, checkoutDirectory, installPackages, pinnedNode } from './checkout.mjs';
import { installPeers } from './peers.mjs';

const STATIC_CHECKS = ['format:check', 'lint', 'types', 'knip'];
const PROJECTS = ['unit', 'conformance', 'simulation', 'acceptance', 'browser'];

installPackages();
installPeers();
buildDashboard();
buildServer();

const environment = {
  ...process.env,
  PATH: `${join(checkoutDirectory, 'node_modules/.bin')}:${process.env.PATH}`,
};
const total = { passed: 0, failed: 0, skipped: 0 };

for (const check of STATIC_CHECKS) {
  const result = spawnSync('npm', ['run', '--silent', check], {
    cwd: checkoutDirectory,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: environment,
  });
  const passed = result.status === 0;
  process.stdout.write(`${passed ? 'ok' : 'FAILED'}: ${check}\n`);
  total[passed ? 'passed' : 'failed'] += 1;
}

const reportDirectory = mkdtempSync(join(tmpdir(), 'omoi-test-'));
for (const project of PROJECTS) {
  const report = join(reportDirectory, `${project}.json`);
  const result = spawnSync(
    pinnedNode,
    [
      join(checkoutDirectory, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--project',
      project,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ],
    { cwd: checkoutDirectory, stdio: ['ignore', 'inherit', 'inherit'], env: environment },
  );
  addReport(project, report, result.status);
}
rmSync(reportDirectory, { recursive: true, force: true });

const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
process.stdout.write(`${total.passed} passed, ${total.failed} failed${skipped}\n`);
process.exitCode = total.failed > 0 ? 1 : 0;

/** A project whose run failed without a failed test (a file that does not load, say) counts as one failure. */
function addReport(project, file, status) {
  if (!existsSync(file)) {
    process.stdout.write(`FAILED: the ${project} tests ended without a report\n`);
    total.failed += 1;
    return;
  }
  const report = JSON.parse(readFileSync(file, 'utf8'));
  total.passed += report.numPassedTests;
  total.failed += report.numFailedTests;
  total.skipped += report.numPendingTests + report.numTodoTests;
  if (status !== 0 && report.numFailedTests === 0) total.failed += 1;
  if (report.numTotalTests === 0) {
    process.stdout.write(`FAILED: no ${project} test ran\n`);
    total.failed += 1;
  }
}
