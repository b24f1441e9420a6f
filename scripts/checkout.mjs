// What a checkout needs before it can run: packages, the pinned runtime, a built dashboard.
// Plain JavaScript that also runs on Node 20, with nothing but Node's own modules.
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const checkoutDirectory = fileURLToPath(new URL('..', import.meta.url));
export const pinnedNode = join(checkoutDirectory, 'node_modules/node/bin/node');

/** Flags under which the sources of a checkout run. */
export const sourceFlags = ['--conditions=omoi-source', '--disable-warning=ExperimentalWarning'];

const npmOfThisNode = process.env.npm_execpath;

function run(command, args) {
  const result = spawnSync(command, args, { cwd: checkoutDirectory, stdio: ['ignore', 2, 2] });
  if (result.error) throw new Error(`${command} could not be started: ${result.error.message}`);
  if (result.status !== 0) {
    process.stderr.write(
      `omoi: \`${[command, ...args].join(' ')}\` failed (exit ${result.status ?? result.signal})\n`,
    );
    process.exit(1);
  }
}

/** Runs `npm ci` when node_modules is missing or older than the lock file. */
export function installPackages() {
  const marker = join(checkoutDirectory, 'node_modules/.package-lock.json');
  const lock = join(checkoutDirectory, 'package-lock.json');
  const fresh =
    existsSync(marker) && existsSync(pinnedNode) && statSync(marker).mtimeMs >= statSync(lock).mtimeMs;
  if (fresh) return;
  const installed = join(checkoutDirectory, 'node_modules');
  if (lstatSync(installed, { throwIfNoEntry: false })?.isSymbolicLink()) {
    process.stderr.write(
      `omoi: ${installed} is a link and older than package-lock.json; npm ci would empty what it leads to. Remove the link, or run npm ci there.\n`,
    );
    process.exit(1);
  }
  process.stderr.write('omoi: installing packages (npm ci) …\n');
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  if (npmOfThisNode?.endsWith('.js')) run(process.execPath, [npmOfThisNode, ...args]);
  else run('npm', args);
}

/** Builds the dashboard when one of its sources is newer than the last build. */
export function buildDashboard() {
  const home = join(checkoutDirectory, 'dashboard');
  const built = join(home, 'dist/index.html');
  const builtAt = existsSync(built) ? statSync(built).mtimeMs : 0;
  const sources = ['src', 'index.html', 'vite.config.ts', 'package.json'].map((name) => join(home, name));
  if (sources.every((source) => !existsSync(source) || newestChange(source) <= builtAt)) return;
  process.stderr.write('omoi: building the dashboard …\n');
  run(pinnedNode, [
    join(checkoutDirectory, 'node_modules/vite/bin/vite.js'),
    'build',
    home,
    '--config',
    join(home, 'vite.config.ts'),
    '--logLevel',
    'warn',
  ]);
}

function newestChange(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce((newest, name) => Math.max(newest, newestChange(join(path, name))), 0);
}
