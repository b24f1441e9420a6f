import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findServer, lastAnnouncement, withdrawServer, type RunningServer } from '#server';
import { OwnMachine, type Program } from './own-machine.ts';

export interface OwnServer {
  readonly dataDirectory: string;
  /** What it runs on that can be booted anew; null where it runs beside the runner. */
  readonly machine: RebootableMachine | null;
  /** Where it listens; null while it does not. */
  readonly find: () => RunningServer | null;
  stop(): Promise<void>;
}

export interface OwnServerOptions {
  readonly demo: boolean;
  readonly environment: Readonly<Record<string, string>>;
}

/** A machine of which the server is the program. */
export interface RebootableMachine {
  /** Kills all that runs on it, and boots it again with strangers under the pids that are named; waits for the server. */
  reboot(strangers: readonly number[]): Promise<void>;
  strangers: OwnMachine['strangers'];
}

const START_LIMIT_MS = 30_000;
const LOOK_EVERY_MS = 50;

/** Starts this very program as a server of its own: a fresh data directory, free ports. */
export async function startOwnServer(options: OwnServerOptions): Promise<OwnServer> {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'omoi-gameday-'));
  const { command, env } = programOf(dataDirectory, options);
  const [file = '', ...args] = command;
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'], env });
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    rmSync(dataDirectory, { recursive: true, force: true });
  };
  await ready({
    isReady: () => findServer(dataDirectory)?.pid === child.pid,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    stop,
  });
  return { dataDirectory, machine: null, find: () => findServer(dataDirectory), stop };
}

/** The same, on a machine of its own. Processes there have other pids than the runner sees. */
export async function startServerOnOwnMachine(options: OwnServerOptions): Promise<OwnServer> {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'omoi-gameday-'));
  const machine = new OwnMachine(programOf(dataDirectory, options));
  const stop = async (): Promise<void> => {
    await machine.remove();
    rmSync(dataDirectory, { recursive: true, force: true });
  };
  const boot = (strangers: readonly number[]): Promise<void> => {
    machine.boot(strangers);
    const isReady = (): boolean => lastAnnouncement(dataDirectory) !== null;
    return ready({ isReady, isRunning: () => machine.isUp, stop });
  };
  await boot([]);
  return {
    dataDirectory,
    machine: {
      async reboot(strangers) {
        await machine.crash();
        // Its pid says nothing here, so that the old announcement could not be told from the new one.
        withdrawServer(dataDirectory);
        await boot(strangers);
      },
      strangers: () => machine.strangers(),
    },
    find: () => lastAnnouncement(dataDirectory),
    stop,
  };
}

function programOf(dataDirectory: string, { demo, environment }: OwnServerOptions): Program {
  const main = process.argv[1] ?? '';
  return {
    command: [process.execPath, ...process.execArgv, main, 'serve', ...(demo ? ['--demo'] : [])],
    env: {
      ...process.env,
      OMOI_DATA_DIRECTORY: dataDirectory,
      OMOI_HTTP_PORT: '0',
      OMOI_OTLP_PORT: '0',
      ...environment,
    },
  };
}

interface Starting {
  readonly isReady: () => boolean;
  readonly isRunning: () => boolean;
  readonly stop: () => Promise<void>;
}

/** @throws Error where it ends instead, or takes too long */
async function ready({ isReady, isRunning, stop }: Starting): Promise<void> {
  const giveUpAt = performance.now() + START_LIMIT_MS;
  while (!isReady()) {
    const isOver = performance.now() > giveUpAt;
    if (isRunning() && !isOver) {
      await delay(LOOK_EVERY_MS);
      continue;
    }
    await stop();
    throw new Error(
      isOver
        ? `the game day’s own server was not ready after ${START_LIMIT_MS} ms`
        : 'the game day’s own server ended',
    );
  }
}
