import { spawn, type ChildProcess } from 'node:child_process';
import type { CommandProcess, ProcessExit } from './command-process.ts';

/** Starts a command that reads what this process reads, and writes into pipes. */
export function startPiped(command: readonly string[], env: NodeJS.ProcessEnv): CommandProcess {
  const [program = '', ...args] = command;
  try {
    const child = spawn(program, args, { env, stdio: ['inherit', 'pipe', 'pipe'] });
    const { pid = null, stdout, stderr } = child;
    return {
      pid,
      stdout,
      stderr,
      exited: exitOf(child),
      closed: closeOf(child),
      kill: (signal) => void child.kill(signal),
    };
  } catch (error) {
    // Some failures are thrown and not told: arguments that are too long (E2BIG), say.
    return notStarted(error);
  }
}

function exitOf(child: ChildProcess): Promise<ProcessExit> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });
}

function closeOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
}

const NOTHING = Promise.resolve();

/** What could not be started at all. */
export function notStarted(thrown: unknown): CommandProcess {
  const exited = Promise.reject<ProcessExit>(thrown instanceof Error ? thrown : new Error(String(thrown)));
  return { pid: null, stdout: null, stderr: null, exited, closed: NOTHING, kill: () => undefined };
}
