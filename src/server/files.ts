import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, OmoiError, type DocumentSource, type ErrorCode } from '#telemetry';

const YAML_FILE = /\.ya?ml$/;

/**
 * The YAML files that paths name: a file itself, of a folder all that stand in it, by name.
 * @throws OmoiError with `code` for a path that cannot be read
 */
export function readDocuments(paths: readonly string[], code: ErrorCode): readonly DocumentSource[] {
  return paths.flatMap((path) => {
    try {
      if (!statSync(path).isDirectory()) return [read(path)];
      const names = readdirSync(path).filter((name) => YAML_FILE.test(name));
      return names.sort().map((name) => read(join(path, name)));
    } catch (thrown) {
      throw new OmoiError(code, `${path}: ${messageOf(thrown)}`);
    }
  });
}

function read(path: string): DocumentSource {
  return { name: path, text: readFileSync(path, 'utf8') };
}
