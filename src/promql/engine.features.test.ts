import { describe, expect, it } from 'vitest';
import { engineWith, MemoryQueryable, series } from './engine.test-support.ts';
import { ALL_FEATURES, type PromqlFeatures } from './syntax/features.ts';

describe('what is said of rates of no counters', () => {
  const text = 'metric might not be a counter, __type__ label is not set to "counter" or "histogram", got';
  it.each<readonly [string, object, readonly string[]]>([
    ['m', {}, [`PromQL info: ${text} "": "m" (1:6)`]],
    ['m_total', { __type__: 'gauge' }, [`PromQL info: ${text} "gauge": "m_total" (1:6)`]],
    ['m', { __type__: 'counter' }, []],
    ['m', { __type__: 'histogram' }, []],
  ])('goes by the type of %s %j under type-and-unit-labels', async (name, labels, infos) => {
    const memory = new MemoryQueryable(series({ __name__: name, ...labels }, 1, 2, 3));
    const engine = engineWith({ features: new Set(['type-and-unit-labels']) });
    const result = await engine.prepare(`rate(${name}[1m])`).instant(memory, 2000);
    expect(result.infos).toEqual(infos);
  });
});

describe('when samples began counting', () => {
  const counter = {
    ...series({ __name__: 'up_total' }, 5, 6, 7),
    startTimestampsMs: Float64Array.of(-500, 500, 500),
  };
  const valuesOf = async (query: string, features: PromqlFeatures) => {
    const result = await engineWith({ features }).prepare(query).instant(new MemoryQueryable(counter), 2000);
    return result.kind === 'vector' ? result.elements.map(({ value }) => value) : result;
  };

  it.each([
    ['increase(up_total[3s])', [12], [3]],
    ['start_timestamp(up_total)', [0.5], []],
  ])('%s is asked by use-start-timestamps', async (query, used, unused) => {
    expect(await valuesOf(query, ALL_FEATURES)).toEqual(used);
    expect(await valuesOf(query, new Set(['promql-experimental-functions']))).toEqual(unused);
  });
});
