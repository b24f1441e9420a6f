import type { MatcherText, Silence } from '#notification';

/** Alertmanager's filter of silences: each matcher of the filter stands in one of its sets as it is. */
export function hasMatchers({ matcherSets }: Silence, filter: readonly MatcherText[]): boolean {
  return matcherSets.some((set) => filter.every((wanted) => set.some((one) => isSameMatcher(one, wanted))));
}

export function isSameMatcher(a: MatcherText, b: MatcherText): boolean {
  return a.name === b.name && a.operator === b.operator && a.value === b.value;
}
