import {
  compileRegex,
  createMatcher,
  literalAlternatives,
  type Matcher,
  type MatchOperator,
} from '#telemetry';

/**
 * Compiles a matcher of Alertmanager's: as one of a query, but that `.` does not stand for a newline.
 * @throws RegexTooLarge, and the RE2 syntax error of a broken regular expression
 */
export function createAlertMatcher(name: string, operator: MatchOperator, value: string): Matcher {
  if (operator === '=' || operator === '!=' || literalAlternatives(value)) {
    return createMatcher(name, operator, value);
  }
  const regex = compileRegex(value, 'in_line');
  const wanted = operator === '=~';
  return { name, operator, value, matches: (candidate) => regex.matches(candidate) === wanted };
}

/** Alertmanager's order: by name, then value, then operator; texts by their bytes. */
export function compareMatchers(a: Matcher, b: Matcher): number {
  return (
    compareBytes(a.name, b.name) ||
    compareBytes(a.value, b.value) ||
    OPERATOR_ORDER.indexOf(a.operator) - OPERATOR_ORDER.indexOf(b.operator)
  );
}

const OPERATOR_ORDER: readonly MatchOperator[] = ['=', '!=', '=~', '!~'];

export function compareBytes(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Whether both say the same, in the same order. */
export function sameMatchers(a: readonly Matcher[], b: readonly Matcher[]): boolean {
  return a.length === b.length && a.every((matcher, at) => isSame(matcher, b[at]));
}

function isSame(a: Matcher, b: Matcher | undefined): boolean {
  return a.name === b?.name && a.operator === b.operator && a.value === b.value;
}
