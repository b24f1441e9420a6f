import fc from 'fast-check';
import { propertyRuns, propertySeed } from './property-runs.ts';

/** Of a property that does not say how many; it is fast-check's own number. */
const usualRuns = 100;

// Property tests draw from one seed, so that a run is the same everywhere and again; `npm run test:long` draws a new one.
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: propertySeed, numRuns: propertyRuns(usualRuns) });
