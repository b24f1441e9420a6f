import fc from 'fast-check';
import { propertySeed } from './property-runs.ts';

// Property tests draw from one seed, so that a run is the same everywhere and again; `npm run test:long` draws a new one.
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: propertySeed });
