import { maxRegexSize, messageOf, OmoiError, RegexSum, RegexTooLarge, type Matcher } from '#telemetry';
import type { Parameters } from './parameters.ts';

/** All `match[]` of a request are read in one go. */
const MAX_SELECTORS_LENGTH = 65_536;
/** Each is looked up by itself, in memory and in the archive. */
const MAX_SELECTORS = 100;

/**
 * The matchers of all `match[]`, a list a selector.
 * @throws OmoiError `query_invalid` for what is no selector; `invalid_request` for one that all series match;
 * `query_limit` where the selectors are too many, too long, or their regular expressions too large, in sum
 */
export function readMatcherLists(
  parameters: Parameters,
  { selectorMatchers }: { readonly selectorMatchers: (text: string) => readonly Matcher[] },
): readonly (readonly Matcher[])[] {
  const texts = parameters.all('match[]');
  checkSelectorCount(texts.length, 'match[]');
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  if (length > MAX_SELECTORS_LENGTH) {
    const message = `the match[] have ${length} characters: more than maxSelectorsLength (${MAX_SELECTORS_LENGTH})`;
    throw new OmoiError('query_limit', message, { limit: 'maxSelectorsLength', value: MAX_SELECTORS_LENGTH });
  }
  const regexes = new RegexSum();
  const lists = texts.map((text) => {
    const matchers = selectorMatchers(text);
    for (const matcher of matchers) addRegex(regexes, matcher);
    return matchers;
  });
  if (lists.some((matchers) => matchers.every((matcher) => matcher.matches('')))) {
    throw new OmoiError('invalid_request', 'match[] must contain at least one non-empty matcher');
  }
  return lists;
}

function addRegex(regexes: RegexSum, matcher: Matcher): void {
  try {
    regexes.add(matcher);
  } catch (thrown) {
    if (!(thrown instanceof RegexTooLarge)) throw thrown;
    const details = { limit: 'maxRegexSize', value: maxRegexSize };
    throw new OmoiError('query_limit', `match[]: ${messageOf(thrown)}`, details);
  }
}

/** @throws OmoiError `query_limit` where more is asked for than is looked up for one request */
export function checkSelectorCount(count: number, where: string): void {
  if (count <= MAX_SELECTORS) return;
  throw new OmoiError(
    'query_limit',
    `${where}: ${count} selectors are more than maxSelectors (${MAX_SELECTORS}): ` +
      'write them as one, {__name__=~"a|b|c"}, or ask in several requests',
    { limit: 'maxSelectors', value: MAX_SELECTORS },
  );
}
