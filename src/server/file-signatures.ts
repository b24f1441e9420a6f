import { createHash } from 'node:crypto';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isYamlFile } from './files.ts';

/** What tells whether a file has changed without reading it; of a folder, whether any YAML file in it has. */
export interface FileSignature {
  readonly text: string;
  /** The newest moment at which one of the files was written; wall time, ms since epoch, 0 where there is none. */
  readonly writtenMs: number;
}

/** How files are looked at. Tests and other file systems have their own. */
export type LookAtFile = (path: string) => Promise<FileSignature>;

/** Asked of the file system at once. */
const maxLooksAtOnce = 16;

/**
 * The signature of a path. Links are followed, and where they lead counts, so that a folder that is swapped whole (as Kubernetes
 * does with a ConfigMap) has changed. What is not there has a signature, too.
 */
export async function signatureOf(path: string): Promise<FileSignature> {
  try {
    if (!(await stat(path)).isDirectory()) return await signatureOfFile(path);
    const names = (await readdir(path)).filter(isYamlFile).sort();
    const hash = createHash('sha256').update(await realpath(path));
    let writtenMs = 0;
    for (let at = 0; at < names.length; at += maxLooksAtOnce) {
      const some = names.slice(at, at + maxLooksAtOnce);
      const found = await Promise.all(some.map((name) => signatureOf(join(path, name))));
      for (const [index, one] of found.entries()) {
        hash.update(`\n${some[index] ?? ''}\0${one.text}`);
        writtenMs = Math.max(writtenMs, one.writtenMs);
      }
    }
    return { text: hash.digest('base64'), writtenMs };
  } catch (thrown) {
    const { code } = thrown as { readonly code?: unknown };
    return { text: `unread: ${String(code)}`, writtenMs: 0 };
  }
}

async function signatureOfFile(path: string): Promise<FileSignature> {
  const link = (await lstat(path)).isSymbolicLink() ? await realpath(path) : '';
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  // Who renames a file or puts its old time back changes `ctime` all the same.
  const writtenMs = Math.max(Number(mtimeNs), Number(ctimeNs)) / 1e6;
  return { text: [link, dev, ino, size, mtimeNs, ctimeNs].join(':'), writtenMs };
}
