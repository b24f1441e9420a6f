import { spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

/** The two ends of a pipe. */
export interface Pipe {
  readonly readable: Readable;
  /** For the process that is to write; close it here when that has been started. */
  readonly writeEnd: number;
}

const MAKE_LIMIT_MS = 5000;

/**
 * So many pipes, which Node itself does not make: what it calls a pipe is a socket, and a socket can't be opened again by its
 * name, as programs do that write to `/dev/stdout`. They are named pipes of mkfifo(1), whose names are gone when this returns.
 * @throws Error where there are none to be had
 */
export function makePipes(count: number): readonly Pipe[] {
  const directory = mkdtempSync(join(tmpdir(), 'omoi-pipes-'));
  const pipes: Pipe[] = [];
  try {
    const paths = Array.from({ length: count }, (_, at) => join(directory, String(at)));
    const { status, error } = spawnSync('mkfifo', ['-m', '600', ...paths], {
      stdio: 'ignore',
      timeout: MAKE_LIMIT_MS,
    });
    if (error) throw error;
    if (status !== 0) throw new Error(`mkfifo ended with ${status ?? 'a signal'}`);
    for (const path of paths) pipes.push(openPipe(path));
    return pipes;
  } catch (thrown) {
    pipes.forEach(closePipe);
    throw thrown;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Both ends. */
export function closePipe({ readable, writeEnd }: Pipe): void {
  readable.destroy();
  closeSync(writeEnd);
}

function openPipe(path: string): Pipe {
  // Without O_NONBLOCK it would wait here for somebody who writes; who writes is to wait where the pipe is full.
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const writeEnd = openSync(path, constants.O_WRONLY);
    return { readable: new Socket({ fd: readEnd, readable: true, writable: false }), writeEnd };
  } catch (thrown) {
    closeSync(readEnd);
    throw thrown;
  }
}
