const PLACE = /(?:^|[ :])(\d+):(\d+): parse error/;

/**
 * The line of an expression that the server's error is about, and a caret under the place; nothing where the error
 * names none.
 */
export function placeOf(expression: string, message: string): readonly string[] {
  const [, line, column] = PLACE.exec(message) ?? [];
  const text = expression.split('\n')[Number(line) - 1];
  if (text === undefined) return [];
  // Columns count bytes, from 1.
  const before = Buffer.from(text)
    .subarray(0, Number(column) - 1)
    .toString();
  return [`  ${text.replaceAll('\t', ' ')}`, `  ${' '.repeat(Array.from(before).length)}^`];
}
