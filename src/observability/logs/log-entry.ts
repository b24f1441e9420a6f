import type { ReceivedLogRecord } from '#telemetry';

/** Pino's numbers, which leave room between them. */
export const LOG_LEVELS = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 } as const;
export type LogLevel = keyof typeof LOG_LEVELS;

/** One line of a log as it is kept. */
export interface LogEntry {
  /** Wall ms since epoch. */
  readonly atMs: number;
  readonly level: LogLevel;
  /** Omoi's part, or what another service calls its logger; empty where nobody said. */
  readonly component: string;
  readonly serviceName: string;
  readonly message: string;
  readonly traceId: string | null;
  readonly spanId: string | null;
  /** Everything else that was said. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The level that a number stands for: the highest that is not above it. */
export function logLevelOf(number: number): LogLevel {
  let level: LogLevel = 'trace';
  for (const [name, from] of Object.entries(LOG_LEVELS)) {
    // `Object.entries` forgets that the keys are levels.
    if (number >= from) level = name as LogLevel;
  }
  return level;
}

/** Beyond these a foreign time is taken for a broken clock, and the time of arrival counts. */
const maxAheadMs = 3_600_000;
const maxBehindMs = 86_400_000;

export function entryFromReceived(record: ReceivedLogRecord, nowMs: number): LogEntry {
  const believable = record.atMs <= nowMs + maxAheadMs && record.atMs >= nowMs - maxBehindMs;
  return {
    atMs: believable ? record.atMs : nowMs,
    level: levelOfSeverity(record.severityNumber),
    component: '',
    serviceName: record.serviceName,
    message: record.message,
    traceId: record.traceId,
    spanId: record.spanId,
    fields: {
      ...record.attributes,
      ...(record.severityText !== '' && { severity_text: record.severityText }),
      ...(!believable && { claimed_time_ms: record.atMs }),
    },
  };
}

/**
 * OpenTelemetry's severity numbers come in fours: trace 1–4, debug 5–8, info 9–12, warn 13–16, error 17–20,
 * fatal 21–24 (https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber).
 */
function levelOfSeverity(severity: number): LogLevel {
  if (severity === 0) return 'info';
  return logLevelOf(Math.ceil(severity / 4) * 10);
}
