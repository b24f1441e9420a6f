import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isYamlFile } from '#server';

/** The files that a person names: of a folder all its YAML, by name; what can't be looked at is named as it is. */
export function rulePaths(named: readonly string[]): readonly string[] {
  if (named.length === 0) return ['-'];
  return named.flatMap((path) => {
    const found = path === '-' ? undefined : statSync(path, { throwIfNoEntry: false });
    if (found === undefined || !found.isDirectory()) return [path];
    return readdirSync(path)
      .filter(isYamlFile)
      .sort()
      .map((name) => join(path, name));
  });
}
