import {
  compileRegex,
  createMatcher,
  leadingLiteral,
  literalAlternatives,
  type Matcher,
  type MatchOperator,
  surePrefix,
} from '#telemetry';

/** What an expression said of so many values is kept: those of a label are few, and asked for again and again. */
export const maxRememberedValues = 64;

/** Whether a matcher is a regular expression that has to be compiled before it is asked: words side by side are not. */
export function isCompiled({ operator, value }: Pick<Matcher, 'operator' | 'value'>): boolean {
  return operator !== '=' && operator !== '!=' && literalAlternatives(value) === null;
}

/**
 * Compiles a matcher of Alertmanager's: as one of a query, but that `.` does not stand for a newline.
 * @throws RegexTooLarge, and the RE2 syntax error of a broken regular expression
 */
export function createAlertMatcher(name: string, operator: MatchOperator, value: string): Matcher {
  if (!isCompiled({ operator, value })) return createMatcher(name, operator, value);
  const accepts = acceptanceOf(value);
  const wanted = operator === '=~';
  return { name, operator, value, matches: (candidate) => accepts(candidate) === wanted };
}

/**
 * As `createAlertMatcher`, but that a regular expression is compiled, which may take milliseconds, when it is asked for the first
 * time. What is wrong with it is thrown then.
 */
export function createAlertMatcherLater(
  name: string,
  operator: MatchOperator,
  value: string,
): Matcher | LateMatcher {
  if (!isCompiled({ operator, value })) return createAlertMatcher(name, operator, value);
  let compiled: Matcher | null = null;
  const matches = (candidate: string): boolean => {
    compiled ??= createAlertMatcher(name, operator, value);
    return compiled.matches(candidate);
  };
  return { name, operator, value, matches, isStillToCompile: () => compiled === null };
}

interface LateMatcher extends Matcher {
  readonly isStillToCompile: () => boolean;
}

/** Whether a matcher compiles its expression, or throws what is wrong with it, when it is asked next. */
export function isStillToCompile(matcher: Matcher | LateMatcher): boolean {
  return 'isStillToCompile' in matcher && matcher.isStillToCompile();
}

/** To run an expression takes a hundred times as long as to look at how a value begins. */
function acceptanceOf(expression: string): (candidate: string) => boolean {
  const regex = compileRegex(expression, 'in_line');
  const prefix = surePrefix(expression);
  const { text, rest } = leadingLiteral(expression);
  if (text !== '' && rest === '.*') {
    return (candidate) => candidate.startsWith(text) && !candidate.includes('\n', text.length);
  }
  const remembered = new Map<string, boolean>();
  return (candidate) => {
    if (!candidate.startsWith(prefix)) return false;
    let accepted = remembered.get(candidate);
    if (accepted === undefined) {
      accepted = regex.matches(candidate);
      if (remembered.size === maxRememberedValues) remembered.clear();
      remembered.set(candidate, accepted);
    }
    return accepted;
  };
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
