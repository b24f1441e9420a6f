import { expect, test } from 'vitest';
import type { PolicyMode } from '#telemetry';
import { WEIGHTS } from './scenarios.ts';
import { isLong } from '../long-tests.ts';
import { simulate } from './simulation.ts';

type Found = readonly [fault: string, name: keyof typeof WEIGHTS, mode: PolicyMode, seed: number];

/** Runs of sweeps that have shown a fault, each with what it was. */
const FOUND: readonly Found[] = [
  ['a restart began on an agent whose pool had become smaller', 'floods', 'act', 9024],
  ['a restart began on one that a person had scaled away', 'people', 'approve', 20_051],
  ['a restart began on one that a person had scaled away, and hung', 'people', 'act', 20_099],
  ['a restart began on one that left while its pool rolled', 'releases', 'act', 20_248],
  ['a cooldown was measured over a reboot and a step of the wall clock', 'everything', 'act', 20_035],
  ['a stalled server learned of an exit', 'silence', 'act', 9056],
  ['a recovery was told when the disk could be written again', 'disk', 'approve', 9042],
  ['tasks waited for as long as the clock had been set back', 'clocks', 'observe', 20_042],
  ['the same, where a person decides', 'clocks', 'approve', 20_090],
  ['the same, where repairs are made meanwhile', 'clocks', 'act', 20_138],
  ['agents that had FAILED were forgotten when the clock went forth by an hour', 'upheaval', 'act', 31_014],
  ['a repair began on one that was being started, after a reboot and a leap', 'upheaval', 'act', 31_010],
  ['more repairs began at once than may, of agents that were not known any more', 'upheaval', 'act', 31_012],
  ['a command that had failed could not be forgotten any more', 'upheaval', 'act', 31_002],
  [
    'the last repair counts for a cooldown, and not an earlier one that seems to be younger',
    'upheaval',
    'act',
    31_020,
  ],
  ['an agent released from quarantine was acted upon', 'silence', 'act', 25],
  [
    'a restart of one that renewed its lease, and of which no beat had ever come',
    'everything',
    'act',
    771_024,
  ],
  [
    'who had been asked by nobody, since the server had ended, was ended by force',
    'upheaval',
    'approve',
    910_238,
  ],
  ['an alert that a person had resolved while it recovered never fired again', 'upheaval', 'act', 970_084],
  ['a task was to blame that had been lost with many others, and then alone', 'agents', 'act', 910_239],
];

/** Without OMOI_LONG=1 one of the scenario that `simulation.test.ts` does not play; the others play there, with other seeds. */
const played = isLong ? FOUND : FOUND.filter(([, name]) => name === 'upheaval').slice(0, 1);

test.each(played)('%s (%s, %s, seed %s)', async (_fault, name, mode, seed) => {
  const report = await simulate({ name, mode, seed, steps: 400, mischief: WEIGHTS[name] });
  expect(Object.keys(report.faults)).not.toEqual([]);
});
