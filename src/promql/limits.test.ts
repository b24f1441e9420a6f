import { expect, it } from 'vitest';
import type { Queryable } from '#telemetry';
import { engineWith, MemoryQueryable } from './engine.test-support.ts';

// The limits of a query as docs/monitoring/promql.md tells them, at their numbers.

const NOTHING = new MemoryQueryable();

it('a subquery has a million steps and no more', async () => {
  const query = engineWith().prepare('count_over_time(vector(1)[1000s:1ms])');
  expect(await query.instantInSlices(NOTHING, 2000)).toMatchObject({ elements: [{ value: 1_000_000 }] });
  const longer = engineWith().prepare('count_over_time(vector(1)[1000s1ms:1ms])');
  await expect(longer.instantInSlices(NOTHING, 2000)).rejects.toMatchObject({
    code: 'query_limit',
    details: { limit: 'maxSubquerySteps', value: 1_000_000 },
  });
});

it('a query holds fifty million samples, what is computed of them included, and no more', async () => {
  const SERIES = 50;
  const each = 1_000_000;
  const timestampsMs = Float64Array.from({ length: each }, (_, at) => at);
  const values = new Float64Array(each).fill(1);
  // They share their samples: the query counts them for each.
  const stored = (samplesOfLast: number): Queryable =>
    new MemoryQueryable(
      ...Array.from({ length: SERIES }, (_, at) => {
        const end = at === SERIES - 1 ? samplesOfLast : each;
        return {
          labels: { __name__: 'm', at: String(at) },
          timestampsMs: timestampsMs.subarray(0, end),
          values: values.subarray(0, end),
        };
      }),
    );
  const query = engineWith().prepare('count_over_time(m[1h])');
  let peakSamples = 0;
  // One result for each series.
  const atLimit = await query.instantInSlices(stored(each - SERIES), each, {
    onStatistics: (statistics) => ({ peakSamples } = statistics),
  });
  expect(peakSamples).toBe(50_000_000);
  expect(atLimit).toMatchObject({ elements: { length: SERIES, [SERIES - 1]: { value: each - SERIES } } });
  await expect(query.instantInSlices(stored(each - SERIES + 1), each)).rejects.toMatchObject({
    code: 'query_limit',
    details: { limit: 'maxSamples', value: 50_000_000 },
  });
});
