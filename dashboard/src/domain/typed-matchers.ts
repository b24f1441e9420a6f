import { splitMatchers } from './alert-filter.ts';

const OR = /^[^\S\n]*or[^\S\n]*$/im;
/** Two matchers on one line with an `or` between them, outside of quotes: one matcher of an odd value to the server. */
const OR_WITHIN_LINE = /^[^"]*(?:"(?:[^"\\]|\\.)*"[^"]*?)?\sor\s+[\w"][^=!~]*[=!]/i;

/** What a text of matchers is for, one a line: alternatives, of each of which all have to match. A line `or` begins other ones. */
export function typedAlternatives(text: string): readonly (readonly string[])[] {
  return text.split(OR).map(splitMatchers);
}

/** What is wrong with a text of matchers before the server looks at it; null: nothing. */
export function faultOfMatchers(text: string): string | null {
  const alternatives = typedAlternatives(text);
  if (alternatives.some((matchers) => matchers.length === 0)) {
    return 'Write which alerts, such as team="web"; `or` stands between matchers.';
  }
  return alternatives.flat().some((matcher) => OR_WITHIN_LINE.test(matcher))
    ? 'Write `or` on a line of its own.'
    : null;
}
