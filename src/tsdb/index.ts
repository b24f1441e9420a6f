export { createTsdb, type Tsdb, type TsdbOptions, type TsdbStatus } from './tsdb.ts';
export { DEFAULT_LIMITS, type TsdbLimits } from './limits.ts';
export { type SeriesLookup } from './series-lookups.ts';
