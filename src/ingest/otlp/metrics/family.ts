import type { Labels, SeriesRef } from '#telemetry';
import type { Resource } from '../resource.ts';
import type { PrometheusType } from './names.ts';

/** What a metric's points are. `number`: one value, of a gauge or a sum. */
export type PointKind = 'number' | 'histogram' | 'exponential' | 'summary';

/** A resource and what it becomes. */
export interface KnownResource {
  /** Its entry in the cache; 0 where it is not remembered. */
  readonly id: number;
  readonly resource: Resource;
  readonly identity: Labels;
  readonly targetInfo: Labels | null;
  targetInfoRef: SeriesRef;
}

/** A scope of a resource. */
export interface KnownScope {
  readonly id: number;
  readonly resource: KnownResource;
  /** The labels that all series of this scope have. */
  readonly labels: Labels;
}

/** A metric of a scope: what its points have in common. */
export interface Family {
  readonly id: number;
  readonly scope: KnownScope;
  /** Its Prometheus name; null where it has none, and is refused. */
  readonly name: string | null;
  readonly kind: PointKind;
  readonly type: PrometheusType;
  readonly isDelta: boolean;
  readonly isMonotonic: boolean;
  readonly help: string;
  readonly unit: string;
  isDescribed: boolean;
}

/** The bounds of a histogram's buckets, or the quantiles of a summary, as label values. */
export interface Layout {
  readonly id: number;
  readonly texts: readonly string[];
}

/** Series of one point of a histogram or summary, in this order: count, sum, then one for each text of the layout. */
export type SeriesGroup = Float64Array;
