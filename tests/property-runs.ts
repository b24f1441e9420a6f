/** The seed of all property tests of this run: OMOI_SEED, else one that never changes. */
export const propertySeed = Number(process.env['OMOI_SEED'] ?? 20_261_128);

const factor = Number(process.env['OMOI_RUNS_FACTOR'] ?? 1);

/** How many runs a property test does: `usual` in `npm test`, many times that in `npm run test:long`. */
export function propertyRuns(usual: number): number {
  return Math.ceil(usual * factor);
}
