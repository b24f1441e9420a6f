export { createTsdb, type TsdbOptions } from './open-tsdb.ts';
export { type Tsdb, type TsdbStatus } from './tsdb.ts';
export { DEFAULT_LIMITS, type TsdbLimits } from './limits.ts';
export { type SeriesLookup } from './series-lookups.ts';
