import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../../../tests/property-runs.ts';
import { DEFAULT_LIMITS } from '../limits.ts';
import { MetricSenders } from './metric-senders.ts';
import { SeriesIndex } from './series-index.ts';

const METRICS = ['load', 'other'];
const step = fc.oneof(
  fc.record({ kind: fc.constant('add'), metric: fc.constantFrom(...METRICS), host: fc.nat(20) }),
  fc.record({
    kind: fc.constant('send'),
    at: fc.nat(40),
    sender: fc.constantFrom('omoi', 'token:a', 'anonymous'),
  }),
  fc.record({ kind: fc.constant('remove'), at: fc.nat(40) }),
  fc.record({ kind: fc.constant('ask'), metric: fc.constantFrom(...METRICS) }),
);

describe('the senders of a metric', () => {
  it('are as many as its series have, whatever came, went or was taken over', () => {
    const check = fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const index = new SeriesIndex(DEFAULT_LIMITS);
      const rows = new Map<number, string>();
      for (const one of steps) {
        const live = [...rows.keys()];
        if ('host' in one)
          rows.set(index.findOrAdd({ __name__: one.metric, host: `${one.host}` }), one.metric);
        else if ('sender' in one) {
          const row = live[one.at % live.length];
          const number = index.senders.begin(one.sender);
          if (row !== undefined && index.senders.maySend(row, number))
            index.senders.setOwner(row, number, { untilMs: 1e12, lastMs: 1 });
          index.senders.end(number);
        } else if ('at' in one) {
          const row = live[one.at % live.length];
          if (row === undefined) continue;
          index.remove([row]);
          rows.delete(row);
        } else index.senders.countOfMetric(one.metric);
      }
      for (const metric of METRICS) {
        const of = [...rows]
          .filter(([, name]) => name === metric)
          .map(([row]) => index.senders.numberOf(row));
        expect(index.senders.countOfMetric(metric)).toBe(new Set(of).size);
      }
    });
    fc.assert(check, { numRuns: propertyRuns(200) });
  });

  it('are counted by a look at the series the first time alone', () => {
    const senders = new MetricSenders();
    let looks = 0;
    const rows = Uint32Array.from({ length: 1000 }, (_, at) => at + 1);
    const count = () => senders.of('load', rows, (row) => (looks++, row % 3));
    expect([count().size, count().size, looks]).toEqual([3, 3, 1000]);
    senders.moved('load', null, 7);
    expect([count().size, looks]).toEqual([4, 1000]);
  });

  it('are remembered of so many metrics only', () => {
    const senders = new MetricSenders();
    const row = Uint32Array.of(1);
    const looked: string[] = [];
    const ask = (name: string) => senders.of(name, row, () => (looked.push(name), 1));
    for (let at = 0; at < 1000; at++) ask(`m${at}`);
    ask('m0');
    ask('one more');
    looked.length = 0;
    for (const name of ['m0', 'one more', 'm2', 'm1']) ask(name);
    expect(looked).toEqual(['m1']);
  });
});
