export { createTsdb, type SeriesLookup, type Tsdb, type TsdbOptions, type TsdbStatus } from './tsdb.ts';
export { DEFAULT_LIMITS, type TsdbLimits } from './limits.ts';
export type { SelectedSeries, SeriesSelection } from './selection.ts';
