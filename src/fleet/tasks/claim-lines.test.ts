import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../../../tests/property-runs.ts';
import { takes, type ClaimFilter } from './claim-filter.ts';
import { ClaimLines, type Company } from './claim-lines.ts';

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
const company = fc.constantFrom<Company[]>('alone', 'shared');
const tasks = fc.record({ task_type: name, phase_id: name, pool_id: fc.option(name) });

describe('the lines of waiting claims', () => {
  it('give each task the claim that a look at all of them would, and keep nothing of those that left', () => {
    const step = fc.oneof(
      fc.record({ comes: filters, ticket: fc.nat(20) }),
      fc.record({ leaves: fc.nat(9) }),
      // Of four groups of waiters, of which each takes nothing, or nothing alone, for some time.
      fc.record({ group: fc.nat(3), takesNo: company }),
      fc.record({ group: fc.nat(3), takesAgain: company }),
      fc.record({ task: tasks, company }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const lines = new ClaimLines<Waiter>();
        const passedOver = new Set<string>();
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
          else if ('takesNo' in one) passedOver.add(`${one.group} ${one.takesNo}`);
          else if ('takesAgain' in one) {
            passedOver.delete(`${one.group} ${one.takesAgain}`);
            lines.reconsider();
          } else {
            const mayTake = ({ ticket }: Waiter): boolean => !passedOver.has(`${ticket % 4} ${one.company}`);
            const fitting = waiting
              .map(({ waiter }) => waiter)
              .filter((waiter) => takes(waiter.filter, one.task) && mayTake(waiter));
            const longest = fitting.toSorted((a, b) => a.ticket - b.ticket)[0];
            expect(lines.firstFor(one.task, { company: one.company, mayTake })).toBe(longest);
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
    const anyone = { company: 'shared', mayTake: () => true } as const;
    expect(lines.firstFor({ task_type: 'other', phase_id: 'A', pool_id: null }, anyone)).toBeUndefined();
    expect(lines.firstFor({ task_type: 'common', phase_id: 'A', pool_id: null }, anyone)).toBeDefined();
    expect(
      lines.firstFor({ task_type: 'common', phase_id: 'A', pool_id: 'pool-1999' }, anyone),
    ).toBeDefined();
    expect(looks).toBeLessThan(10);
  });

  it('are looked through once for those that are passed over, and again when one may take tasks', () => {
    const lines = new ClaimLines<{ readonly ticket: number }>();
    const filter = {
      agentId: 'agent',
      poolId: null,
      phaseIds: null,
      taskTypes: ['build'],
      ownPoolOnly: false,
    };
    const waiters = Array.from({ length: 5000 }, (_, ticket) => ({ ticket }));
    for (const waiter of waiters) lines.enter(filter, waiter);
    const task = { task_type: 'build', phase_id: 'A', pool_id: null };
    let free: number | null = null;
    let looks = 0;
    const mayTake = ({ ticket }: { readonly ticket: number }): boolean => {
      looks++;
      return ticket === free;
    };
    const find = () => lines.firstFor(task, { company: 'alone', mayTake })?.ticket;
    for (let again = 0; again < 1000; again++) expect(find()).toBeUndefined();
    expect(looks).toBe(waiters.length);
    free = 4000;
    lines.reconsider();
    expect(find()).toBe(free);
    const leave = lines.enter(filter, { ticket: 5000 });
    free = 5000;
    expect(find()).toBe(free);
    leave();
    free = -1;
    expect(find()).toBeUndefined();
    lines.enter(filter, { ticket: -1 });
    expect(find()).toBe(free);
    expect(looks).toBeLessThan(3 * waiters.length);
  });
});
