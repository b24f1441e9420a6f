import type { LogLevel } from './log-entry.ts';

/** Which log lines are asked for. */
export interface LogQuery {
  /** Wall ms since epoch, both inclusive. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** This level and what is more severe. */
  readonly level?: LogLevel;
  /** Found in the message or in the fields, whatever the case of its ASCII letters. */
  readonly text?: string;
  readonly traceId?: string;
  readonly component?: string;
  readonly serviceName?: string;
  /** At most 1000. */
  readonly limit: number;
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
}
