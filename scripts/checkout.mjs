// What a checkout needs before it can run: packages, the pinned runtime, a built dashboard.
// Plain JavaScript that also runs on Node 20, with nothing but Node's own modules.
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './checkout-lock.mjs';
import { runTold } from './told-run.mjs';

export const checkoutDirectory = fileURLToPath(new URL('..', import.meta.url));
export const pinnedNode = join(checkoutDirectory, 'node_modules/node/bin/node');

/** Flags under which the sources of a checkout run. */
export const sourceFlags = ['--conditions=omoi-source', '--disable-warning=ExperimentalWarning'];

const npmOfThisNode = process.env.npm_execpath;

/** @throws Error where the command cannot be started or fails; what it says itself goes to standard error */
function run(what, [command, ...args], done) {
  return runTold({ command, args, cwd: checkoutDirectory, what, done });
}

/** For what nothing goes without. */
async function runOrExit(...told) {
  try {
    await run(...told);
  } catch (error) {
    process.stderr.write(`omoi: ${error.message}\n`);
    process.exit(1);
  }
}

/** Does what is missing, while no other start does: then it may be there. */
async function makeOnce(isThere, make) {
  if (isThere()) return;
  const once = async () => (isThere() ? undefined : await make());
  try {
    await withLock({ file: join(checkoutDirectory, 'dist/.lock') }, once);
  } catch (error) {
    process.stderr.write(`omoi: ${error.message}\n`);
    process.exit(1);
  }
}

/** Runs `npm ci` when node_modules is missing or older than the lock file. */
export function installPackages() {
  const marker = join(checkoutDirectory, 'node_modules/.package-lock.json');
  const lock = join(checkoutDirectory, 'package-lock.json');
  const isFresh = () =>
    existsSync(marker) && existsSync(pinnedNode) && statSync(marker).mtimeMs >= statSync(lock).mtimeMs;
  return makeOnce(isFresh, () => install(lock));
}

async function install(lock) {
  const installed = join(checkoutDirectory, 'node_modules');
  if (lstatSync(installed, { throwIfNoEntry: false })?.isSymbolicLink()) {
    process.stderr.write(
      `omoi: ${installed} is a link and older than package-lock.json; npm ci would empty what it leads to. Remove the link, or run npm ci there.\n`,
    );
    process.exit(1);
  }
  const npm = npmOfThisNode?.endsWith('.js') ? [process.execPath, npmOfThisNode] : ['npm'];
  const command = [...npm, 'ci', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error'];
  await runOrExit('installing packages (npm ci)', command, installedOf(lock));
}

/** How many of the lock file's packages are there. Those of other platforms never come. */
function installedOf(lock) {
  const { packages } = JSON.parse(readFileSync(lock, 'utf8'));
  const wanted = Object.entries(packages)
    .filter(([path, { optional, link }]) => path.startsWith('node_modules/') && !optional && !link)
    .map(([path]) => join(checkoutDirectory, path, 'package.json'));
  return () => `${wanted.filter((path) => existsSync(path)).length} of ${wanted.length} packages`;
}

/** Builds the dashboard when one of its sources is newer than the last build. */
export function buildDashboard() {
  const home = join(checkoutDirectory, 'dashboard');
  const built = join(home, 'dist/index.html');
  const sources = ['src', 'index.html', 'vite.config.ts', 'package.json'].map((name) => join(home, name));
  const isBuilt = () => {
    const builtAt = existsSync(built) ? statSync(built).mtimeMs : 0;
    return sources.every((source) => !existsSync(source) || newestChange(source) <= builtAt);
  };
  const config = join(home, 'vite.config.ts');
  return makeOnce(isBuilt, () =>
    runOrExit('building the dashboard', vite('build', home, '--config', config)),
  );
}

const serverBundle = join(checkoutDirectory, 'scripts/server-bundle.config.ts');

/** Of the server: those that may still run, and some more. */
const maxBuildsKept = 5;

/**
 * Builds what `omoi` runs from the sources, unless it is there: a few files instead of a thousand modules, which takes a
 * quarter less memory and half the time to start. Each state of the sources has a directory of its own, so that a server
 * that runs keeps its files, and several may be built at once. Where nothing can be built or written the sources run.
 * @returns the path of the program
 */
export async function buildServer() {
  const builds = join(checkoutDirectory, 'dist');
  const build = join(builds, `checkout-${sourcesKey()}`);
  const program = join(build, 'main.js');
  if (existsSync(program)) return program;
  const unfinished = `${build}.${process.pid}`;
  try {
    mkdirSync(unfinished, { recursive: true });
    await run('building the server', vite('build', '--config', serverBundle, '--outDir', unfinished));
    renameSync(unfinished, build);
    forgetOldBuilds(builds);
  } catch (error) {
    removeIfThere(unfinished);
    // Unless another process was faster.
    if (!existsSync(program)) return sourceProgram(error);
  }
  return program;
}

/** Builds what the published package runs: `dist/omoi`. */
export async function buildPublishedServer() {
  const directory = join(checkoutDirectory, 'dist/omoi');
  const options = ['--mode', 'published', '--outDir', directory, '--emptyOutDir'];
  await runOrExit('building the package', vite('build', '--config', serverBundle, ...options));
}

function sourceProgram(error) {
  process.stderr.write(
    `omoi: the server could not be built: ${error.message}. Its sources run instead: they start more slowly and take more memory.\n`,
  );
  return join(checkoutDirectory, 'src/cli/main.ts');
}

function removeIfThere(directory) {
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch {
    // Where nothing can be written there is nothing to remove.
  }
}

function forgetOldBuilds(directory) {
  const changedMs = (name) => statSync(join(directory, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const newestFirst = readdirSync(directory)
    .filter((name) => name.startsWith('checkout-'))
    .sort((a, b) => changedMs(b) - changedMs(a));
  for (const name of newestFirst.slice(maxBuildsKept)) {
    rmSync(join(directory, name), { recursive: true, force: true });
  }
}

/** Stands for what the server is built from: the name, size and time of each file. */
function sourcesKey() {
  const hash = createHash('sha256');
  const add = (path) => {
    const stat = statSync(join(checkoutDirectory, path));
    if (!stat.isDirectory()) {
      hash.update(`${path} ${stat.size} ${stat.mtimeMs}\n`);
      return;
    }
    const names = readdirSync(join(checkoutDirectory, path)).filter((name) => !isForTests(name));
    for (const name of names) add(join(path, name));
  };
  for (const path of ['src', 'agent/src', 'package-lock.json', 'scripts/server-bundle.config.ts']) add(path);
  return hash.digest('hex').slice(0, 16);
}

const isForTests = (name) => /\.(?:test|test-support)\.ts$/.test(name);

/** Under the pinned runtime. */
function vite(...args) {
  return [
    pinnedNode,
    join(checkoutDirectory, 'node_modules/vite/bin/vite.js'),
    ...args,
    '--logLevel',
    'warn',
  ];
}

function newestChange(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce((newest, name) => Math.max(newest, newestChange(join(path, name))), 0);
}
