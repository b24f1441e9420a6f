export { createLogging, type Logging, type LoggingOptions } from './logs/logging.ts';
export type { LogQuery } from './logs/log-query.ts';
export { createLogStore, type LogStore } from './logs/log-store.ts';
export { LOG_LEVELS, type LogEntry, type LogLevel } from './logs/log-entry.ts';
export type { TraceQuery } from './traces/trace-query.ts';
export { createSpanStore, type SpanStore } from './traces/span-store.ts';
export type { StoredSpan, TraceAbout, TraceSummary } from './traces/stored-span.ts';
export { createTracing, type StoredTracing, type TracingParts } from './traces/tracing.ts';
