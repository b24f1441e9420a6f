import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import {
  buildDashboard,
  buildServer,
  checkoutDirectory,
  installPackages,
  pinnedNode,
  sourceFlags,
} from './checkout.mjs';

/** Twice that at most, where V8 would take 64 MB; with 2 a third of the main thread went into its collection under load. */
const serverFlags = ['--max-semi-space-size=16'];

const FORWARDED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

/** Starts `omoi ARGS` under the pinned runtime, installing and building what is missing first. */
export async function launchFromCheckout(args) {
  await installPackages();
  if (args[0] === 'serve' || args[0] === 'gameday') await buildDashboard();
  const flags = [...sourceFlags, ...serverFlags, ...extraFlags()];
  const command = [...flags, await buildServer(), ...args];
  if (typeof process.execve === 'function' && process.platform !== 'win32') {
    process.execve(pinnedNode, [pinnedNode, ...command], environment(args));
  }
  process.exitCode = await runForeground(command, environment(args));
}

/**
 * Further flags of the runtime, for benches and profiles. In `NODE_OPTIONS` they would reach npm, the build of the
 * dashboard and every worker as well.
 */
function extraFlags() {
  return (process.env.OMOI_NODE_FLAGS ?? '').split(' ').filter((flag) => flag !== '');
}

/**
 * With a compile cache the workers that the server starts from TypeScript do not even load what strips its types. One
 * arena for all threads: glibc would give each its own, some 4 MB that stay half empty. Pieces of 128 KiB and more are
 * always taken from the system one by one, so that they go back when they are freed: glibc would raise that limit when
 * it frees the first. `omoi run` is told what of this is new, so that the command that it runs gets none of it.
 */
function environment([command]) {
  const cache = join(checkoutDirectory, 'node_modules/.cache/omoi-compile');
  const { OMOI_NODE_FLAGS: _flags, ...inherited } = process.env;
  const own = { NODE_COMPILE_CACHE: cache, MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '131072' };
  const added = Object.keys(own).filter((name) => !(name in inherited));
  return { ...own, ...inherited, ...(command === 'run' && { OMOI_LAUNCHED_WITH: added.join(',') }) };
}

/** For a Node that cannot replace itself: a child that gets this process's terminal and signals. */
function runForeground(command, env) {
  return new Promise((resolve) => {
    const child = spawn(pinnedNode, command, { stdio: 'inherit', env });
    for (const signal of FORWARDED_SIGNALS) process.on(signal, () => child.kill(signal));
    child.on('error', (error) => {
      process.stderr.write(`omoi: ${pinnedNode} could not be started: ${error.message}\n`);
      resolve(1);
    });
    child.on('exit', (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}
