import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { CommandProcess, ProcessExit } from './command-process.ts';
import { closePipe, makePipes, type Pipe } from './named-pipe.ts';

/** Starts a command that reads what this process reads, and writes into pipes, or into sockets where no pipes can be had. */
export function startPiped(command: readonly string[], env: NodeJS.ProcessEnv): CommandProcess {
  const [program = '', ...args] = command;
  const [out, errors] = pipesIfAny();
  let child: ChildProcess;
  try {
    child = spawn(program, args, {
      env,
      stdio: ['inherit', out?.writeEnd ?? 'pipe', errors?.writeEnd ?? 'pipe'],
    });
  } catch (error) {
    for (const pipe of [out, errors]) if (pipe) closePipe(pipe);
    // Some failures are thrown and not told: arguments that are too long (E2BIG), say.
    return notStarted(error);
  }
  // Who still holds the other ends of them is of the command: the pipes end with the last one.
  for (const pipe of [out, errors]) if (pipe) closeSync(pipe.writeEnd);
  const stdout = out?.readable ?? child.stdout;
  const stderr = errors?.readable ?? child.stderr;
  return {
    pid: child.pid ?? null,
    stdout,
    stderr,
    exited: exitOf(child),
    closed: closeOf(child, [stdout, stderr]),
    kill: (signal) => void child.kill(signal),
  };
}

function pipesIfAny(): readonly Pipe[] {
  try {
    return makePipes(2);
  } catch {
    return [];
  }
}

function exitOf(child: ChildProcess): Promise<ProcessExit> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });
}

async function closeOf(child: ChildProcess, streams: readonly (Readable | null)[]): Promise<void> {
  const closed = streams.map((stream) => (stream === null ? NOTHING : streamClosed(stream)));
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  await Promise.all([ended, ...closed]);
}

function streamClosed(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    stream.once('close', () => resolve());
  });
}

const NOTHING = Promise.resolve();

/** What could not be started at all. */
export function notStarted(thrown: unknown): CommandProcess {
  const exited = Promise.reject<ProcessExit>(thrown instanceof Error ? thrown : new Error(String(thrown)));
  return { pid: null, stdout: null, stderr: null, exited, closed: NOTHING, kill: () => undefined };
}
