import { openSync } from 'node:fs';
import { dirname } from 'node:path';
import { pino } from 'pino';
import { makeDirectory } from '#storage';
import {
  messageOf,
  OmoiError,
  spanIdOf,
  toRfc3339,
  traceIdOf,
  type Clock,
  type Logger,
  type SelfMetrics,
} from '#telemetry';
import { BatchWriter } from '../batch-writer.ts';
import { writeOrMakeRoom } from '../make-room.ts';
import { LOG_LEVELS, type LogEntry, type LogLevel } from './log-entry.ts';
import type { LogStore } from './log-store.ts';

/** Lines that wait for the log store; the first ones also wait for it to be opened. */
const maxQueuedLines = 20_000;
const maxLinesPerWrite = 1000;
const writeDelayMs = 500;
/** What stdout or the file may be behind; beyond this, lines are dropped and counted. */
const maxUnwrittenBytes = 8 * 1024 * 1024;

export interface LoggingOptions {
  readonly level: LogLevel;
  /** `stdout`, or the path of a file, which is appended to. */
  readonly destination: string;
  readonly serviceName: string;
  readonly clock: Clock;
  readonly metrics: SelfMetrics;
}

/** Omoi's log: JSON lines on stdout or in a file, and in the log store once that is open. */
export interface Logging {
  /** The logger of one part. Fields with a `traceparent` get its `trace_id` and `span_id`. */
  logger(component: string): Logger;
  /** From now on lines are kept there, those from before too. */
  storeIn(store: LogStore): void;
  /** Writes what waits for the log store. */
  flush(): Promise<void>;
  /** Writes what waits for stdout or the file while the caller waits: the process is about to end. */
  flushNow(): void;
  /** Writes what waits; later lines go nowhere. */
  stop(): Promise<void>;
}

/** @throws OmoiError `config_invalid` when the file cannot be opened */
export function createLogging(options: LoggingOptions): Logging {
  const { level, destination, clock, metrics } = options;
  const dropped = metrics.counter('omoi_log_lines_dropped_total', 'Log lines that were not kept, by sink.');
  const failures = metrics.counter('omoi_log_write_failures_total', 'Batches of log lines tried again.');
  const sink = pino.destination({
    fd: destination === 'stdout' ? 1 : openLogFile(destination),
    sync: false,
    maxLength: maxUnwrittenBytes,
  });
  sink.on('drop', () => dropped.add(1, { sink: 'destination' }));
  // A closed pipe or a full disk: the lines are in the store still, and Omoi goes on.
  sink.on('error', () => dropped.add(1, { sink: 'destination' }));
  let store: LogStore | null = null;
  let stopping: Promise<void> | null = null;
  const writer = new BatchWriter<string>({
    async write(lines) {
      const opened = store;
      if (!opened) throw new OmoiError('not_ready', 'the log store is not open yet');
      const entries = lines.flatMap((line) => entryOfLine(line, options.serviceName));
      await writeOrMakeRoom(() => opened.append(entries), opened);
    },
    clock,
    maxQueued: maxQueuedLines,
    maxPerWrite: maxLinesPerWrite,
    delayMs: writeDelayMs,
    onDropped: (count) => dropped.add(count, { sink: 'store' }),
    // Not logged: it would only make more of what cannot be written.
    onFailure: () => {
      if (store) failures.add(1);
    },
    onRefused: () => {
      failures.add(1);
      dropped.add(1, { sink: 'store' });
    },
  });
  const root = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${toRfc3339(clock.wallMs())}"`,
      formatters: { level: (label) => ({ level: label }), log: withTraceIds },
    },
    {
      write(line: string) {
        if (stopping) return;
        sink.write(line);
        writer.add(line);
      },
    },
  );
  async function stop(): Promise<void> {
    await writer.stop();
    await new Promise<void>((resolve) => {
      sink.once('close', resolve);
      sink.once('error', () => resolve());
      sink.end();
    });
  }
  return {
    logger: (component) => root.child({ component }),
    storeIn(opened) {
      store = opened;
    },
    flush: () => writer.flush(),
    flushNow() {
      try {
        sink.flushSync();
      } catch {
        // A closed pipe or a full disk: there is no later.
        dropped.add(1, { sink: 'destination' });
      }
    },
    stop: () => (stopping ??= stop()),
  };
}

function openLogFile(path: string): number {
  try {
    makeDirectory(dirname(path));
    return openSync(path, 'a', 0o600);
  } catch (error) {
    throw new OmoiError(
      'config_invalid',
      `the log file ${path} cannot be opened: ${messageOf(error)}`,
      { path },
      error,
    );
  }
}

function withTraceIds(fields: Record<string, unknown>): Record<string, unknown> {
  const { traceparent } = fields;
  if (typeof traceparent !== 'string') return fields;
  return { ...fields, trace_id: traceIdOf(traceparent), span_id: spanIdOf(traceparent) };
}

const textOr = <Otherwise>(value: unknown, otherwise: Otherwise): string | Otherwise =>
  typeof value === 'string' ? value : otherwise;

/** A line that pino wrote, for the store. What a caller put there as a trace id only counts when it is one. */
function entryOfLine(line: string, serviceName: string): readonly LogEntry[] {
  const { time, level, component, message, trace_id: traceId, span_id: spanId, ...fields } = parseLine(line);
  const atMs = Date.parse(textOr(time, ''));
  if (Number.isNaN(atMs)) return [];
  return [
    {
      atMs,
      level: isLevel(level) ? level : 'info',
      component: textOr(component, ''),
      serviceName,
      message: textOr(message, ''),
      traceId: textOr(traceId, null),
      spanId: textOr(spanId, null),
      fields,
    },
  ];
}

function parseLine(line: string): Record<string, unknown> {
  // Pino writes one JSON object a line.
  return JSON.parse(line) as Record<string, unknown>;
}

function isLevel(level: unknown): level is LogLevel {
  return typeof level === 'string' && Object.hasOwn(LOG_LEVELS, level);
}
