import { quoteText } from '#gotemplate';
import type { Matcher } from '#telemetry';
import { RESERVED } from './lexer.ts';

/** As Alertmanager prints it: `foo="bar"`, `"with space"="bar"`. */
export function formatMatcher({ name, operator, value }: Matcher): string {
  if (Array.from(name).some((character) => RESERVED.test(character))) {
    return quoteText(name) + operator + quoteText(value);
  }
  const escaped = value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
  return `${name}${operator}"${escaped}"`;
}

/** `{foo="bar",job=~"web.*"}` */
export function formatMatchers(matchers: readonly Matcher[]): string {
  return `{${matchers.map(formatMatcher).join()}}`;
}
