import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { buildDashboard, checkoutDirectory, installPackages, pinnedNode, sourceFlags } from './checkout.mjs';

const FORWARDED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

/** Starts `omoi ARGS` from the sources under the pinned runtime, installing and building what is missing first. */
export async function launchFromCheckout(args) {
  installPackages();
  if (args[0] === 'serve' || args[0] === 'gameday') buildDashboard();
  const command = [...sourceFlags, join(checkoutDirectory, 'src/cli/main.ts'), ...args];
  if (typeof process.execve === 'function' && process.platform !== 'win32') {
    process.execve(pinnedNode, [pinnedNode, ...command], process.env);
  }
  process.exitCode = await runForeground(command);
}

/** For a Node that cannot replace itself: a child that gets this process's terminal and signals. */
function runForeground(command) {
  return new Promise((resolve) => {
    const child = spawn(pinnedNode, command, { stdio: 'inherit' });
    for (const signal of FORWARDED_SIGNALS) process.on(signal, () => child.kill(signal));
    child.on('error', (error) => {
      process.stderr.write(`omoi: ${pinnedNode} could not be started: ${error.message}\n`);
      resolve(1);
    });
    child.on('exit', (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}
