import { Stretch, type Clock } from '#telemetry';

/** How long a request works before it lets the event loop turn. */
const maxStretchMs = 2;
/** Nobody waits for telemetry as for a heartbeat or an alert: those come first, and leave a fifth of the time. */
const maxPauseMs = 8;

/** The pace at which requests are worked on. */
export function otlpStretch(clock: Clock): Stretch {
  return new Stretch(clock, { maxMs: maxStretchMs, maxPauseMs });
}
