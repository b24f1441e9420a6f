import { fstatSync, ftruncateSync, readSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { nullIfMissing } from './log-directory.ts';

/** Reads of what was written meanwhile, each of what came during the one before, before a file is emptied. */
const MAX_CATCH_UPS = 6;
/** Of what came behind the last of them so much is read on the spot: a fifth of a millisecond. What grows more loses what is before. */
export const maxLastReadBytes = 1024 * 1024;
/** Such reads of the last that came, each of what came during the one before. */
const MAX_LAST_READS = 3;
/** A file that is cut while it is read is read so often. */
const MAX_READS_OF_CUT = 3;
/** A larger file is emptied beside the event loop: to free the blocks of 64 MiB takes a disk tens of milliseconds. */
const MAX_EMPTIED_AT_ONCE_BYTES = 32 * 1024 * 1024;

/** The end of a file that was emptied. */
export interface TakenEnd {
  readonly bytes: Buffer;
  /** What stood before it, and is not kept. */
  readonly lostBytes: number;
}

/** The end of a file; empty where there is none. */
async function endOf(path: string, maxBytes: number): Promise<Buffer> {
  const file = await open(path, 'r').catch(nullIfMissing);
  if (!file) return Buffer.alloc(0);
  try {
    for (let reads = 1; ; reads++) {
      const { size } = await file.stat();
      const begin = Math.max(0, size - maxBytes);
      const bytes = await readBetween(file, begin, size);
      // One that was cut meanwhile has its end elsewhere.
      if (bytes.length === size - begin || reads === MAX_READS_OF_CUT) return bytes;
    }
  } finally {
    await file.close();
  }
}

/** The end of a stream: of the file that grows, and as far as that is too short, of its copies `PATH.1`, `PATH.2` … */
export async function tailOf(path: string, copies: number, maxBytes: number): Promise<string> {
  const pieces = [await endOf(path, maxBytes)];
  let missing = maxBytes - (pieces[0]?.length ?? 0);
  for (let copy = 1; copy <= copies && missing > 0; copy++) {
    const piece = await endOf(`${path}.${copy}`, missing);
    pieces.unshift(piece);
    missing -= piece.length;
  }
  return Buffer.concat(pieces).toString('utf8');
}

/**
 * Empties a file that somebody writes to, and takes its end. Writers append to it without asking, so that what they write
 * between the last read and the emptying is lost, and nobody can count it: it is read until next to nothing comes meanwhile, and the last
 * read and the emptying follow each other within microseconds.
 * @param emptied called as soon as it is empty
 * @throws Error of the file system
 */
export async function takeEnd(path: string, maxBytes: number, emptied: () => void): Promise<TakenEnd> {
  const file = await open(path, 'r+');
  try {
    const end = new GrowingEnd(maxBytes);
    for (let read = 0; read <= MAX_CATCH_UPS; read++) {
      const { size } = await file.stat();
      if (read > 0 && size - end.size <= maxLastReadBytes) break;
      const begin = Math.max(end.size, size - maxBytes);
      end.add(await readBetween(file, begin, size), begin);
    }
    const lastSize = readLast(file.fd, end);
    if (lastSize <= MAX_EMPTIED_AT_ONCE_BYTES) ftruncateSync(file.fd, 0);
    else await file.truncate(0);
    emptied();
    const bytes = end.bytes();
    return { bytes, lostBytes: lastSize - bytes.length };
  } finally {
    await file.close();
  }
}

/** Keeps the end of a copy, in its place: that needs no room. */
export async function cutToEnd(path: string, keptBytes: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const { size } = await file.stat();
    const end = await readBetween(file, Math.max(0, size - keptBytes), size);
    await file.write(end, 0, end.length, 0);
    await file.truncate(end.length);
  } finally {
    await file.close();
  }
}

/** Reads what came last, without a turn of the event loop. @returns the size of the file behind it */
function readLast(fd: number, end: GrowingEnd): number {
  for (let read = 0; read < MAX_LAST_READS; read++) {
    const { size } = fstatSync(fd);
    if (size <= end.size) return size;
    const begin = Math.max(end.size, size - Math.min(end.maxBytes, maxLastReadBytes));
    const bytes = Buffer.alloc(size - begin);
    end.add(bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, begin)), begin);
  }
  return fstatSync(fd).size;
}

async function readBetween(file: FileHandle, begin: number, end: number): Promise<Buffer> {
  const length = Math.max(0, end - begin);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, begin);
  return buffer.subarray(0, bytesRead);
}

/** The end of a file as it is read on and on, without gaps. */
class GrowingEnd {
  readonly maxBytes: number;
  /** Up to where the file has been read. */
  size = 0;
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** What is before a gap is given up, and what is more than it keeps. */
  add(piece: Buffer, begin: number): void {
    if (begin > this.size) {
      this.#pieces = [];
      this.#bytes = 0;
    }
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    this.size = begin + piece.length;
    while (this.#pieces.length > 1 && this.#bytes - (this.#pieces[0]?.length ?? 0) >= this.maxBytes) {
      this.#bytes -= this.#pieces.shift()?.length ?? 0;
    }
  }

  bytes(): Buffer {
    const [only] = this.#pieces;
    const all = this.#pieces.length === 1 && only ? only : Buffer.concat(this.#pieces);
    return all.subarray(Math.max(0, all.length - this.maxBytes));
  }
}
