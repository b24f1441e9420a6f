export type { NotifiedAlert, StoredAlert } from './notified-alert.ts';
export type { Message, NotificationReason } from './message.ts';
export type {
  ConfiguredReceiver,
  InhibitRule,
  NotificationConfiguration,
  Route,
} from './configuration/notification-configuration.ts';
export { defaultConfiguration } from './configuration/default-configuration.ts';
export { readConfigurationFile } from './read-configuration-file.ts';
export { type ConfigurationFiles } from './configuration/template-files.ts';
export { createRouter, type RoutedTo, type Router } from './routing/router.ts';
export { type RouteOverview, type RoutingTest } from './routing/routing-overview.ts';
export { routingPath, type RoutingDecision, type RoutingStep } from './routing/routing-path.ts';
export { TimeIntervals, type SilentByTime } from './routing/time-intervals.ts';
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
export { type MatcherText, type SilenceChange, type SilenceOrder } from './silences/silence-order.ts';
export { Silences, type EndedSilencePlace, type SilenceListener } from './silences/silences.ts';
export { Notification } from './notification.ts';
export type { NotificationParts, PreparedNotification } from './notification-parts.ts';
export { SignedLinks, type LinkOffer, type SignedLinkParts } from './links/signed-links.ts';
export { OnCall, type OnCallPerson } from './on-call/on-call.ts';
export { OnCallOverrides, type OnCallOverride } from './on-call/on-call-overrides.ts';
export { prepareNotification, type PreparationTools } from './prepare-notification.ts';
export type { Explanation } from './explain/explanation.ts';
export type { ExplainedMessage } from './explain/explained-message.ts';
export { type RecordedDecision } from './explain/decision.ts';
export type { AlertReader, RemediationOutlook } from './ports.ts';
export type { ReceiverMeans } from './receivers/receiver-kind.ts';
export { createHttpClient, type ClosableHttpClient } from './receivers/http/create-http-client.ts';
export { createCheckedNetwork } from './receivers/http/checked-lookup.ts';
export { NoAnswer } from './receivers/http/http-client.ts';
export { createChildPrograms } from './receivers/command/child-programs.ts';
