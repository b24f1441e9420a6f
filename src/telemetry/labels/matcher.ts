import { type Labels, labelValue } from './label-set.ts';
import { literalAlternatives } from './literal-alternatives.ts';
import { checkRegexSize, compileRegex, regexSize } from './regular-expression.ts';

export type MatchOperator = '=' | '!=' | '=~' | '!~';

/** One label matcher. Regular expressions are RE2, anchored at both ends. A missing label reads as ''. */
export interface Matcher {
  readonly name: string;
  readonly operator: MatchOperator;
  readonly value: string;
  matches(value: string): boolean;
}

/**
 * Compiles a matcher.
 * @throws RegexTooLarge, and the RE2 syntax error of a broken regular expression
 */
export function createMatcher(name: string, operator: MatchOperator, value: string): Matcher {
  switch (operator) {
    case '=':
      return { name, operator, value, matches: (candidate) => candidate === value };
    case '!=':
      return { name, operator, value, matches: (candidate) => candidate !== value };
    case '=~':
    case '!~': {
      const accepts = acceptanceOf(value);
      const wanted = operator === '=~';
      return { name, operator, value, matches: (candidate) => accepts(candidate) === wanted };
    }
  }
}

/** What a regular expression accepts. Plain texts side by side are looked up: dashboards send thousands of them. */
function acceptanceOf(expression: string): (candidate: string) => boolean {
  const words = literalAlternatives(expression);
  if (words) {
    const accepted = new Set(words);
    return (candidate) => accepted.has(candidate);
  }
  const regex = compileRegex(expression, 'any');
  return (candidate) => regex.matches(candidate);
}

/** What the regular expression of a matcher adds to what one text may have (`maxRegexSize`). */
export function regexSizeOfMatcher(operator: MatchOperator, value: string): number {
  if (operator === '=' || operator === '!=' || literalAlternatives(value)) return 0;
  return regexSize(value);
}

/** What the regular expressions of matchers that are read together come to: together they may have `maxRegexSize`. */
export class RegexSum {
  #size = 0;

  /** @throws RegexTooLarge where it is too much with this one */
  add({ operator, value }: Pick<Matcher, 'operator' | 'value'>): void {
    const size = regexSizeOfMatcher(operator, value);
    this.#size += size;
    if (size > 0) checkRegexSize(this.#size, value);
  }
}

/** The same text for the same matchers, in whatever order. */
export function matchersKey(matchers: readonly Matcher[]): string {
  const texts = matchers.map(({ name, operator, value }) => JSON.stringify([name, operator, value]));
  return texts.sort().join();
}

/** Whether every matcher accepts the label set. */
export function matchesAll(matchers: readonly Matcher[], labels: Labels): boolean {
  return matchers.every((matcher) => matcher.matches(labelValue(labels, matcher.name)));
}
