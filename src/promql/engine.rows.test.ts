import { describe, expect, it } from 'vitest';
import type { Queryable, SelectedSeries } from '#telemetry';
import { engineWith, MemoryQueryable, series } from './engine.test-support.ts';

describe('series that are read one at a time', () => {
  const three = new MemoryQueryable(
    ...Array.from({ length: 3 }, (_, at) => series({ __name__: 'm', at: String(at) }, 1, 2, 3)),
  );

  /** Reads from the store until `leavesAfter` series have been read; then their samples have moved. */
  function reading(leavesAfter: number): Queryable {
    let reads = 0;
    return {
      select: (selection) => three.select(selection),
      open(selection) {
        const selected = three.select(selection);
        return {
          seriesCount: selected.length,
          read: (place) => (reads++ < leavesAfter ? (selected[place] ?? null) : null),
        };
      },
    };
  }

  it.each([3, 2, 0])('gives the same when samples move after %d of them', async (leavesAfter) => {
    const query = engineWith().prepare('sum_over_time(m[10s])');
    const expected = await query.instantInSlices(three, 2000);
    expect(expected).toMatchObject({ elements: [{ value: 6 }, { value: 6 }, { value: 6 }] });
    expect(await query.instantInSlices(reading(leavesAfter), 2000)).toEqual(expected);
    const range = { startMs: 0, endMs: 2000, stepMs: 1000 };
    expect(await query.range(reading(leavesAfter), range)).toEqual(await query.range(three, range));
  });

  it('counts only what is held at once', async () => {
    // Three samples of a series at a time, and a result of one for each of three series.
    const query = engineWith({ maxSamples: 6 }).prepare('sum_over_time(m[10s])');
    await expect(query.instantInSlices(three, 2000)).rejects.toMatchObject({ code: 'query_limit' });
    await expect(query.instantInSlices(reading(3), 2000)).resolves.toMatchObject({ kind: 'vector' });
  });
});

describe('aggregations that take their rows as they come', () => {
  // More rows than a block of so many steps has.
  const range = { startMs: 0, endMs: 1_000_000, stepMs: 1000 };
  const bucketed = (count: number): SelectedSeries['histograms'] =>
    Array.from({ length: 3 }, () => ({
      schema: 0,
      zeroThreshold: 0,
      zeroCount: 0,
      count,
      sum: count / 2,
      positiveSpans: [{ offset: 0, length: 1 }],
      positiveCounts: [count],
      negativeSpans: [],
      negativeCounts: [],
      customBounds: [],
      counterReset: 'unknown' as const,
    }));
  const rows = Array.from({ length: 30 }, (_, at) =>
    series(
      { __name__: 'm_total', group: String(at % 4), at: String(at) },
      ...Array.from({ length: 900 }, (__, step) => ((at + 1) * step) % (500 + at)),
    ),
  );
  const mixed = new MemoryQueryable(...rows, {
    ...series({ __name__: 'm_total', group: '0', at: 'histogram' }, 1, 2, 3),
    histograms: bucketed(4) ?? [],
  });

  it.each(['sum', 'avg', 'count', 'group', 'min', 'max', 'stddev', 'stdvar'])(
    '%s gives what it gives of a whole table',
    async (operator) => {
      const engine = engineWith();
      for (const input of ['rate(m_total[1m])', 'last_over_time(m_total[5s])', 'm_total']) {
        const inBlocks = await engine.prepare(`${operator} by (group) (${input})`).range(mixed, range);
        // The chain in between makes a table of all rows, and takes none away.
        const chained = `${operator} by (group) (${input} unless vector(1))`;
        const atOnce = await engine.prepare(chained).range(mixed, range);
        expect(inBlocks).toMatchObject({ kind: 'matrix', series: { length: 4 } });
        expect({ ...inBlocks, warnings: [], infos: [] }).toEqual({ ...atOnce, warnings: [], infos: [] });
      }
    },
  );

  it('hold their groups and one block, not all rows', async () => {
    const engine = engineWith({ maxSamples: 12_000 });
    const plain = new MemoryQueryable(...rows);
    const oneByOne: Queryable = {
      select: (selection) => plain.select(selection),
      open(selection) {
        const selected = plain.select(selection);
        return { seriesCount: selected.length, read: (place) => selected[place] ?? null };
      },
    };
    await expect(engine.prepare('rate(m_total[1m])').range(oneByOne, range)).rejects.toMatchObject({
      code: 'query_limit',
    });
    const sums = await engine.prepare('sum by (group) (rate(m_total[1m]))').range(oneByOne, range);
    expect(sums).toMatchObject({ series: { length: 4 } });
    await expect(
      engine.prepare('sum by (at) (rate(m_total[1m]))').range(oneByOne, range),
    ).rejects.toMatchObject({ code: 'query_limit' });
  });
});
