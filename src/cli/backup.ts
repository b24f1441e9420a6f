import { resolve } from 'node:path';
import { backUpState } from '#storage';
import { printJson } from './terminal/print.ts';

export interface BackupFlags {
  readonly dataDirectory: string;
  readonly json?: boolean;
}

/**
 * `omoi backup FILE`: the state of a data directory in a file, while its server runs or not.
 * @throws OmoiError `backup_failed`
 */
export function backUp(file: string, { dataDirectory, json }: BackupFlags): void {
  const bytes = backUpState(dataDirectory, resolve(file));
  if (json === true) printJson({ file: resolve(file), bytes });
  else process.stdout.write(`${file}: the state of ${dataDirectory}, ${bytes} bytes\n`);
}
