import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ChunkSpans } from './chunk-spans.ts';

const span = fc.tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 20 }));

it('finds the chunks that may hold a moment, in whatever order they came', () => {
  fc.assert(
    fc.property(fc.array(span, { maxLength: 30 }), fc.integer({ min: -5, max: 80 }), (spans, timeMs) => {
      const index = new ChunkSpans();
      const expected: number[] = [];
      spans.forEach(([minMs, lengthMs], at) => {
        index.add(at + 1, minMs, minMs + lengthMs);
        if (minMs <= timeMs && minMs + lengthMs >= timeMs) expected.push(at + 1);
      });
      expect(index.at(timeMs).toSorted((a, b) => a - b)).toEqual(expected);
    }),
  );
});
