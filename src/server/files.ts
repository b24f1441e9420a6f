import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { messageOf, nextTurn, OmoiError, type DocumentSource, type ErrorCode } from '#telemetry';

const YAML_FILE = /\.ya?ml$/;

/** A hundred times what a large installation writes; a larger file is a mistake. */
const maxFileBytes = 16_777_216;
/** Files that are read in one turn of the event loop. */
const filesPerTurn = 64;

/**
 * The YAML files that paths name: a file itself, of a folder all that stand in it, by name.
 * @throws OmoiError with `code` for a path that cannot be read; the message names it
 */
export async function readDocuments(
  paths: readonly string[],
  code: ErrorCode,
): Promise<readonly DocumentSource[]> {
  const documents: DocumentSource[] = [];
  for (const path of paths) {
    for (const name of naming(path, code, () => yamlFilesOf(path))) {
      documents.push(naming(name, code, () => ({ name, text: readTextFile(name) })));
      if (documents.length % filesPerTurn === 0) await nextTurn();
    }
  }
  return documents;
}

/**
 * The text of a file that a person wrote. Neither a pipe, which might never end, nor a device, which has no end, is
 * read: that would stop the server.
 * @throws Error where it is no regular file, is too large, or cannot be read
 */
function readTextFile(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new Error('this is no regular file');
    if (stat.size > maxFileBytes) {
      throw new Error(`the file has ${stat.size} bytes; more than ${maxFileBytes} are not read`);
    }
    return readUpTo(file, stat.size === 0 ? maxFileBytes : stat.size);
  } finally {
    closeSync(file);
  }
}

/** Some regular files (below /proc) say that they have no size. */
function readUpTo(file: number, bytes: number): string {
  const buffer = Buffer.allocUnsafe(bytes);
  let filled = 0;
  while (filled < bytes) {
    const read = readSync(file, buffer, filled, bytes - filled, null);
    if (read === 0) break;
    filled += read;
  }
  return buffer.toString('utf8', 0, filled);
}

function yamlFilesOf(path: string): readonly string[] {
  if (!statSync(path).isDirectory()) return [path];
  const names = readdirSync(path).filter((name) => YAML_FILE.test(name));
  return names.sort().map((name) => join(path, name));
}

function naming<Result>(path: string, code: ErrorCode, read: () => Result): Result {
  try {
    return read();
  } catch (thrown) {
    const place = isAbsolute(path) ? path : `${path} (${resolve(path)})`;
    throw new OmoiError(code, `${place}: ${messageOf(thrown)}`);
  }
}
