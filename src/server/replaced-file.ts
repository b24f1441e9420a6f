import { randomUUID } from 'node:crypto';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Puts another text in the place of a file that is there, whole or not at all: with its mode, its owner where that may be given, and
 * through links.
 * @throws Error of the file system; the file is as it was then
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const target = await realpath(path);
  const beside = join(dirname(target), `.${basename(target)}.${randomUUID().slice(0, 8)}.tmp`);
  try {
    const { mode, uid, gid } = await stat(target);
    const file = await open(beside, 'wx', mode & PERMISSIONS);
    try {
      await file.writeFile(text);
      // Before the mode: a change of owner clears some bits of it.
      if (process.getuid?.() === 0) await file.chown(uid, gid);
      // What a file is created with is narrowed by the process's umask.
      await file.chmod(mode & PERMISSIONS);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, target);
  } catch (thrown) {
    await rm(beside, { force: true });
    throw thrown;
  }
}

const PERMISSIONS = 0o7777;
