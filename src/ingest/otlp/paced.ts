import type { Stretch } from '#telemetry';

/** How long a request works before it lets the event loop turn. */
export const maxStretchMs = 4;

/** Runs work that offers pauses, and takes one whenever a stretch has been long enough. */
export async function paced<Result>(work: Generator<void, Result>, stretch: Stretch): Promise<Result> {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    if (stretch.isOver) await stretch.pause();
  }
}
