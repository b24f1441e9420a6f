import { OmoiError } from '#telemetry';

/**
 * What one request may consist of. Each takes memory before anything of the request is stored, and a few bytes that
 * repeat compress to almost nothing: 1.5 MB of Snappy hold sixteen million series without a label.
 */
const LIMITS = {
  maxRequestSamples: 2_000_000,
  /** Series that are not known from an earlier request. */
  maxRequestNewSeries: 100_000,
  /** As many as are kept of all requests. */
  maxRequestExemplars: 20_000,
  maxRequestHistograms: 50_000,
  /** Buckets, spans and bounds of all native histograms. */
  maxRequestBuckets: 2_000_000,
  maxRequestMetadata: 50_000,
} as const;

type Limit = keyof typeof LIMITS;

/** Labels of one series or exemplar; far more than any store takes. */
export const MAX_LABELS = 1000;
/** Bytes of the labels of one series; they are hashed and read in one go. */
export const MAX_LABEL_BYTES = 1024 * 1024;

/** Counts what a request consists of while it is decoded. */
export class RequestLimits {
  readonly #counts = new Map<Limit, number>();

  begin(): void {
    this.#counts.clear();
  }

  /** @throws OmoiError `body_too_large` when the request has more than that */
  count(limit: Limit, more = 1): void {
    const total = (this.#counts.get(limit) ?? 0) + more;
    this.#counts.set(limit, total);
    this.check(limit, total);
  }

  /** The same for what is counted elsewhere. */
  check(limit: Limit, total: number): void {
    if (total > LIMITS[limit]) {
      throw new OmoiError(
        'body_too_large',
        `The request exceeds ${limit} (${LIMITS[limit]}); send less at once.`,
      );
    }
  }
}
