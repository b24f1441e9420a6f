import { describe, expect, it } from 'vitest';
import { layOutTrace, timeMarks, type TraceSpan } from './trace-tree.ts';

const span = (id: string, parent: string | null, [startUs, endUs]: [number, number]): TraceSpan => ({
  span_id: id,
  parent_span_id: parent,
  name: id,
  start_us: startUs,
  duration_us: endUs - startUs,
});

describe('layOutTrace', () => {
  it('puts parents before children and siblings in the order of their start', () => {
    const { rows, durationUs } = layOutTrace([
      span('verify', 'remediation', [60, 100]),
      span('append', null, [0, 10]),
      span('scale', 'remediation', [40, 50]),
      span('remediation', 'append', [20, 100]),
    ]);
    expect(rows.map(({ span: { name }, depth, offset, width }) => [name, depth, offset, width])).toEqual([
      ['append', 0, 0, 0.1],
      ['remediation', 1, 0.2, 0.8],
      ['scale', 2, 0.4, 0.1],
      ['verify', 2, 0.6, 0.4],
    ]);
    expect(durationUs).toBe(100);
  });

  it('keeps spans whose parent is missing, and says so', () => {
    const { rows } = layOutTrace([span('root', null, [0, 5]), span('orphan', 'gone', [1, 2])]);
    expect(rows.map(({ span: { name }, depth, hasParent }) => [name, depth, hasParent])).toEqual([
      ['root', 0, true],
      ['orphan', 0, false],
    ]);
  });

  it('takes a chain of as many spans as a trace may have', () => {
    const chain = Array.from({ length: 20_000 }, (_, at) =>
      span(`${at}`, at === 0 ? null : `${at - 1}`, [at, 20_000]),
    );
    expect(layOutTrace(chain).rows.at(-1)).toMatchObject({ depth: 19_999, span: { name: '19999' } });
  });

  it('loses nothing to a cycle', () => {
    const { rows } = layOutTrace([span('a', 'b', [0, 1]), span('b', 'a', [0, 1])]);
    expect(rows).toHaveLength(2);
  });

  it('has no rows for no spans, and no width for no duration', () => {
    expect(layOutTrace([]).rows).toEqual([]);
    expect(layOutTrace([span('a', null, [7, 7])]).rows[0]).toMatchObject({ offset: 0, width: 0 });
  });
});

describe('timeMarks', () => {
  it.each([
    { durationMs: 100, maxMarks: 5, marks: [0, 20, 40, 60, 80, 100] },
    { durationMs: 1_730, maxMarks: 4, marks: [0, 500, 1_000, 1_500] },
    { durationMs: 0, maxMarks: 4, marks: [0] },
  ])('$durationMs ms has $marks', ({ durationMs, maxMarks, marks }) => {
    expect(timeMarks(durationMs, maxMarks)).toEqual(marks);
  });
});
