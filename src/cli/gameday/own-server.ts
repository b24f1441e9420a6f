import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findServer } from '#server';

export interface OwnServer {
  readonly dataDirectory: string;
  stop(): Promise<void>;
}

export interface OwnServerOptions {
  readonly demo: boolean;
  readonly environment: Readonly<Record<string, string>>;
}

const START_LIMIT_MS = 30_000;
const LOOK_EVERY_MS = 50;

/** Starts this very program as a server of its own: a fresh data directory, free ports. */
export async function startOwnServer(options: OwnServerOptions): Promise<OwnServer> {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'omoi-gameday-'));
  const main = process.argv[1] ?? '';
  const child = spawn(
    process.execPath,
    [...process.execArgv, main, 'serve', ...(options.demo ? ['--demo'] : [])],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env,
        OMOI_DATA_DIRECTORY: dataDirectory,
        OMOI_HTTP_PORT: '0',
        OMOI_OTLP_PORT: '0',
        ...options.environment,
      },
    },
  );
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    rmSync(dataDirectory, { recursive: true, force: true });
  };
  const giveUpAt = performance.now() + START_LIMIT_MS;
  while (findServer(dataDirectory)?.pid !== child.pid) {
    if (child.exitCode !== null)
      throw new Error(`the game day’s own server ended with exit code ${child.exitCode}`);
    if (performance.now() > giveUpAt) {
      await stop();
      throw new Error(`the game day’s own server was not ready after ${START_LIMIT_MS} ms`);
    }
    await delay(LOOK_EVERY_MS);
  }
  return { dataDirectory, stop };
}
