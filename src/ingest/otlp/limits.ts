import { OmoiError } from '#telemetry';

/**
 * What one OTLP request may consist of. What is counted takes memory before anything of the request is stored, and a
 * few bytes that repeat compress to almost nothing.
 */
export const OTLP_LIMITS = {
  /** Resources, scopes, metrics, points, spans and log records: ten times a collector's largest batch. */
  maxRequestElements: 500_000,
  /** Messages of all kinds, attributes and their values among them. */
  maxRequestMessages: 5_000_000,
  /** Counts of the buckets of histograms, quantiles of summaries. */
  maxRequestNumbers: 2_000_000,
  /** Points of metrics with attributes that are not known from an earlier request. */
  maxRequestNewWriters: 100_000,
  maxRequestExemplars: 20_000,
  /** Brackets of a JSON body inside one another. */
  maxJsonDepth: 256,
} as const;

/** A point, span or log record of more bytes is refused. */
export const maxElementBytes = 1024 * 1024;
export const TOO_LARGE = `larger than maxElementBytes (${maxElementBytes})`;
/** Lists and maps inside one another in the value of an attribute or in a log's body. */
export const maxValueDepth = 32;
/** Longer texts of spans and log records are cut; longer label values refuse their point. */
export const maxTextBytes = 32 * 1024;
/** All texts of one span or log record; what comes when they are used up is left out. */
export const maxElementTextBytes = 256 * 1024;
/**
 * All attributes of one span or log record, those of its events and links, and what the lists and maps of their values
 * hold; of a resource and a scope as well. What comes when they are used up is left out.
 */
export const maxElementValues = 5000;
/** The same of the attributes of one point, which is refused then: with fewer it would be another series'. */
export const maxPointValues = 1000;
/** Of a span, event, link or log record; of a resource as well. Further ones are dropped. */
export const maxAttributes = 256;
/** Of a span. Further ones are dropped. */
export const maxEvents = 256;
export const maxLinks = 256;
/** Of one point. Further ones are dropped. */
export const maxExemplars = 256;
/** Of one point, which is refused with more. */
export const maxBuckets = 10_000;

export type OtlpLimit = keyof typeof OTLP_LIMITS;

/** @throws OmoiError `body_too_large` when a request has more than that */
export function checkLimit(limit: OtlpLimit, total: number): void {
  if (total <= OTLP_LIMITS[limit]) return;
  throw new OmoiError(
    'body_too_large',
    `The request exceeds ${limit} (${OTLP_LIMITS[limit]}); send less at once.`,
  );
}
