import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../../../tests/property-runs.ts';
import { SenderTable } from './sender-table.ts';

describe('the numbers of senders', () => {
  it('come back when nothing is from them any more: newcomers have names of their own', () => {
    const table = new SenderTable(3);
    for (let at = 0; at < 1000; at++) {
      const sender = `token:${at}`;
      const number = table.hold(sender);
      expect(table.textOf(number)).toBe(sender);
      expect(number).toBeLessThanOrEqual(3);
      table.release(number);
    }
    expect(table.size).toBe(1);
  });

  it('are anonymous for who comes when too many are held, and stay those of others', () => {
    const table = new SenderTable(3);
    const [a, b] = [table.hold('token:a'), table.hold('token:b')];
    const c = table.hold('token:c');
    expect([a, b, c].map((number) => table.textOf(number))).toEqual(['token:a', 'token:b', 'anonymous']);
    expect(table.unnamed).toBe(1);
    table.release(c);
    table.release(a);
    expect(table.textOf(table.hold('token:c'))).toBe('token:c');
    expect(table.textOf(b)).toBe('token:b');
    expect(table.textOf(table.hold('token:d'))).toBe('anonymous');
  });

  it('keep the sender as long as a series is held that it took over', () => {
    const table = new SenderTable();
    const [before, after] = [table.hold('anonymous'), table.hold('agent:w-1')];
    const labels = { agent_id: 'w-1' };
    const taken = table.holdContinued(before, after, { untilMs: 1000, lastMs: 10 });
    table.release(after);
    expect(table.mayContinue(taken, table.hold('agent:w-1'), labels)).toBe(true);
    table.release(after);
    expect([...table.sendersAt(taken, 0)]).toEqual(['agent:w-1', 'anonymous']);
    table.release(taken);
    expect([table.size, table.textOf(after), table.textOf(taken)]).toEqual([1, null, null]);
  });

  it('are one for each text that is held, and none for others', () => {
    const text = fc.constantFrom('anonymous', 'omoi', 'agent:1', 'agent:2', 'pool:p', 'token:t');
    const step = fc.oneof(
      fc.record({ hold: text }),
      fc.record({ takeOver: fc.nat(9), by: text }),
      fc.record({ release: fc.nat(9) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const table = new SenderTable();
        let held: { readonly number: number; readonly text: string }[] = [];
        const hold = (number: number): void => {
          held.push({ number, text: table.textOf(number) ?? '' });
        };
        for (const one of steps) {
          if ('hold' in one) hold(table.hold(one.hold));
          else if ('takeOver' in one) {
            const series = held[one.takeOver];
            if (!series) continue;
            const sender = table.hold(one.by);
            hold(table.holdContinued(series.number, sender, { untilMs: 1, lastMs: 0 }));
            table.release(sender);
          } else {
            const series = held[one.release];
            held = held.filter((other) => other !== series);
            if (series) table.release(series.number);
          }
          for (const { number, text: expected } of held) expect(table.textOf(number)).toBe(expected);
          const texts = new Set(['anonymous', ...held.map((series) => series.text)]);
          for (const known of texts) texts.add(known.split('\n')[0] ?? '');
          expect(table.size).toBe(texts.size);
        }
      }),
      { numRuns: propertyRuns(300) },
    );
  });
});
