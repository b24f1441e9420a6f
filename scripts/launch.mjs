import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { becomeProgram, runtimeEnvironment, runtimeFlags } from '../bin/runtime.mjs';
import {
  buildDashboard,
  buildServer,
  checkoutDirectory,
  installPackages,
  pinnedNode,
  sourceFlags,
} from './checkout.mjs';

const FORWARDED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

/** Starts `omoi ARGS` under the pinned runtime, installing and building what is missing first. */
export async function launchFromCheckout(args) {
  await installPackages();
  if (args[0] === 'serve' || args[0] === 'gameday') await buildDashboard();
  const command = [...sourceFlags, ...runtimeFlags(), await buildServer(), ...args];
  const cache = join(checkoutDirectory, 'node_modules/.cache/omoi-compile');
  const environment = runtimeEnvironment(args, cache);
  becomeProgram(pinnedNode, command, environment);
  process.exitCode = await runForeground(command, environment);
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
