export type { NotifiedAlert } from './notified-alert.ts';
export type { Message, NotificationReason } from './message.ts';
export type { InhibitRule, NotificationConfiguration } from './configuration/notification-configuration.ts';
export {
  formatMatcher,
  formatMatchers,
  isLabelName,
  MatcherSyntaxError,
  parseMatcher,
  parseMatchers,
  type MatcherMode,
} from './configuration/matchers/index.ts';
export { Inhibitor, type Inhibition } from './inhibition/inhibitor.ts';
export {
  coversLabels,
  SILENCE_STATES,
  silenceStateAt,
  type MatcherSet,
  type Silence,
  type SilenceState,
} from './silences/silence.ts';
export { DEFAULT_SILENCE_LIMITS, type SilenceLimits } from './silences/silence-limits.ts';
export { type MatcherText, type SilenceOrder } from './silences/silence-order.ts';
export { SilenceBook, type EndedSilencePlace, type SilenceListener } from './silences/silence-book.ts';
