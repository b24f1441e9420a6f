import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes a directory, and those above it that are missing, each its owner's alone. Node's own way (`recursive`) never comes
 * back where a file system takes no directories and says ENOENT, as below `/proc`.
 * @throws Error of the file system, at once
 */
export function makeDirectory(directory: string): void {
  const missing: string[] = [];
  for (let at = resolve(directory); !isThere(at); at = dirname(at)) missing.push(at);
  for (const path of missing.toReversed()) {
    try {
      mkdirSync(path, { mode: 0o700 });
    } catch (thrown) {
      // Somebody else was faster, or something else stands there, which the next step tells.
      if (codeOf(thrown) !== 'EEXIST') throw thrown;
    }
  }
  if (!statSync(directory).isDirectory()) {
    throw Object.assign(new Error(`ENOTDIR: not a directory, mkdir '${directory}'`), { code: 'ENOTDIR' });
  }
}

/** Also what can't be looked at, and the root, above which there is nothing to be made. */
function isThere(path: string): boolean {
  if (dirname(path) === path) return true;
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (thrown) {
    // Names that lead on in a circle, or are too long, are told of when they are made.
    return codeOf(thrown) === 'EACCES';
  }
}

function codeOf(thrown: unknown): unknown {
  return thrown instanceof Error && 'code' in thrown ? thrown.code : null;
}
