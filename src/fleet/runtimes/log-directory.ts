import { statSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

const LOG_NAME = /^(\d+)\.(?:stdout|stderr)\.log(?:\.(\d+))?$/;

/** One of the files of an agent's output. */
export interface LogFile {
  readonly path: string;
  readonly generation: number;
  /** 0: the one that grows; 1: the newest copy … */
  readonly copy: number;
  readonly size: number;
  /** What is allocated, as stat(2) counts it. */
  readonly blocks: number;
  readonly changedAtMs: number;
}

export async function logFilesOf(directory: string): Promise<readonly LogFile[]> {
  const files: LogFile[] = [];
  for (const name of await entriesOf(directory)) {
    const [, generation, copy] = LOG_NAME.exec(name) ?? [];
    if (generation === undefined) continue;
    const path = join(directory, name);
    const found = await stat(path).catch(nullIfMissing);
    if (!found) continue;
    const { size, blocks, mtimeMs: changedAtMs } = found;
    files.push({ path, generation: Number(generation), copy: Number(copy ?? 0), size, blocks, changedAtMs });
  }
  return files;
}

/**
 * As `sizeOf`, on the spot: two microseconds on a disk of the machine's own, where the answer of a thread costs a hundred.
 * For disks that have just answered: it stands all still while one does not.
 */
export function sizeNow(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.size ?? null;
}

/** null for a file that is not there. */
export async function sizeOf(path: string): Promise<number | null> {
  return (await stat(path).catch(nullIfMissing))?.size ?? null;
}

export function nullIfMissing(error: unknown): null {
  ignoreMissing(error);
  return null;
}

export async function entriesOf(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    ignoreMissing(error);
    return [];
  }
}

export function ignoreMissing(error: unknown): void {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
}
