import { printable } from '../query/printable.ts';

/**
 * Lines for a person beside the output. They may quote anybody (a name, an answer of a server, a file): what a terminal
 * would act on is shown in its place.
 */
export function aside(text: string): void {
  process.stderr.write(`${harmlessLines(text)}\n`);
}

/** A text of some lines in which nothing but the ends of lines is left of what a terminal would act on. */
function harmlessLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
