/**
 * What Prometheus 3.14 has behind `--enable-feature`, by the names it has there. Off, unless an engine is told otherwise.
 * Arithmetic in durations is no such feature any more: it is on.
 */
export const PROMQL_FEATURES = [
  'promql-experimental-functions',
  'promql-binop-fill-modifiers',
  'promql-extended-range-selectors',
  'use-start-timestamps',
  'type-and-unit-labels',
] as const;

export type PromqlFeature = (typeof PROMQL_FEATURES)[number];
export type PromqlFeatures = ReadonlySet<PromqlFeature>;

export const NO_FEATURES: PromqlFeatures = new Set();
export const ALL_FEATURES: PromqlFeatures = new Set(PROMQL_FEATURES);
