export {
  compareBytes,
  compareMatchers,
  createAlertMatcher,
  createAlertMatcherLater,
  isCompiled,
  isStillToCompile,
  sameMatchers,
} from './alert-matcher.ts';
export { formatMatcher, formatMatchers } from './format-matcher.ts';
export { contradictedLabel, ImpliedMatchers, maxComparedSets } from './implied-matchers.ts';
export { asksForValue, MatcherIndex } from './matcher-index.ts';
export { MatcherSyntaxError } from './matcher-syntax-error.ts';
export {
  isLabelName,
  MATCHER_MODES,
  parseMatcher,
  parseMatchers,
  type MatcherMode,
} from './parse-matchers.ts';
