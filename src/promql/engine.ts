import type { Clock } from '#telemetry';
import type { QueryLimits } from './evaluation/query-guard.ts';
import { ParsedQueries } from './parsed-queries.ts';
import { NO_FEATURES, type PromqlFeatures } from './syntax/features.ts';
import { PreparedQuery } from './prepared-query.ts';

/** How far an instant selector looks back for its newest sample. */
const LOOKBACK_MS = 300_000;
/** The resolution of subqueries that name none: Prometheus's default evaluation interval. */
const SUBQUERY_STEP_MS = 60_000;
const MAX_SAMPLES = 50_000_000;
const MAX_SERIES = 2_000_000;
const TIMEOUT_MS = 120_000;

export interface EngineOptions {
  readonly clock: Clock;
  readonly lookbackMs?: number;
  readonly subqueryStepMs?: number;
  /** Samples a query may hold at once. */
  readonly maxSamples?: number;
  /** Series one selector may select. */
  readonly maxSeries?: number;
  readonly timeoutMs?: number;
  /** What of Prometheus's experimental language is on; nothing where it is not given. */
  readonly features?: PromqlFeatures;
}

/** What one query may have otherwise than the engine's others. */
export interface QueryOverrides {
  readonly lookbackMs?: number;
  /** May only shorten the engine's own limit. */
  readonly timeoutMs?: number;
}

export interface Engine {
  readonly lookbackMs: number;
  readonly limits: QueryLimits;
  readonly features: PromqlFeatures;
  /** Parses and checks a query. @throws OmoiError `query_invalid`, `query_limit` */
  prepare(text: string, overrides?: QueryOverrides): PreparedQuery;
}

export function createEngine(options: EngineOptions): Engine {
  const { features = NO_FEATURES } = options;
  const settings = {
    clock: options.clock,
    lookbackMs: options.lookbackMs ?? LOOKBACK_MS,
    subqueryStepMs: options.subqueryStepMs ?? SUBQUERY_STEP_MS,
    limits: {
      maxSamples: options.maxSamples ?? MAX_SAMPLES,
      maxSeries: options.maxSeries ?? MAX_SERIES,
      timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    },
    usesStarts: features.has('use-start-timestamps'),
    usesTypes: features.has('type-and-unit-labels'),
  };
  const { limits, lookbackMs } = settings;
  const parsed = new ParsedQueries(features);
  return {
    lookbackMs,
    limits,
    features,
    prepare: (text, overrides = {}) =>
      new PreparedQuery(text, parsed.expressionOf(text), {
        ...settings,
        lookbackMs: overrides.lookbackMs ?? lookbackMs,
        limits: { ...limits, timeoutMs: Math.min(limits.timeoutMs, overrides.timeoutMs ?? Infinity) },
      }),
  };
}
