import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { maxCharactersInPlace } from '../../src/alerting/rules/rule-file-reader.ts';
import { isLong } from '../long-tests.ts';
import { FLEET_RULES, GOSSIP_FILES } from './gossip.ts';
import { WEIGHTS, type Scenario } from './scenarios.ts';
import { simulate } from './simulation.ts';

const scenario = (name: keyof typeof WEIGHTS, seed: number, steps: number): Scenario => ({
  name,
  mode: 'act',
  seed,
  steps,
  mischief: WEIGHTS[name],
});

/** Threads that leave this one less of the machine, as other tests do that run beside it. */
async function besideOthers<Result>(work: () => Promise<Result>): Promise<Result> {
  const threads = Array.from({ length: 3 }, () => new Worker('for (;;);', { eval: true }));
  try {
    return await work();
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

const RUNS: readonly (readonly [keyof typeof WEIGHTS, number])[] = [
  ['upheaval', 31_002],
  ['everything', 8],
];

/** Threads that spin cost more than the runs that they disturb: both runs with OMOI_LONG=1. */
test.each(isLong ? RUNS : RUNS.slice(0, 1))(
  'a seed gives the same run again, after others and on a busy machine (%s, seed %s)',
  async (name, seed) => {
    const run = scenario(name, seed, 120);
    const first = await simulate(run);
    const other = await simulate({ ...run, seed: seed + 1, steps: 50 });
    const again = await besideOthers(() => simulate(run));
    expect(again.log).toEqual(first.log);
    expect(again).toEqual(first);
    expect(other.digest).not.toBe(first.digest);
  },
);

test('the rules of the simulation are read without a thread, whose time is real', () => {
  const files = [FLEET_RULES, GOSSIP_FILES.rules];
  const characters = files.reduce((sum, file) => sum + readFileSync(file, 'utf8').length, 0);
  expect(characters).toBeLessThanOrEqual(maxCharactersInPlace);
});
