/** Of more mistakes than these a message names the first ones, and says how many others there are. */
export const maxListedProblems = 100;

/**
 * A line for each mistake that is named, and one for the others.
 * @param lines the first of them, `maxListedProblems` or more
 * @param count how many there are in all
 */
export function listProblems(lines: readonly string[], count = lines.length): string {
  const named = lines.slice(0, maxListedProblems);
  const others = count - named.length;
  return others > 0 ? [...named, `and ${others} more`].join('\n') : named.join('\n');
}
