import type { RefusedSamples } from '#telemetry';

/** Why the store does not take a point, as a sender is told it; the code is what other doors answer. */
export const STORE_REFUSALS = {
  out_of_order: 'a point that comes too long behind the newest one of its series (out_of_order)',
  duplicate_timestamp:
    'a point with the time of another of its series and another value (duplicate_timestamp)',
  too_old: 'a point that is older than the store takes (too_old)',
  too_far_ahead: 'a point that is too far ahead of the server’s clock (too_far_ahead)',
  series_owned: 'a point of a series that another sender writes (series_owned)',
} as const satisfies Partial<Readonly<Record<keyof RefusedSamples, string>>>;
