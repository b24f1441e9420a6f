import { lstatSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { OmoiError } from '#telemetry';

const SOCKET = 'omoi.sock';
const DIRECTORY_PREFIX = 'omoi-owner-';
/** What `sun_path` holds is 108 bytes on Linux and 104 on macOS, with a zero at the end. */
const MAX_SOCKET_PATH_BYTES = 100;
/** Write permission of the group and of others. */
const WRITABLE_BY_OTHERS = 0o022;

/** Where the owner's socket will listen: whoever can connect to it is admin. */
export interface OwnerSocket {
  readonly path: string;
  /** Removes the directory that was made for the socket, if one was. */
  remove(): void;
}

export interface OwnerSocketOptions {
  readonly dataDirectory: string;
  /** Directories in which a directory of the owner's own may be made, in order of preference. */
  readonly temporaryDirectories?: readonly string[];
}

/**
 * The socket stands in the data directory. Where that path is too long, or others may write to the directory (and so
 * could put a socket of theirs in its place), it stands in a directory made anew that only the owner can enter.
 * @throws OmoiError `config_invalid` where every path is too long
 */
export function prepareOwnerSocket(options: OwnerSocketOptions): OwnerSocket {
  const { dataDirectory, temporaryDirectories = [tmpdir(), '/tmp'] } = options;
  const inside = join(dataDirectory, SOCKET);
  if (fits(inside) && isOwnedAlone(dataDirectory)) return { path: inside, remove: () => undefined };
  const parent = temporaryDirectories.find((directory) =>
    fits(join(directory, `${DIRECTORY_PREFIX}XXXXXX`, SOCKET)),
  );
  if (parent === undefined) {
    throw new OmoiError(
      'config_invalid',
      `data_directory: the path of its socket, ${inside}, is longer than ${MAX_SOCKET_PATH_BYTES} bytes, and so is one ` +
        `in ${temporaryDirectories.join(' or ')}; use a shorter path, or set TMPDIR to one.`,
    );
  }
  // mkdtemp makes a new directory with mode 0700 under a name nobody could foresee, or fails.
  const directory = mkdtempSync(join(parent, DIRECTORY_PREFIX));
  return {
    path: join(directory, SOCKET),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Removes what a server that crashed left outside of its data directory; only what is certainly its own. */
export function removeAbandonedSocket(socketPath: string): void {
  const directory = dirname(socketPath);
  if (!basename(directory).startsWith(DIRECTORY_PREFIX)) return;
  if (basename(socketPath) !== SOCKET || !isOwnedAlone(directory)) return;
  rmSync(directory, { recursive: true, force: true });
}

function fits(path: string): boolean {
  return Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES;
}

/** Whether it is a directory (no link to one) of this user's that nobody else may write to. */
function isOwnedAlone(directory: string): boolean {
  const found = lstatSync(directory, { throwIfNoEntry: false });
  if (!found?.isDirectory()) return false;
  const isOurs = process.getuid === undefined || found.uid === process.getuid();
  return isOurs && (found.mode & WRITABLE_BY_OTHERS) === 0;
}
