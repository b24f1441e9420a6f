import type { UnitExit } from '../runtimes/runtime.ts';

/** A runtime tells of a unit that was gone when it was adopted within 1.5 s; longer on a busy machine. */
export const firstLooksMs = 5000;

/** The end of a unit, and whether somebody watched it, though perhaps not how it ended. */
export interface UnitEnd extends UnitExit {
  readonly watched: boolean;
}

/** Gone, and nobody was there. */
export const UNWATCHED: UnitEnd = { exitCode: null, signal: null, watched: false };
