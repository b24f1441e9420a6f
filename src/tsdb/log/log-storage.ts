import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

/** The few things the log asks of a disk, so that tests can hand in a bad one. */
export interface LogStorage {
  list(): Promise<readonly string[]>;
  size(name: string): Promise<number>;
  /** Up to `length` bytes from `offset` on. */
  read(name: string, offset: number, length: number): Promise<Uint8Array>;
  /** Makes an empty file, whatever was there. */
  create(name: string): Promise<LogFile>;
  truncate(name: string, length: number): Promise<void>;
  /** Gives a file its final name; it is on disk when this resolves. */
  rename(from: string, to: string): Promise<void>;
  remove(name: string): Promise<void>;
}

/** A file that grows at its end. */
export interface LogFile {
  /** Writes at `offset`; may have written a part when it rejects. */
  write(bytes: Uint8Array, offset: number): Promise<void>;
  /** Resolves when what was written survives a power cut. */
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

/** Whether an error means that the disk is full (or a quota is). */
export function isDiskFull(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** A folder of the real disk, made when it is missing. */
export async function openLogDirectory(directory: string): Promise<LogStorage> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return {
    list: () => readdir(directory),
    size: async (name) => (await stat(join(directory, name))).size,
    read: (name, offset, length) => readPart(join(directory, name), offset, length),
    create: async (name) => {
      const file = fileOf(await open(join(directory, name), 'w', 0o600));
      await syncDirectory(directory);
      return file;
    },
    async truncate(name, length) {
      const handle = await open(join(directory, name), 'r+');
      await handle.truncate(length);
      await handle.datasync();
      await handle.close();
    },
    async rename(from, to) {
      await rename(join(directory, from), join(directory, to));
      await syncDirectory(directory);
    },
    remove: (name) => rm(join(directory, name), { force: true }),
  };
}

async function readPart(path: string, offset: number, length: number): Promise<Uint8Array> {
  const handle = await open(path, 'r');
  try {
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  } finally {
    await handle.close();
  }
}

function fileOf(handle: FileHandle): LogFile {
  return {
    async write(bytes, offset) {
      let written = 0;
      while (written < bytes.length) {
        const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, offset + written);
        written += bytesWritten;
      }
    },
    sync: () => handle.datasync(),
    truncate: (length) => handle.truncate(length),
    close: () => handle.close(),
  };
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
