import { stripVTControlCharacters } from 'node:util';
import { printable } from '../query/printable.ts';

/** An output of several lines that does nothing but show itself: without colours and moves, tabs and ends of lines kept. */
export function harmlessOutput(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll('\r\n', '\n')
    .split(/([\n\t])/)
    .map((piece) => (piece === '\n' || piece === '\t' ? piece : printable(piece)))
    .join('');
}
