export { fingerprintOf } from './labels/fingerprint.ts';
export { METRIC_NAME_LABEL, labelsKey, formatLabels, withoutLabels } from './labels/labels.ts';
export {
  copyLabels,
  emptyLabels,
  type Labels,
  labelsSchema,
  labelValue,
  parseLabels,
  type MutableLabels,
} from './labels/label-set.ts';
export { TextNumbers } from './labels/text-numbers.ts';
export { recordOf, recordOfAtMost, remarkText, storedText, toStorable } from './stored-text.ts';
export { binaryParts, formatFloat, type FloatForm } from './numbers/go-float.ts';
export { expandReferences } from './labels/expand-references.ts';
export {
  createMatcher,
  matchersKey,
  matchesAll,
  type Matcher,
  type MatchOperator,
  regexSizeOfMatcher,
  RegexSum,
} from './labels/matcher.ts';
export { leadingLiteral, literalAlternatives, surePrefix } from './labels/literal-alternatives.ts';
export { checkRegexSize, compileRegex, maxRegexSize, RegexTooLarge } from './labels/regular-expression.ts';
export { wordsOf, writeStaleMarker, isStaleMarker } from './series/stale-nan.ts';
export {
  noneRefused,
  SampleBatch,
  type AppendFeed,
  type AppendNotice,
  type AppendOrigin,
  senderOfOrigin,
  type AppendSubscription,
  type CommitResult,
  type Exemplar,
  type MetadataSink,
  type MetricMetadata,
  type MetricSample,
  type RefusedSamples,
  type SampleSink,
  type SampleSource,
  type SeriesRef,
  type Subscription,
} from './series/sample.ts';
export {
  ANONYMOUS_SENDER,
  DETECTOR_SENDER,
  type Grant,
  OMOI_SENDER,
  RULE_SENDER,
  type Sender,
} from './series/sender.ts';
export {
  type LatestSamples,
  type Queryable,
  type SelectedSeries,
  type Selection,
  type SeriesReader,
} from './series/queryable.ts';
export { allSettled } from './concurrency/all-settled.ts';
export { AskedWork } from './concurrency/asked-work.ts';
export { SerialQueue, KeyedSerialQueue } from './concurrency/serial-queue.ts';
export { backoffMs, type BackoffLimits } from './concurrency/backoff.ts';
export { delay } from './concurrency/delay.ts';
export { grownColumn } from './concurrency/grown-column.ts';
export { nextTurn, paced, Stretch, unpaced, type StretchOptions } from './concurrency/pacing.ts';
export { SharedStretch } from './concurrency/shared-stretch.ts';
export { StartRamp } from './concurrency/start-ramp.ts';
export { TurnBudget } from './concurrency/turn-budget.ts';
export { TurnQueue } from './concurrency/turn-queue.ts';
export { type HistogramSpan, type HistogramValue } from './series/histogram-value.ts';
export { SEVERITIES, severityRank, type Severity } from './labels/severity.ts';
export { toRfc3339, toRfc3339OrNull, type Boot, type Clock, type Timer } from './time/clock.ts';
export {
  elapsedMs,
  leftMs,
  leftUntil,
  momentOf,
  unsetWallMs,
  wallTimeOf,
  wallTimeOfDeadline,
  type Moment,
  type PersistedDeadline,
  type PersistedDuration,
  type PersistedMoment,
} from './time/persisted-duration.ts';
export { createSystemClock } from './time/system-clock.ts';
export { SteadyClock, type Redate } from './time/steady-clock.ts';
export { TakenUpClock } from './time/taken-up-clock.ts';
export { VirtualClock } from './time/virtual-clock.ts';
export { PageCursors } from './page-cursors.ts';
export { jsonObjectSchema } from './json-object.ts';
export { createSeededRandom, createSystemRandom, type Random } from './random.ts';
export { firstOf } from './first-of.ts';
export { createId, idText, nameText } from './ids.ts';
export { silentLogger, type Logger } from './tracing/logger.ts';
export {
  spanIdOf,
  traceIdOf,
  type Span,
  type SpanAttributes,
  type SpanOptions,
  type Tracing,
} from './tracing/tracing.ts';
export { errorsPage } from './errors/errors-page.ts';
export { isOutage, isRefusal, isRetryable } from './errors/failures.ts';
export { ERROR_CATALOGUE, OmoiError, messageOf, pageOfError, type ErrorCode } from './errors/errors.ts';
export { knownKeys, lenientPath, nearestWord, suggestKey } from './errors/known-keys.ts';
export { listProblems, maxListedProblems } from './errors/listed-problems.ts';
export {
  MAX_DURATION_MS,
  durationText,
  formatDuration,
  formatElapsed,
  formatTime,
  parseDuration,
} from './time/duration.ts';
export {
  ACTIVE_ALERT_STATES,
  ALERT_STATES,
  RESOLUTION_CAUSES,
  type ActiveAlertState,
  type AlertState,
  type ResolutionCause,
} from './events/alert-states.ts';
export {
  EVENT_PAYLOADS,
  EVENT_TYPES,
  type EventPayload,
  type EventType,
  type NewSystemEvent,
  type SystemEvent,
} from './events/event-types.ts';
export {
  DURATION_BUCKETS_SECONDS,
  STANDARD_METRICS,
  type MetricDefinition,
  type StandardMetric,
} from './metrics/standard-metrics.ts';
export {
  SelfMetrics,
  type CollectedMetric,
  type CollectedPoint,
  type GaugePoint,
  type Counter,
  type Histogram,
} from './metrics/self-metrics.ts';
export {
  ANOMALY_KINDS,
  ANOMALY_STATES,
  type AnomalyKind,
  type AnomalyState,
} from './events/anomaly-record.ts';
export {
  LOCK_MODES,
  TASK_LOSS_CAUSES,
  TASK_RELEASE_REASONS,
  TASK_STATES,
  type LockMode,
  type TaskLossCause,
  type TaskReleaseReason,
  type TaskState,
} from './events/task-states.ts';
export {
  AGENT_STATUSES,
  AGENT_TYPES,
  HEARTBEAT_SOURCES,
  EXIT_EXPECTATIONS,
  PROCESS_ACTIVITIES,
  type AgentObservation,
  type AgentStatus,
  type AgentType,
  type HeartbeatSource,
  type ProcessActivity,
  type ProcessUsage,
  STALL_REASONS,
  type StallReason,
  type FleetActivity,
  type FleetFeed,
  type FleetSnapshot,
  type ExitExpectation,
} from './events/fleet-activity.ts';
export {
  ACTION_RESULTS,
  GUARDS,
  POLICY_MODES,
  REMEDIATION_CONCERNS,
  REMEDIATION_OUTCOMES,
  OPEN_REMEDIATION_STATES,
  REMEDIATION_STATES,
  TARGET_KINDS,
  WATCHDOG_STATES,
  type ActionResult,
  type Guard,
  type OpenRemediationState,
  type PolicyMode,
  type RemediationConcern,
  type RemediationOutcome,
  type RemediationState,
  type TargetKind,
  type WatchdogStateName,
} from './events/remediation-record.ts';
export { SILENCE_END_CAUSES, type SilenceEndCause } from './events/silence-record.ts';
export { ROLL_STATES, type RollState } from './events/roll-states.ts';
export { MAINTENANCE_KINDS, type MaintenanceKind } from './events/maintenance-record.ts';
export {
  definePool,
  DESIRED_UNIT_STATES,
  maxAgentsOfFleet,
  maxAgentsPerPool,
  newPoolBody,
  POOL_STATES,
  poolChangeBody,
  poolConfiguration,
  poolIdText,
  concernsGenerations,
  generationKeysOf,
  withGenerationKeys,
  poolKeysOf,
  poolOfKeys,
  poolVariableNames,
  poolVariables,
  shownPoolKeys,
  taskTimeLimitBounds,
  RUNTIMES,
  UNIT_STATES,
  viewPoolKeys,
  type PoolChange,
  type DesiredUnitState,
  type PoolDefinition,
  type PoolState,
  type UnitState,
} from './pools/pool-keys.ts';
export { alternatives, elementOf, valueAt } from './errors/schema-steps.ts';
export {
  openStrictDocument,
  parseStrictDocument,
  placeIn,
  type DocumentProblem,
  type DocumentSource,
  type PathProblem,
  type TextRange,
  type StrictDocument,
} from './errors/strict-document.ts';
export { type ReceivedLogRecord, type ReceivedSpan } from './tracing/received-telemetry.ts';
