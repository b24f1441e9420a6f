import { RE2JS } from 're2js';
import { type Labels, labelValue } from './label-set.ts';

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
 * @throws the RE2 syntax error of a broken regular expression
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

const SPECIAL = /[\\.+*?()[\]{}^$]/;

/** What a regular expression accepts. Words side by side are looked up: dashboards send thousands of them. */
function acceptanceOf(expression: string): (candidate: string) => boolean {
  if (!SPECIAL.test(expression)) {
    const words = new Set(expression.split('|'));
    return (candidate) => words.has(candidate);
  }
  const regex = RE2JS.compile(expression, RE2JS.DOTALL);
  return (candidate) => regex.matches(candidate);
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
