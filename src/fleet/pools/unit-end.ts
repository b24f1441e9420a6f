import { toStorable } from '#telemetry';
import type { Runtime, UnitExit, UnitRef } from '../runtimes/runtime.ts';

/** A runtime tells of a unit that was gone when it was adopted within 1.5 s; longer on a busy machine. */
export const firstLooksMs = 5000;

/** The end of a unit, and whether somebody watched it, though perhaps not how it ended. */
export interface UnitEnd extends UnitExit {
  readonly watched: boolean;
  /** What it put out last; null where nothing is known of it. */
  readonly lastOutput?: string | null;
  /** Whether it is only not heard any more, on a machine that can't be looked at. */
  readonly perhapsAlive?: boolean;
}

/** What somebody reads first of a process that ended: some thirty lines. */
const maxLastOutputBytes = 2000;

/** The end of what a generation put out, of its errors first; empty where nothing is known of it. */
export async function lastOutputOf(
  runtimes: readonly Pick<Runtime, 'logs'>[],
  { agentId, generation }: UnitRef,
): Promise<string> {
  // Which runtime had it is forgotten as soon as it is replaced; what it put out is kept longer.
  for (const runtime of runtimes) {
    const { stdout, stderr } = await runtime.logs({ agentId, generation }, maxLastOutputBytes);
    if (stderr || stdout) return stderr || stdout;
  }
  return '';
}

/** As it is kept with the generation. What cannot be read must not keep the end from being recorded. */
export async function keptOutputOf(
  runtimes: readonly Pick<Runtime, 'logs'>[],
  unit: UnitRef,
): Promise<string | null> {
  const output = await lastOutputOf(runtimes, unit).catch(() => '');
  return toStorable(output.trimEnd()) || null;
}

/** Gone, and nobody was there. */
export const UNWATCHED: UnitEnd = { exitCode: null, signal: null, watched: false };
