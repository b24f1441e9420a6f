import { messageOf, type Clock, type Logger, type Timer } from '#telemetry';
import type { LogFiles } from './log-files.ts';

/** How often those are looked at that grew fast at the last look. */
const LOOK_MS = 250;
/** The same while there are some: a disk takes some megabytes meanwhile. */
const LOOK_AT_FAST_MS = 20;
/** How often all that may grow are looked at where they are many, and all that is kept. Behind one that takes long there is a pause. */
const LOOK_AT_GROWING = { everyMs: 1000, longestPauseMs: 5000 };
const TIDY = { everyMs: 10_000, longestPauseMs: 60_000 };
/** Of what a look took: of thousands of agents it takes seconds, and thousands of calls to the system. */
const PAUSE_FOR_LOOK = 9;

type Look = 'hot' | 'all' | 'tidy';

/** Looks at the output files of agents from time to time, each time when the last look is over. */
export class OutputUpkeep {
  readonly #parts: { readonly clock: Clock; readonly logger: Logger; readonly logs: LogFiles };
  readonly #timer: Timer;
  #lookAtGrowingAtMs: number;
  #tidyAtMs: number;
  #isLooking = false;
  #isClosed = false;
  #soon: Timer | null = null;

  constructor(parts: { readonly clock: Clock; readonly logger: Logger; readonly logs: LogFiles }) {
    const { clock } = parts;
    this.#parts = parts;
    this.#lookAtGrowingAtMs = clock.monotonicMs() + LOOK_AT_GROWING.everyMs;
    this.#tidyAtMs = clock.monotonicMs() + TIDY.everyMs;
    this.#timer = clock.every(LOOK_MS, () => void this.#look());
    parts.logs.whenMade(() => this.#lookSoon());
  }

  close(): void {
    this.#timer.cancel();
    this.#soon?.cancel();
    this.#soon = null;
    this.#isClosed = true;
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    const { clock, logs, logger } = this.#parts;
    const startedMs = clock.monotonicMs();
    const look = this.#dueAt(startedMs);
    this.#isLooking = true;
    try {
      if (look === 'tidy') await logs.tidy();
      else await logs.look(look);
    } catch (error) {
      logger.warn({ error: messageOf(error) }, 'Output files of agents could not be rotated; trying again.');
    }
    this.#isLooking = false;
    const endedMs = clock.monotonicMs();
    if (look === 'tidy') this.#tidyAtMs = endedMs + pauseMs(endedMs - startedMs, TIDY);
    if (look === 'all') {
      // What grows at once must be seen before it fills the disk.
      const pause = logs.areFew ? LOOK_MS / 2 : pauseMs(endedMs - startedMs, LOOK_AT_GROWING);
      this.#lookAtGrowingAtMs = endedMs + pause;
    }
    if (logs.isGrowingFast) this.#lookSoon();
  }

  #lookSoon(): void {
    if (this.#isClosed) return;
    this.#soon ??= this.#parts.clock.after(LOOK_AT_FAST_MS, () => {
      this.#soon = null;
      void this.#look();
    });
  }

  #dueAt(nowMs: number): Look {
    if (nowMs >= this.#tidyAtMs) return 'tidy';
    return nowMs >= this.#lookAtGrowingAtMs ? 'all' : 'hot';
  }
}

function pauseMs(
  tookMs: number,
  { everyMs, longestPauseMs }: { readonly everyMs: number; readonly longestPauseMs: number },
): number {
  return Math.min(Math.max(everyMs - tookMs, PAUSE_FOR_LOOK * tookMs), longestPauseMs);
}
