/** The groups of a match: RE2JS's Matcher fits. */
interface MatchedGroups {
  groupCount(): number;
  /** @throws for a name that the expression does not have */
  group(group: number | string): string | null;
}

const REFERENCE = /\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu;

/**
 * Go's `Regexp.Expand`: `$1`, `${1}`, `$name` and `${name}` stand for what a group matched, a group that the
 * expression does not have for nothing, `$$` for a dollar sign; a `$` before anything else stays. A name without
 * braces is as long as can be: `$1_x` is the group `1_x`.
 */
export function expandReferences(template: string, match: MatchedGroups): string {
  return template.replace(REFERENCE, (_, braced: string | undefined, bare: string | undefined) => {
    const group = braced ?? bare;
    return group === undefined ? '$' : groupText(match, group);
  });
}

function groupText(match: MatchedGroups, group: string): string {
  if (/^(?:0|[1-9]\d*)$/.test(group)) {
    const number = Number(group);
    return number <= match.groupCount() ? (match.group(number) ?? '') : '';
  }
  try {
    return match.group(group) ?? '';
  } catch {
    return '';
  }
}
