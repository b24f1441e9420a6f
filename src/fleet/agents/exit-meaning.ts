import type { AgentStatus } from '#telemetry';

/** How a generation's process ended, and what was expected of it. */
export interface ExitFacts {
  /** null where a signal ended it, or where nobody could see the code. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Whether the kernel most likely ended it for want of memory. */
  readonly outOfMemory?: boolean;
  /** Why it was asked to end (`stopped by ann`, `replaced`); null where nobody asked, as far as is known. */
  readonly asked: string | null;
  /** Whether the process was to do its work and end, rather than to run until it is stopped. */
  readonly once: boolean;
}

export interface ExitMeaning {
  readonly status: AgentStatus & ('FAILED' | 'TERMINATED');
  /** The status reason: `exit 1`, `SIGKILL`, `SIGKILL (most likely out of memory)`, `finished`, `stopped by ann`. */
  readonly reason: string;
}

/** How people, their terminals and their service managers ask a process to end; systemd's clean signals but SIGPIPE. */
const ENDING_SIGNALS: ReadonlyMap<string, number> = new Map([
  ['SIGHUP', 1],
  ['SIGINT', 2],
  ['SIGTERM', 15],
]);
const STATUS_OF_SIGNALS = 128;
/** What was to do its work and end has done so. */
export const FINISHED = 'finished';

/**
 * Whether a process that has ended failed, or ended on purpose: asked to, by a person's signal, or because its work was
 * done. What ended on purpose is no illness.
 */
export function meaningOfExit({ exitCode, signal, asked, once, outOfMemory }: ExitFacts): ExitMeaning {
  if (asked !== null) return { status: 'TERMINATED', reason: asked };
  const of = outOfMemory === true ? ' (most likely out of memory)' : '';
  if (signal !== null) {
    return { status: ENDING_SIGNALS.has(signal) ? 'TERMINATED' : 'FAILED', reason: `${signal}${of}` };
  }
  if (exitCode === null) return { status: 'FAILED', reason: 'exit unknown' };
  if (once && exitCode === 0) return { status: 'TERMINATED', reason: FINISHED };
  // What a shell says where such a signal has ended what it ran, and a program that handled it.
  const isSignals = [...ENDING_SIGNALS.values()].includes(exitCode - STATUS_OF_SIGNALS);
  return { status: isSignals ? 'TERMINATED' : 'FAILED', reason: `exit ${exitCode}${of}` };
}
