import type { Definition } from './nodes.ts';

/** `name:2:7` of an offset in the text that a definition stands in; lines and columns from 1. */
export function sourcePlace(
  { source, sourceName }: Pick<Definition, 'source' | 'sourceName'>,
  offset: number,
): string {
  const before = source.slice(0, offset);
  const line = before.split('\n').length;
  return `${sourceName}:${line}:${offset - before.lastIndexOf('\n')}`;
}
