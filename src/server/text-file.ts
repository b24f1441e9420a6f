import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';

/** A hundred times what a large installation writes; a larger file is a mistake. */
const maxFileBytes = 16_777_216;
/** A pipe is opened without waiting for who writes to it. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;
const NOTHING = '/dev/null';

/**
 * The text of a file that a person wrote. Neither a pipe, which might never end, nor a device, which has no end, is
 * read: that would stop the server. `/dev/null` is empty.
 * @throws Error where it is no regular file, is too large, or cannot be read
 */
export function readTextFile(path: string, maxBytes = maxFileBytes): string {
  if (path === NOTHING) return '';
  const file = openSync(path, FLAGS);
  try {
    const buffer = bufferFor(fstatSync(file), maxBytes);
    let filled = 0;
    while (filled < buffer.length) {
      const read = readSync(file, buffer, filled, buffer.length - filled, null);
      if (read === 0) break;
      filled += read;
    }
    return buffer.toString('utf8', 0, filled);
  } finally {
    closeSync(file);
  }
}

/** As `readTextFile`, for a server that runs: a disk that hangs does not stop it. */
export async function readTextFileLater(path: string, maxBytes = maxFileBytes): Promise<string> {
  if (path === NOTHING) return '';
  const file = await open(path, FLAGS);
  try {
    const buffer = bufferFor(await file.stat(), maxBytes);
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, null);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.toString('utf8', 0, filled);
  } finally {
    await file.close();
  }
}

/** Some regular files (below /proc) say that they have no size. */
function bufferFor(stat: Stats, maxBytes: number): Buffer {
  if (stat.isDirectory())
    throw Object.assign(new Error('this is no regular file, but a directory'), { code: 'EISDIR' });
  if (!stat.isFile()) throw new Error('this is no regular file');
  if (stat.size > maxBytes)
    throw new Error(`the file has ${stat.size} bytes; more than ${maxBytes} are not read`);
  return Buffer.allocUnsafe(stat.size === 0 ? maxBytes : stat.size);
}
