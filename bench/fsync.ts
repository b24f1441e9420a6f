import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Mean time in ms of a 4 KiB write and its fsync in a folder: what a commit of its own costs there at least. */
export function fsyncMs(directory: string): number {
  const path = join(directory, 'fsync');
  const file = openSync(path, 'w');
  const page = Buffer.alloc(4096, 1);
  const rounds = 200;
  const startedMs = performance.now();
  for (let round = 0; round < rounds; round++) {
    writeSync(file, page);
    fsyncSync(file);
  }
  const meanMs = (performance.now() - startedMs) / rounds;
  closeSync(file);
  rmSync(path);
  return meanMs;
}
