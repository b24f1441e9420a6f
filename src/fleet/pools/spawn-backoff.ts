import type { Random } from '#telemetry';

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 60_000;

/** How long a pool waits after its nth failed spawn in a row: doubling, limited, between half and all of it. */
export function spawnDelayMs(failures: number, random: Random): number {
  const ceilingMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures - 1, 16));
  return Math.round(ceilingMs * (0.5 + random.next() / 2));
}
