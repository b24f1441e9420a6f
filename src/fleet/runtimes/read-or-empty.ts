import { readFileSync } from 'node:fs';

/** The text of a file of the system; empty where it is not there or not to be read. */
export function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
