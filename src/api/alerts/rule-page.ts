import type { GroupOverview } from '#alerting';
import { PageCursors } from '#telemetry';

const cursors = new PageCursors('rules', {});

export interface RulePage {
  /** A group whose rules are on two pages is on both, with the rules of each. */
  readonly groups: readonly GroupOverview[];
  /** Null where the page's last rule is the last of all. */
  readonly nextCursor: string | null;
}

/**
 * The `limit` rules behind the one that `cursor` names, in their groups.
 * @throws OmoiError `invalid_cursor`, also where that rule is not loaded any more
 */
export function pageOfRules(
  all: readonly GroupOverview[],
  { cursor, limit }: { readonly cursor: string | null; readonly limit: number },
): RulePage {
  const keys = all.flatMap(({ rules }) => rules.map(({ key }) => key));
  const start = cursor === null ? 0 : keys.indexOf(cursors.placeOf(cursor)) + 1;
  if (cursor !== null && start === 0)
    throw cursors.refused(cursor, 'names a rule that is not loaded any more');
  const wanted = new Set(keys.slice(start, start + limit));
  const groups = all
    .map((group) => ({ ...group, rules: group.rules.filter(({ key }) => wanted.has(key)) }))
    .filter(({ rules }) => rules.length > 0);
  const last = start + limit < keys.length ? keys[start + limit - 1] : undefined;
  return { groups, nextCursor: last === undefined ? null : cursors.at(last) };
}
