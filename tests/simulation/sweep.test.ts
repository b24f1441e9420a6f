import { expect, test } from 'vitest';
import { messageOf, POLICY_MODES } from '#telemetry';
import { WRONG_ACTIONS } from './invariants/index.ts';
import { FAULT_NAMES } from './mischief.ts';
import { WEIGHTS, type Scenario } from './scenarios.ts';
import { simulate } from './simulation.ts';

const { env } = process;
const runs = Number(env['OMOI_SIMULATIONS'] ?? 0);
const seed = Number(env['OMOI_SIMULATION_SEED'] ?? 1);
const steps = Number(env['OMOI_SIMULATION_STEPS'] ?? 400);

const MAX_RUN_MS = 60_000;
/** So many runs come to every scenario in every mode, and have every fault. */
const RUNS_OF_ALL = Object.keys(WEIGHTS).length * POLICY_MODES.length;
const MIN_FAULTS = 500;

/** Every scenario in every mode, each time with another seed. */
function scenarioOf(run: number): Scenario {
  const all = Object.entries(WEIGHTS);
  const [name, mischief] = all[run % all.length] ?? ['everything', WEIGHTS.everything];
  const mode = POLICY_MODES[Math.floor(run / all.length) % POLICY_MODES.length] ?? 'act';
  return { name, mode, mischief, seed: seed + run, steps };
}

interface Sweep {
  /** How often each fault was injected. */
  readonly faults: Record<string, number>;
  /** How often the watchdog began to act. */
  actions: number;
  /** What did not hold, with what replays it. */
  readonly failures: string[];
}

async function sweep(): Promise<Sweep> {
  const swept: Sweep = { faults: {}, actions: 0, failures: [] };
  for (let run = 0; run < runs; run++) {
    try {
      const { faults, actions } = await simulate(scenarioOf(run));
      swept.actions += actions;
      for (const [fault, count] of Object.entries(faults))
        swept.faults[fault] = (swept.faults[fault] ?? 0) + count;
    } catch (thrown) {
      swept.failures.push(messageOf(thrown));
    }
  }
  return swept;
}

test.skipIf(runs === 0)(
  `a sweep of ${runs} runs: OMOI_SIMULATIONS=${runs} OMOI_SIMULATION_SEED=${seed} OMOI_SIMULATION_STEPS=${steps}`,
  { timeout: Math.max(1, runs) * MAX_RUN_MS },
  async () => {
    const { faults, actions, failures } = await sweep();
    const injected = Object.values(faults).reduce((sum, count) => sum + count, 0);
    const wrong = failures.filter((failure) =>
      WRONG_ACTIONS.some((name) => failure.includes(`${name} does`)),
    );
    const byKind = Object.entries(faults).toSorted(([, one], [, other]) => other - one);
    console.log(
      [
        `${injected} faults in ${runs} runs, ${actions} actions begun, ${wrong.length} wrong, ${failures.length} runs failed`,
        ...byKind.map(([fault, count]) => `${String(count).padStart(7)} ${fault}`),
        ...failures,
      ].join('\n'),
    );
    expect(failures.map((failure) => failure.split('\n')[0])).toEqual([]);
    if (runs < RUNS_OF_ALL) return;
    expect(injected).toBeGreaterThanOrEqual(MIN_FAULTS);
    expect(FAULT_NAMES.filter((fault) => faults[fault] === undefined)).toEqual([]);
  },
);
