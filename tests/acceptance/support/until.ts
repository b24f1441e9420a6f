import { setTimeout as delay } from 'node:timers/promises';

/** Soon at first; what takes long is not worth the CPU of a question every few ms. */
const FIRST_LOOK_AFTER_MS = 20;
const MAX_LOOK_AFTER_MS = 120;

/** Looks until something is there; returns it. @throws when it is not there in time, with what was waited for */
export async function until<Found>(
  look: () => Found | Promise<Found>,
  what: string,
  withinMs = 30_000,
): Promise<Exclude<Found, false | null | undefined>> {
  const giveUpAt = performance.now() + withinMs;
  for (
    let lookAfterMs = FIRST_LOOK_AFTER_MS;
    ;
    lookAfterMs = Math.min(lookAfterMs * 1.2, MAX_LOOK_AFTER_MS)
  ) {
    const found = await look();
    // What is not nothing is what was looked for.
    if (found !== false && found !== null && found !== undefined)
      return found as Exclude<Found, false | null | undefined>;
    if (performance.now() > giveUpAt) throw new Error(`not within ${withinMs} ms: ${what}`);
    await delay(lookAfterMs);
  }
}
