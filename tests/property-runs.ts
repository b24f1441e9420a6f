/** The seed of all property tests of this run: OMOI_SEED, else one that never changes. */
export const propertySeed = Number(process.env['OMOI_SEED'] ?? 20_261_128);

const factor = Number(process.env['OMOI_RUNS_FACTOR'] ?? 1);
/** Where a run plays a whole part of Omoi, some 100 ms: as many runs as of small properties would take half a day. */
const HEAVY_SHARE = 1 / 4;
/** Of such a property, in `npm test`: some ten of them took a minute of CPU. */
const HEAVY_SLICE = 1 / 2;

/** How many runs a property test does: `usual` in `npm test`, many times that in `npm run test:long`. */
export function propertyRuns(usual: number): number {
  return Math.ceil(usual * factor);
}

/** The same for one whose runs take long each: fewer in `npm test`, and fewer times `usual` in `npm run test:long`. */
export function heavyPropertyRuns(usual: number): number {
  return Math.ceil(usual * (factor > 1 ? Math.max(1, factor * HEAVY_SHARE) : factor * HEAVY_SLICE));
}

/**
 * How long a heavy property test may take: far more than it does, since what this ends is a test that hangs, not one on
 * a busy machine.
 */
export const propertyLimitMs = Math.ceil(600_000 * Math.max(1, factor));
