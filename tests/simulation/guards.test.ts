import { describe, expect, it } from 'vitest';
import { GUARDS, messageOf, type Guard } from '#telemetry';
import { NEEDS, type Need } from './guard-needs.ts';
import { simulate } from './simulation.ts';
import type { Scenario } from './scenarios.ts';

/** What code does in a run may change with it: then one of the next seeds shows the need. */
const SEEDS_TRIED = 12;

function scenarioOf(guard: Guard, { mischief, mode = 'act', steps }: Need, seed: number): Scenario {
  return { name: `where ${guard} is needed`, mode, mischief, seed, steps };
}

/** The first seed with which the invariant breaks without the guard; null where none of those tried does. */
async function seedThatBreaks(guard: Guard, need: Need): Promise<number | null> {
  for (let seed = need.seed; seed < need.seed + SEEDS_TRIED; seed++) {
    const run = { ...scenarioOf(guard, need, seed), without: [guard] };
    const wrong = await simulate(run).then(() => '', messageOf);
    if (wrong.includes(`${need.breaks} does not hold`)) return seed;
  }
  return null;
}

describe('what each guard of the watchdog is for:', () => {
  it.each(GUARDS.map((guard) => ({ guard, need: NEEDS[guard] })))(
    'without $guard, $need.breaks does not hold',
    async ({ guard, need }) => {
      const seed = await seedThatBreaks(guard, need);
      expect(seed).not.toBeNull();
      // The same with all guards.
      await simulate(scenarioOf(guard, need, seed ?? need.seed));
    },
  );
});
