export interface SilenceLimits {
  /** Of those that have not ended. */
  readonly maxSilences: number;
  /** Of matcher sets that ask for no value of a label (`instance=~"web.*"` alone): each is held against every alert that has one. */
  readonly maxUnvaluedMatcherSets: number;
  /** Of the regular expressions of all that have not ended, as `maxRegexSize` counts them: they stay compiled, at 130 bytes each step. */
  readonly maxSilencesRegexSize: number;
  /** Of one, as it is stored. */
  readonly maxSilenceBytes: number;
}

export const DEFAULT_SILENCE_LIMITS: SilenceLimits = {
  maxSilences: 10_000,
  maxUnvaluedMatcherSets: 1_000,
  maxSilencesRegexSize: 1_000_000,
  maxSilenceBytes: 16_384,
};
