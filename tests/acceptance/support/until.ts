import { setTimeout as delay } from 'node:timers/promises';

const LOOK_EVERY_MS = 25;

/** Looks until something is there; returns it. @throws when it is not there in time, with what was waited for */
export async function until<Found>(
  look: () => Found | Promise<Found>,
  what: string,
  withinMs = 30_000,
): Promise<Exclude<Found, false | null | undefined>> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    // What is not nothing is what was looked for.
    if (found !== false && found !== null && found !== undefined)
      return found as Exclude<Found, false | null | undefined>;
    if (performance.now() > giveUpAt) throw new Error(`not within ${withinMs} ms: ${what}`);
    await delay(LOOK_EVERY_MS);
  }
}
