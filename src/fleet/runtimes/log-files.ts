import { closeSync, mkdirSync, openSync } from 'node:fs';
import { copyFile, open, readdir, rename, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';

export interface LogLimits {
  /** A file that has grown beyond it is rotated. */
  readonly maxLogBytes: number;
  /** Rotated copies kept of one file, besides the one that grows. */
  readonly keptCopies: number;
  /** Generations of one agent whose output is kept. */
  readonly keptGenerations: number;
}

const DEFAULT_LOG_LIMITS: LogLimits = {
  maxLogBytes: 8 * 1024 * 1024,
  keptCopies: 2,
  keptGenerations: 5,
};

/** Open for one spawn: the child gets copies, the caller closes its own. */
export interface OutputFiles {
  readonly stdout: number;
  readonly stderr: number;
  close(): void;
}

const LOG_NAME = /^(\d+)\.(?:stdout|stderr)\.log(?:\.\d+)?$/;

/**
 * The output of agents: `AGENT_ID/GENERATION.stdout.log` and `.stderr.log`. A process writes into its file by
 * itself, so that it never depends on a reader. Rotation is copy and truncate: files are open for appending, so a
 * writer goes on at the new end; what it writes between the copy and the truncation is lost.
 */
export class LogFiles {
  readonly #directory: string;
  readonly #limits: LogLimits;

  constructor(directory: string, limits: LogLimits = DEFAULT_LOG_LIMITS) {
    this.#directory = directory;
    this.#limits = limits;
  }

  /** @throws Error of the file system */
  open(agentId: string, generation: number): OutputFiles {
    const directory = join(this.#directory, agentId);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const stdout = openSync(join(directory, `${generation}.stdout.log`), 'a', 0o600);
    try {
      const stderr = openSync(join(directory, `${generation}.stderr.log`), 'a', 0o600);
      return {
        stdout,
        stderr,
        close() {
          closeSync(stdout);
          closeSync(stderr);
        },
      };
    } catch (error) {
      closeSync(stdout);
      throw error;
    }
  }

  /** The ends of an agent's two files, at most `maxBytes` of each; empty where there is none. */
  async tail(
    agentId: string,
    generation: number,
    maxBytes: number,
  ): Promise<{ readonly stdout: string; readonly stderr: string }> {
    const read = (stream: 'stdout' | 'stderr'): Promise<string> =>
      tailOf(join(this.#directory, agentId, `${generation}.${stream}.log`), maxBytes);
    const [stdout, stderr] = await Promise.all([read('stdout'), read('stderr')]);
    return { stdout, stderr };
  }

  /** Rotates what is too large and removes what is too old, of all agents. */
  async tidy(): Promise<void> {
    for (const agentId of await entriesOf(this.#directory)) {
      const directory = join(this.#directory, agentId);
      const files = await entriesOf(directory);
      await this.#removeOldGenerations(directory, files);
      for (const file of files.filter((name) => name.endsWith('.log'))) {
        await this.#rotate(join(directory, file));
      }
    }
  }

  async #removeOldGenerations(directory: string, files: readonly string[]): Promise<void> {
    const generationOf = (file: string): number => Number(LOG_NAME.exec(file)?.[1] ?? Number.NaN);
    const newest = Math.max(...files.map(generationOf).filter((generation) => !Number.isNaN(generation)));
    for (const file of files) {
      if (generationOf(file) <= newest - this.#limits.keptGenerations) {
        await rm(join(directory, file), { force: true });
      }
    }
  }

  async #rotate(file: string): Promise<void> {
    const { maxLogBytes, keptCopies } = this.#limits;
    const size = await stat(file).then(
      ({ size }) => size,
      () => 0,
    );
    if (size <= maxLogBytes) return;
    await rm(`${file}.${keptCopies}`, { force: true });
    for (let copy = keptCopies - 1; copy >= 1; copy--) {
      await rename(`${file}.${copy}`, `${file}.${copy + 1}`).catch(ignoreMissing);
    }
    if (keptCopies > 0) await copyFile(file, `${file}.1`);
    await truncate(file, 0);
  }
}

async function entriesOf(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    ignoreMissing(error);
    return [];
  }
}

async function tailOf(path: string, maxBytes: number): Promise<string> {
  let file;
  try {
    file = await open(path, 'r');
  } catch (error) {
    ignoreMissing(error);
    return '';
  }
  try {
    const { size } = await file.stat();
    const length = Math.min(size, maxBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

function ignoreMissing(error: unknown): void {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
}
