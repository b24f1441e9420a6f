export type { LatestSamples, Queryable, SelectedSeries, Selection } from './queryable.ts';
