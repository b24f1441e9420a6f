import { describe, expect, it } from 'vitest';
import { GUARDS, messageOf, type Guard, type PolicyMode } from '#telemetry';
import { simulate } from './simulation.ts';
import { WEIGHTS, type Scenario } from './scenarios.ts';

/** Runs in which a guard is needed, and the invariant that does not hold without it. */
interface Need {
  readonly name: keyof typeof WEIGHTS;
  readonly mode?: PolicyMode;
  /** The seed that is tried first: it has shown the need. */
  readonly seed: number;
  readonly steps: number;
  readonly breaks: string;
}

/** What code does in a run may change with it: then one of the next seeds shows the need. */
const SEEDS_TRIED = 12;

const NEEDS: Partial<Record<Guard, Need>> = {
  paused: { name: 'people', seed: 3, steps: 60, breaks: 'nothingIsDoneWhilePaused' },
  observe: { name: 'ends', mode: 'observe', seed: 1, steps: 30, breaks: 'whoOnlyObservesDoesNothing' },
  not_managed: { name: 'agents', seed: 2, steps: 60, breaks: 'nobodyActsOnWhatIsNotManaged' },
  maintenance: { name: 'releases', seed: 1, steps: 120, breaks: 'maintenanceIsLeftAlone' },
  cooldown: { name: 'ends', seed: 1, steps: 50, breaks: 'aCooldownIsWaitedFor' },
  max_parallel: { name: 'silence', seed: 3, steps: 110, breaks: 'policiesStayWithinTheirGuards' },
  repair_rate: { name: 'ends', seed: 4, steps: 50, breaks: 'repairsOfTheCertainAreSpread' },
  target_healthy: { name: 'silence', seed: 31, steps: 150, breaks: 'onlyTheIllAreActedUpon' },
};

function scenarioOf({ name, mode = 'act', steps }: Need, seed: number): Scenario {
  return { name, mode, mischief: WEIGHTS[name], seed, steps };
}

/** The first seed with which the invariant breaks without the guard; null where none of those tried does. */
async function seedThatBreaks(guard: Guard, need: Need): Promise<number | null> {
  for (let seed = need.seed; seed < need.seed + SEEDS_TRIED; seed++) {
    const wrong = await simulate({ ...scenarioOf(need, seed), without: guard }).then(() => '', messageOf);
    if (wrong.includes(`${need.breaks} does not hold`)) return seed;
  }
  return null;
}

describe('what each guard of the watchdog is for:', () => {
  it.each(GUARDS.flatMap((guard) => (NEEDS[guard] ? [{ guard, need: NEEDS[guard] }] : [])))(
    'without $guard, $need.breaks does not hold',
    async ({ guard, need }) => {
      const seed = await seedThatBreaks(guard, need);
      expect(seed).not.toBeNull();
      // The same with all guards.
      await simulate(scenarioOf(need, seed ?? need.seed));
    },
  );
});
