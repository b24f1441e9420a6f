import { globSync, readdirSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';

const YAML_FILE = /\.ya?ml$/;
const IMPORTED_FILE = /\.(?:ya?ml|tmpl|tpl|gotmpl|rules?)$/;

/** Files that a person names: of a folder all in it that may be meant, by name. @throws Error of the file system */
export function namedFiles(path: string): readonly string[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new Error('there is no such file');
  if (!found.isDirectory()) return [path];
  const names = readdirSync(path).filter((name) => IMPORTED_FILE.test(name));
  return names.sort().map((name) => join(path, name));
}

/** The files that a glob of a configuration means, relative to the folder of that configuration. */
export function globbedFiles(glob: string, configuration: string): readonly string[] {
  // The folder is no part of the pattern: it may hold what a pattern reads otherwise.
  const directory = dirname(configuration);
  return globSync(glob, { cwd: directory })
    .map((path) => (isAbsolute(path) ? path : join(directory, path)))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true)
    .sort();
}

/**
 * The folder that means the same as rule files: all the YAML that is in it, so that what is added to it later is read, too; null
 * where there is none.
 */
export function folderOf(files: readonly string[]): string | null {
  const [first] = files;
  if (first === undefined || files.length < 2) return null;
  const folder = dirname(first);
  const there = readdirSync(folder).filter((name) => YAML_FILE.test(name));
  const named = new Set(files.map((file) => resolve(file)));
  const isWhole = there.length === named.size && there.every((name) => named.has(resolve(folder, name)));
  return isWhole ? folder : null;
}
