import * as alerts from './alerts.ts';
import * as fleet from './fleet.ts';
import * as log from './log.ts';
import type { Invariant, Observation } from './observation.ts';
import * as releases from './releases.ts';
import * as repairs from './repairs.ts';
import * as watchdog from './watchdog.ts';
import * as world from './world.ts';

const INVARIANTS: Readonly<Record<string, Invariant>> = {
  ...log,
  ...alerts,
  ...fleet,
  ...releases,
  ...watchdog,
  ...repairs,
  ...world,
};

/** @throws Error naming the invariant that does not hold */
export function assertInvariants(observation: Observation): void {
  for (const [name, invariant] of Object.entries(INVARIANTS)) {
    const wrong = invariant(observation);
    if (wrong !== null) throw new Error(`${name} does not hold at ${observation.nowMs} ms: ${wrong}`);
  }
}

export type { Observation, PolicyLimits } from './observation.ts';
