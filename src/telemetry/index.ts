export { METRIC_NAME_LABEL, labelsKey, formatLabels, withoutLabels, type Labels } from './labels.ts';
export { createMatcher, matchesAll, type Matcher, type MatchOperator } from './matcher.ts';
export { wordsOf, writeStaleMarker, isStaleMarker } from './stale-nan.ts';
export {
  SampleBatch,
  type AppendFeed,
  type AppendNotice,
  type AppendOrigin,
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
} from './sample.ts';
export { type HistogramSpan, type HistogramValue } from './histogram-value.ts';
export { SEVERITIES, severityRank, type Severity } from './severity.ts';
export { toRfc3339, type Clock, type Timer } from './clock.ts';
export { createSystemClock } from './system-clock.ts';
export { SteadyClock } from './steady-clock.ts';
export { VirtualClock } from './virtual-clock.ts';
export { createSeededRandom, createSystemRandom, type Random } from './random.ts';
export { createId } from './ids.ts';
export { silentLogger, type Logger } from './logger.ts';
export {
  spanIdOf,
  traceIdOf,
  type Span,
  type SpanAttributes,
  type SpanOptions,
  type Tracing,
} from './tracing.ts';
export { ERROR_CATALOGUE, OmoiError, messageOf, type ErrorCode } from './errors.ts';
export { durationText, formatDuration, parseDuration } from './duration.ts';
export {
  EVENT_PAYLOADS,
  EVENT_TYPES,
  type EventPayload,
  type EventType,
  type NewSystemEvent,
  type SystemEvent,
} from './event-types.ts';
export {
  DURATION_BUCKETS_SECONDS,
  STANDARD_METRICS,
  type MetricDefinition,
  type StandardMetric,
} from './standard-metrics.ts';
export {
  SelfMetrics,
  type CollectedMetric,
  type CollectedPoint,
  type Counter,
  type Histogram,
} from './self-metrics.ts';
export {
  AGENT_STATUSES,
  AGENT_TYPES,
  PHASES,
  type AgentObservation,
  type AgentStatus,
  type AgentType,
  type FleetActivity,
  type FleetFeed,
  type FleetSnapshot,
  type PhaseId,
} from './fleet-activity.ts';
export { parseStrictDocument, type DocumentProblem, type DocumentSource } from './strict-document.ts';
export { type ReceivedLogRecord, type ReceivedSpan } from './received-telemetry.ts';
