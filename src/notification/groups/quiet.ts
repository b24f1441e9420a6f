import type { Outstanding } from '../outbox/delivery-queue.ts';
import type { RunningIntegration } from '../outbox/running-integration.ts';
import type { LogEntry } from '../stages/dedup-stage.ts';

/** How a pass has left a group whose members all fire and may be told of: all that there is to say is said, or waits to be sent. */
export interface Quiet {
  /** Of the group, as it was then. */
  readonly changes: number;
  readonly integrations: readonly QuietIntegration[];
  /** Wall ms from which on it is told of again. */
  readonly untilMs: number;
}

export interface QuietIntegration {
  readonly running: RunningIntegration;
  /** What it knows, and the message that waits for it and says what a new one would. */
  readonly entry: LogEntry | null;
  readonly outstanding: Outstanding | null;
}
