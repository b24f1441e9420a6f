import type { Readable } from 'node:stream';

/** How a process ended: with a code, or by a signal. */
export interface ProcessExit {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The first process of a command, and what it writes. */
export interface CommandProcess {
  /** null when it could not be started. */
  readonly pid: number | null;
  /** On a terminal all that it writes. */
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** Rejects where it could not be started. */
  readonly exited: Promise<ProcessExit>;
  /** Resolves when nobody can write any more and all has been read. */
  readonly closed: Promise<void>;
  /** Does nothing once it has ended. */
  kill(signal: NodeJS.Signals): void;
}
