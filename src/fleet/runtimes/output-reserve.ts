import { execFile } from 'node:child_process';
import { statfs, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

/** Room is taken only where the disk has several times as much: a reserve must not be what fills it. */
const ROOM_FOR_RESERVE = 4;
/** Files of one call, so that their names stay within the limits of a command line. */
const maxFilesPerCall = 500;
const BYTES_PER_BLOCK = 512;
/** What a file system may round up to; no reserve is as small. */
const MAX_ROUNDING_BYTES = 65_536;

/** Each file's name, where to begin and how much: beyond the end of a file, whose size stays (fallocate(1), util-linux). */
const ALLOCATE = `while [ $# -gt 2 ]; do fallocate -n -o "$2" -l "$3" -- "$1" 2>/dev/null; shift 3; done`;

const run = promisify(execFile);

/** A file as it was seen last. */
export interface SizedFile {
  readonly path: string;
  readonly size: number;
}

/** Allocates blocks behind the ends of files. */
export type Allocate = (files: readonly SizedFile[], bytes: number) => Promise<void>;

/** By one shell for many files. Where `fallocate` is missing, or the file system can't, nothing is allocated. */
export const allocateBehind: Allocate = async (files, bytes) => {
  const args = files.flatMap(({ path, size }) => [path, String(size), String(bytes)]);
  await run('sh', ['-c', ALLOCATE, 'sh', ...args]).catch(() => undefined);
};

/**
 * Blocks that the file system keeps behind the end of each output file: what a process writes there finds room also where
 * the disk is full, and while no Omoi runs. It is used up as the file grows, and taken anew while there is room.
 */
export class OutputReserve {
  readonly #bytes: number;
  readonly #allocate: Allocate;
  /** Up to which size a file has room. */
  readonly #until = new Map<string, number>();

  /** @param bytes of each file; 0: none */
  constructor(bytes: number, allocate: Allocate) {
    this.#bytes = bytes;
    this.#allocate = allocate;
  }

  /** Takes room for those of some files that have used half of theirs, or have none. */
  async keep(files: readonly SizedFile[]): Promise<void> {
    if (this.#bytes === 0) return;
    const low = files.filter(({ path, size }) => (this.#until.get(path) ?? 0) - size < this.#bytes / 2);
    const [first] = low;
    if (first === undefined) return;
    const { bavail, bsize } = await statfs(dirname(first.path));
    if (bavail * bsize < low.length * this.#bytes * ROOM_FOR_RESERVE) return;
    for (let at = 0; at < low.length; at += maxFilesPerCall) {
      const some = low.slice(at, at + maxFilesPerCall);
      await this.#allocate(some, this.#bytes);
      for (const { path, size } of some) this.#until.set(path, size + this.#bytes);
    }
  }

  /** A file was emptied, or is gone: its room went with what was in it. */
  emptied(path: string): void {
    this.#until.delete(path);
  }

  /** Gives back the room of a file that nobody writes to any more. */
  async giveBack({ path, size, blocks }: SizedFile & { readonly blocks: number }): Promise<void> {
    this.#until.delete(path);
    if (blocks * BYTES_PER_BLOCK > size + MAX_ROUNDING_BYTES)
      await truncate(path, size).catch(() => undefined);
  }
}
