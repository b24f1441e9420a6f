import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../../../tests/property-runs.ts';
import { takes, type ClaimFilter } from './claim-filter.ts';
import { ClaimLines } from './claim-lines.ts';

interface Waiter {
  readonly ticket: number;
  readonly filter: ClaimFilter;
}

const name = fc.constantFrom('a', 'b', 'c');
const names = fc.option(fc.uniqueArray(name, { minLength: 1 }));
const filters: fc.Arbitrary<ClaimFilter> = fc.record({
  agentId: fc.constant('agent'),
  poolId: fc.option(name),
  phaseIds: names,
  taskTypes: names,
  ownPoolOnly: fc.boolean(),
});
const tasks = fc.record({ task_type: name, phase_id: name, pool_id: fc.option(name) });

describe('the lines of waiting claims', () => {
  it('give each task the claim that a look at all of them would, and keep nothing of those that left', () => {
    const step = fc.oneof(
      fc.record({ comes: filters, ticket: fc.nat(20) }),
      fc.record({ leaves: fc.nat(9) }),
      fc.record({ task: tasks, passedOver: fc.nat(3) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const lines = new ClaimLines<Waiter>();
        let waiting: readonly { readonly waiter: Waiter; readonly leave: () => boolean }[] = [];
        const leave = (at: number): void => {
          const one = waiting[at];
          if (!one) return;
          const takesSomething = one.waiter.filter.poolId !== null || !one.waiter.filter.ownPoolOnly;
          expect([one.leave(), one.leave()]).toEqual([takesSomething, false]);
          waiting = waiting.filter((other) => other !== one);
        };
        for (const [at, one] of steps.entries()) {
          if ('comes' in one) {
            // Whoever was woken in vain comes back with its old ticket, which nobody else has.
            const waiter = { filter: one.comes, ticket: one.ticket * 100 + at };
            waiting = [...waiting, { waiter, leave: lines.enter(one.comes, waiter) }];
          } else if ('leaves' in one) leave(one.leaves);
          else {
            const mayTake = ({ ticket }: Waiter): boolean => ticket % 4 !== one.passedOver;
            const fitting = waiting
              .map(({ waiter }) => waiter)
              .filter((waiter) => takes(waiter.filter, one.task) && mayTake(waiter));
            const longest = fitting.toSorted((a, b) => a.ticket - b.ticket)[0];
            expect(lines.firstFor(one.task, mayTake)).toBe(longest);
          }
        }
        while (waiting.length > 0) leave(0);
        expect(lines.places).toBe(0);
      }),
      { numRuns: propertyRuns(500) },
    );
  });

  it('are not looked through for a task of another type, or of another pool', () => {
    const lines = new ClaimLines<{ readonly ticket: number }>();
    let looks = 0;
    const wanted = { agentId: 'agent', phaseIds: null, ownPoolOnly: false };
    for (let at = 0; at < 2000; at++) {
      const waiter = {
        get ticket() {
          looks++;
          return at;
        },
      };
      lines.enter({ ...wanted, poolId: `pool-${at}`, taskTypes: ['common', `type-${at}`] }, waiter);
    }
    looks = 0;
    const anyone = (): boolean => true;
    expect(lines.firstFor({ task_type: 'other', phase_id: 'A', pool_id: null }, anyone)).toBeUndefined();
    expect(lines.firstFor({ task_type: 'common', phase_id: 'A', pool_id: null }, anyone)).toBeDefined();
    expect(
      lines.firstFor({ task_type: 'common', phase_id: 'A', pool_id: 'pool-1999' }, anyone),
    ).toBeDefined();
    expect(looks).toBeLessThan(10);
  });
});
