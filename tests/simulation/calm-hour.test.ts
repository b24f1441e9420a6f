import { expect, test } from 'vitest';
import { isLong } from '../long-tests.ts';
import { BUSY } from './scenarios.ts';
import { simulate } from './simulation.ts';

/** A step is 310 ms in the mean. */
const STEPS_OF_AN_HOUR = 11_600;
/** Of an hour, what `npm test` has time for. */
const STEPS_OF_TWO_MINUTES = 390;
const SEEDS = isLong ? [11, 12, 13] : [1];
const steps = isLong ? STEPS_OF_AN_HOUR : STEPS_OF_TWO_MINUTES;

test.each(SEEDS)(
  'the demo, with which nothing is wrong, raises no alert on a busy machine and has nothing repaired (seed %s)',
  async (seed) => {
    const report = await simulate({
      name: 'busy',
      mode: 'act',
      fleet: 'demo',
      mischief: BUSY,
      seed,
      steps,
    });
    const told = report.log.filter((line) =>
      / (?:monitor\.alert|watchdog\.(?:remediation|escalated|storm))/.test(line),
    );
    expect(told).toEqual([]);
    // It worked all the time, and the machine was really busy.
    const hours = report.virtualMs / 3_600_000;
    expect(report.events['fleet.task.completed']).toBeGreaterThan(6000 * hours);
    expect(report.faults['host_is_busy']).toBeGreaterThan(20 * hours);
    expect(report.faults['process_pauses']).toBeGreaterThan(200 * hours);
  },
);
