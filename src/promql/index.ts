export type { Queryable, SelectedSeries, Selection } from './queryable.ts';
