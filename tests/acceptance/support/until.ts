import { setTimeout as delay } from 'node:timers/promises';

/** What is there for a moment only is there soon. */
const LOOK_OFTEN_MS = 5000;
const LOOK_EVERY_MS = 25;
/** Each look is a question that the server answers beside its work. */
const LATER_LOOK_EVERY_MS = 100;

/** Looks until something is there; returns it. @throws when it is not there in time, with what was waited for */
export async function until<Found>(
  look: () => Found | Promise<Found>,
  what: string,
  withinMs = 30_000,
): Promise<Exclude<Found, false | null | undefined>> {
  const startedAt = performance.now();
  for (;;) {
    const found = await look();
    // What is not nothing is what was looked for.
    if (found !== false && found !== null && found !== undefined)
      return found as Exclude<Found, false | null | undefined>;
    const waitedMs = performance.now() - startedAt;
    if (waitedMs > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await delay(waitedMs < LOOK_OFTEN_MS ? LOOK_EVERY_MS : LATER_LOOK_EVERY_MS);
  }
}
