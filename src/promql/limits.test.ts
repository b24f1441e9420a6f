import { expect, it } from 'vitest';
import { VirtualClock, type Labels, type Queryable } from '#telemetry';
import { engineWith, MemoryQueryable, series } from './engine.test-support.ts';
import { QueryGuard } from './evaluation/query-guard.ts';
import type { QueryResult } from './query-result.ts';

// The limits of a query as docs/monitoring/promql.md tells them, at their numbers.

const NOTHING = new MemoryQueryable();

it('a subquery has a step for each minute of a leap year and no more', async () => {
  const query = engineWith().prepare('count_over_time(vector(1)[366d:1m])');
  expect(await query.instantInSlices(NOTHING, 2000)).toMatchObject({ elements: [{ value: 527_040 }] });
  const longer = engineWith().prepare('count_over_time(vector(1)[366d1m:1m])');
  await expect(longer.instantInSlices(NOTHING, 2000)).rejects.toMatchObject({
    code: 'query_limit',
    details: { limit: 'maxSubquerySteps', value: 527_040 },
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

const labelled = (count: number): Queryable =>
  new MemoryQueryable(
    ...Array.from({ length: count }, (_, at) =>
      series({ __name__: 'm', at: String(at), a: 'x'.repeat(4096) }, 1),
    ),
  );

it.each([
  [
    'label_replace',
    'label_replace(m, "j", "$1$1", "a", "(.*)")',
    'label_replace(m, "j", "${1}${1}y", "a", "(.*)")',
  ],
  ['label_join', 'label_join(m, "j", "", "a", "a")', 'label_join(m, "j", "y", "a", "a")'],
])('%s makes label values of 8,192 characters and no longer ones', async (_, atLimit, longer) => {
  const store = labelled(1);
  const [made] = elementsOf(await engineWith().prepare(atLimit).instantInSlices(store, 0));
  expect(made?.labels['j']).toHaveLength(8192);
  await expect(engineWith().prepare(longer).instantInSlices(store, 0)).rejects.toMatchObject({
    code: 'query_limit',
    details: { limit: 'maxLabelValueLength', value: 8192 },
  });
});

it.each([
  ['references', `label_replace(m, "j", "${'$1'.repeat(30_000)}", "a", "(.*)")`],
  ['sources', `label_join(m, "j", "", ${Array<string>(4900).fill('"a"').join(',')})`],
  ['separators', `label_join(m, "j", "${'x'.repeat(60_000)}", ${Array<string>(500).fill('"a"').join(',')})`],
])('a label value of too many %s is refused before it is made', async (_, text) => {
  await expect(engineWith().prepare(text).instantInSlices(labelled(1), 0)).rejects.toMatchObject({
    details: { limit: 'maxLabelValueLength' },
  });
});

it('a query writes fifty million characters into labels and no more', () => {
  const limits = { maxSamples: 1, maxSeries: 1, timeoutMs: 1 };
  const guard = new QueryGuard(limits, new VirtualClock(), undefined);
  for (let values = 0; values < 10_000; values++) guard.holdLabelValue(5000);
  expect(() => guard.holdLabelValue(1)).toThrow(
    expect.objectContaining({
      code: 'query_limit',
      details: { limit: 'maxLabelCharacters', value: 50_000_000 },
    }),
  );
});

function elementsOf(result: QueryResult): readonly { readonly labels: Labels }[] {
  if (result.kind !== 'vector') throw new Error(`expected a vector, got ${result.kind}`);
  return result.elements;
}
