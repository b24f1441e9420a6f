import { Stretch, type Clock } from '#telemetry';

/** How long a request works before it lets the event loop turn. */
const maxStretchMs = 2;
/** Nobody waits for telemetry as for a heartbeat or an alert: those come first, and leave a fifth of the time. */
const maxPauseMs = 8;

/** The pace at which requests are worked on. */
export function otlpStretch(clock: Clock): Stretch {
  return new Stretch(clock, { maxMs: maxStretchMs, maxPauseMs });
}

/** Runs work that offers pauses, and takes one whenever a stretch has been long enough. */
export async function paced<Result>(work: Generator<void, Result>, stretch: Stretch): Promise<Result> {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    if (stretch.isOver) await stretch.pause();
  }
}
