import { expect, it } from 'vitest';
import { RequestLimits } from './request-limits.ts';

// As docs/monitoring/promql.md tells them.
it.each([
  ['maxRequestSamples', 2_000_000],
  ['maxRequestNewSeries', 100_000],
  ['maxRequestExemplars', 20_000],
  ['maxRequestHistograms', 50_000],
  ['maxRequestBuckets', 2_000_000],
  ['maxRequestMetadata', 50_000],
] as const)('a request has %s (%i) and no more, and the next begins anew', (limit, most) => {
  const limits = new RequestLimits();
  for (const _request of [1, 2]) {
    limits.begin();
    limits.count(limit, most - 1);
    limits.count(limit);
    expect(() => limits.count(limit)).toThrow(
      expect.objectContaining({
        code: 'body_too_large',
        message: expect.stringContaining(`${limit} (${most})`),
      }),
    );
    expect(() => limits.check(limit, most)).not.toThrow();
  }
});
