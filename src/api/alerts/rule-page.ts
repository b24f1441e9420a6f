import type { GroupOverview } from '#alerting';
import { OmoiError } from '#telemetry';

export interface RulePage {
  /** A group whose rules are on two pages is on both, with the rules of each. */
  readonly groups: readonly GroupOverview[];
  /** The key of the page's last rule; null where it is the last of all. */
  readonly nextCursor: string | null;
}

/**
 * The `limit` rules behind the one that `cursor` names, in their groups.
 * @throws OmoiError `invalid_request` where that rule is not loaded any more
 */
export function pageOfRules(
  all: readonly GroupOverview[],
  { cursor, limit }: { readonly cursor: string | null; readonly limit: number },
): RulePage {
  const keys = all.flatMap(({ rules }) => rules.map(({ key }) => key));
  const start = cursor === null ? 0 : keys.indexOf(cursor) + 1;
  if (cursor !== null && start === 0) {
    const what = `cursor ${JSON.stringify(cursor)} is none that Omoi gave, or its rule is not loaded any more`;
    throw new OmoiError('invalid_request', `${what}: begin with the first page`);
  }
  const wanted = new Set(keys.slice(start, start + limit));
  const groups = all
    .map((group) => ({ ...group, rules: group.rules.filter(({ key }) => wanted.has(key)) }))
    .filter(({ rules }) => rules.length > 0);
  return { groups, nextCursor: start + limit < keys.length ? (keys[start + limit - 1] ?? null) : null };
}
