import { OmoiError, type Matcher } from '#telemetry';
import type { Parameters } from './parameters.ts';

/**
 * The matchers of all `match[]`, a list a selector.
 * @throws OmoiError `query_invalid` for what is no selector; `invalid_request` for one that all series match
 */
export function readMatcherLists(
  parameters: Parameters,
  { selectorMatchers }: { readonly selectorMatchers: (text: string) => readonly Matcher[] },
): readonly (readonly Matcher[])[] {
  const lists = parameters.all('match[]').map((text) => selectorMatchers(text));
  if (lists.some((matchers) => matchers.every((matcher) => matcher.matches('')))) {
    throw new OmoiError('invalid_request', 'match[] must contain at least one non-empty matcher');
  }
  return lists;
}
