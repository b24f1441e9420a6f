import { resolve } from 'node:path';
import { backUpState } from '#storage';

/**
 * `omoi backup FILE`: the state of a data directory in a file, while its server runs or not.
 * @throws OmoiError `backup_failed`
 */
export function backUp(file: string, { dataDirectory }: { readonly dataDirectory: string }): void {
  const bytes = backUpState(dataDirectory, resolve(file));
  process.stdout.write(`${file}: the state of ${dataDirectory}, ${bytes} bytes\n`);
}
