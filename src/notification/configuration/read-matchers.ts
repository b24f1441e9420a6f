import type { Matcher } from '#telemetry';
import type { Findings, Path } from './findings.ts';
import { compareMatchers, createAlertMatcher, parseMatchers, type MatcherMode } from './matchers/index.ts';

const CLASSIC_LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** The matchers of a route or of a side of an inhibit rule, in the three ways to write them. */
export interface WrittenMatchers {
  readonly match: Readonly<Record<string, string>>;
  readonly match_re: readonly (readonly [string, string | null])[];
  readonly matchers: readonly string[];
}

export interface MatcherReader {
  readonly findings: Findings;
  readonly mode: MatcherMode;
}

/**
 * All of them, sorted.
 * @param path of what has the keys
 * @param prefix `source_` and `target_` of an inhibit rule
 */
export function readMatchers(
  written: WrittenMatchers,
  { path, prefix }: { readonly path: Path; readonly prefix: '' | 'source_' | 'target_' },
  { findings, mode }: MatcherReader,
): readonly Matcher[] {
  const result: Matcher[] = [];
  const checked = (key: string, name: string): boolean => {
    if (CLASSIC_LABEL_NAME.test(name)) return true;
    findings.problem(
      [...path, key, name],
      `invalid label name "${name}"; names like it are written in matchers`,
    );
    return false;
  };
  for (const [name, value] of Object.entries(written.match)) {
    if (checked(`${prefix}match`, name)) result.push(createAlertMatcher(name, '=', value));
  }
  for (const [name, value] of written.match_re) {
    const at = [...path, `${prefix}match_re`, name];
    if (!checked(`${prefix}match_re`, name)) continue;
    if (value === null) findings.problem(at, `invalid regexp value for "${name}"`);
    else {
      const matcher = findings.attempt(at, () => createAlertMatcher(name, '=~', value));
      if (matcher) result.push(matcher);
    }
  }
  written.matchers.forEach((line, index) => {
    const at = [...path, `${prefix}matchers`, index];
    const warn = (text: string): void => findings.warning(at, text);
    result.push(...(findings.attempt(at, () => parseMatchers(line, { mode, warn })) ?? []));
  });
  return result.sort(compareMatchers);
}
