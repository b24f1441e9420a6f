// Runs a command that takes long, and tells on standard error how it goes on.
import { spawn } from 'node:child_process';

const terminalEveryMs = 500;
/** Where lines stay, as in a log, they are few. */
const logEveryMs = 10_000;
const passedOn = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const clearLine = '\r\u001B[K';

/**
 * On a terminal one line that is written anew, elsewhere a line at the beginning and now and then; what the command says
 * itself comes in between.
 * @param {{ command: string, args: readonly string[], cwd: string, what: string, done?: () => string }} run `done`: how far it
 *   is, as `120 of 312 packages`
 * @throws Error where the command cannot be started or fails
 */
export async function runTold({ command, args, cwd, what, done = () => '' }, output = process.stderr) {
  const startedMs = performance.now();
  const seconds = () => Math.floor((performance.now() - startedMs) / 1000);
  const line = () => `omoi: ${what} … ${[done(), `${seconds()} s`].filter(Boolean).join(', ')}`;
  const show = output.isTTY ? () => output.write(`${clearLine}${line()}`) : () => output.write(`${line()}\n`);
  output.write(output.isTTY ? `omoi: ${what} …` : `omoi: ${what} …\n`);
  const timer = setInterval(show, output.isTTY ? terminalEveryMs : logEveryMs);
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  // Left behind, it would go on beside what the next start runs.
  let endedBy = null;
  const passOn = (signal) => {
    endedBy = signal;
    child.kill(signal);
  };
  for (const signal of passedOn) process.on(signal, passOn);
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      if (output.isTTY) output.write(clearLine);
      output.write(chunk);
    });
  }
  try {
    await ended(child, [command, ...args]);
  } finally {
    clearInterval(timer);
    if (output.isTTY) output.write(clearLine);
    for (const signal of passedOn) process.off(signal, passOn);
    if (endedBy !== null) process.kill(process.pid, endedBy);
  }
  output.write(`omoi: ${what}: done after ${seconds()} s\n`);
}

function ended(child, words) {
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new Error(`${words[0]} could not be started: ${error.message}`)));
    child.on('close', (status, signal) => {
      if (status === 0) resolve();
      else reject(new Error(`\`${words.join(' ')}\` failed (exit ${status ?? signal})`));
    });
  });
}
