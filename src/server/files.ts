import { readdirSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { messageOf, nextTurn, OmoiError, type DocumentSource, type ErrorCode } from '#telemetry';
import { readTextFile } from './text-file.ts';

const YAML_FILE = /\.ya?ml$/;

/** Whether a folder that is named stands for this file of it, too. */
export function isYamlFile(name: string): boolean {
  return YAML_FILE.test(name);
}

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

function yamlFilesOf(path: string): readonly string[] {
  if (!statSync(path).isDirectory()) return [path];
  const names = readdirSync(path).filter(isYamlFile);
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
