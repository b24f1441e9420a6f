import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createSeededRandom, silentLogger, VirtualClock } from '#telemetry';
import { propertyRuns } from '../../../tests/property-runs.ts';
import type { UnitIdentity } from './process-handle.ts';
import { ScriptedMachine } from './scripted-machine.test-support.ts';
import { UnitReaper, type UnitEnding } from './unit-reaper.ts';

const MARK = 'unit-a';

/** A machine on which the unit's first process has been at work for a while, and perhaps has gone. */
function machineWithUnit(seed: number): { readonly machine: ScriptedMachine; readonly unit: UnitIdentity } {
  const machine = new ScriptedMachine(createSeededRandom(seed));
  for (let turn = 0; turn < 10; turn++) machine.happen();
  let first = machine.begin('unit', MARK);
  while (!first) {
    machine.happen();
    first = machine.begin('unit', MARK);
  }
  for (let turn = 0; turn < seed % 40; turn++) machine.happen();
  const { pid, startTicks } = first;
  return { machine, unit: { bootId: 'boot', pid, startTicks, unitId: MARK } };
}

/** Moves the clock until it has ended. */
async function end(clock: VirtualClock, ending: Promise<UnitEnding>): Promise<UnitEnding> {
  const settled: UnitEnding[] = [];
  void ending.then((how) => settled.push(how));
  for (let turn = 0; turn < 1000; turn++) {
    const [how] = settled;
    if (how !== undefined) return how;
    await clock.advance(10);
  }
  throw new Error('it did not end');
}

it('signals nobody but the unit, whatever pids are given again meanwhile, and leaves nothing that carries its mark', async () => {
  let signalled = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0 }), fc.constantFrom(0, 50), async (seed, graceMs) => {
      const { machine, unit } = machineWithUnit(seed);
      const clock = new VirtualClock();
      const reaper = new UnitReaper({
        clock,
        logger: silentLogger,
        table: machine,
        signals: machine,
        groups: null,
      });
      // What forks at each look may slip through walks; on a machine that gives time to look nothing does.
      await end(clock, reaper.end(unit, graceMs));
      machine.restlessness = 0;
      expect(await end(clock, reaper.end(unit, graceMs))).toBe('ended');
      signalled += machine.sent.length;
      expect(machine.sent.filter(({ owner }) => owner !== 'unit')).toEqual([]);
      expect(machine.living('unit').filter(({ mark }) => mark === MARK)).toEqual([]);
      reaper.close();
    }),
    {
      numRuns: propertyRuns(300),
      // A witness had left its session meanwhile, whose number a stranger was given.
      examples: [[2_023_608_293, 0]],
    },
  );
  expect(signalled).toBeGreaterThan(0);
});
