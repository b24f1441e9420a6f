import { closeSync, constants, existsSync, fstatSync, openSync, readSync } from 'node:fs';

/** As many bytes of a script as Linux reads for the name of its interpreter (execve(2)). */
const MAX_BYTES = 256;

/**
 * The interpreter that a script names in its first line, where there is no such file; null where it is there, or the program
 * names none. The system says of both that a file is not found, and not which.
 */
export function missingInterpreter(path: string): string | null {
  const [, interpreter] = /^#![ \t]*([^ \t\n]+)/.exec(beginningOf(path)) ?? [];
  return interpreter === undefined || existsSync(interpreter) ? null : interpreter;
}

function beginningOf(path: string): string {
  let descriptor: number;
  try {
    // A pipe is opened without waiting for who writes to it.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    // A program may be run that may not be read.
    return '';
  }
  try {
    if (!fstatSync(descriptor).isFile()) return '';
    const bytes = Buffer.alloc(MAX_BYTES);
    return bytes.subarray(0, readSync(descriptor, bytes)).toString();
  } finally {
    closeSync(descriptor);
  }
}
