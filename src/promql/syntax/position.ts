import { OmoiError } from '#telemetry';

/** Where something stands in a query: offsets in UTF-16 code units, `end` exclusive. */
export interface Position {
  readonly start: number;
  readonly end: number;
}

/** Line and column of an offset, both from 1. Columns count UTF-8 bytes, as Prometheus's do. */
function lineAndColumn(text: string, offset: number): { readonly line: number; readonly column: number } {
  let line = 1;
  let lineStart = 0;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) {
    line++;
    lineStart = at + 1;
  }
  return { line, column: Buffer.byteLength(text.slice(lineStart, offset)) + 1 };
}

/** `line:column`, as Prometheus puts it behind its annotations. */
export function formatPosition(text: string, position: Position): string {
  const { line, column } = lineAndColumn(text, position.start);
  return `${line}:${column}`;
}

/**
 * What is wrong with a query's text: `query_invalid`, worded and placed as Prometheus does it. Bytes that are no UTF-8 read
 * as U+FFFD.
 */
export function syntaxError(text: string, offset: number, problem: string): OmoiError {
  const { line, column } = lineAndColumn(text, offset);
  return new OmoiError('query_invalid', `${line}:${column}: parse error: ${problem.toWellFormed()}`, {
    line,
    column,
    offset,
  });
}
