/** The seed of all property tests of this run: OMOI_SEED, else one that never changes. */
export const propertySeed = Number(process.env['OMOI_SEED'] ?? 20_261_128);

const factor = Number(process.env['OMOI_RUNS_FACTOR'] ?? 1);

/** How many runs a property test does: `usual` in `npm test`, many times that in `npm run test:long`. */
export function propertyRuns(usual: number): number {
  return Math.ceil(usual * factor);
}

/** How long a property test may take in ms: `usual` in `npm test`, longer by as much as its runs are more. */
export function propertyLimitMs(usual: number): number {
  return Math.ceil(usual * Math.max(1, factor));
}
