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

/** Those of them that break where the watchdog acts on what it should leave alone. */
export const WRONG_ACTIONS: readonly (
  keyof typeof releases | keyof typeof watchdog | keyof typeof repairs
)[] = [
  'onlyTheIllAreActedUpon',
  'nobodyActsOnWhatIsNotManaged',
  'nobodyActsOnGossip',
  'whoIsOutOfServiceIsLeftAlone',
  'noStrangerIsEnded',
  'maintenanceIsLeftAlone',
  'nothingIsDoneForAResolvedAlert',
  'nothingIsDoneWhilePaused',
  'oneRemediationATarget',
  'whatOthersHaveStartedGetsItsTime',
  'whoIsLeavingIsNotActedUpon',
  'whoIsAskedToLeaveHasItsGrace',
  'whoOnlyObservesDoesNothing',
  'workThatGoesOnIsNotInterrupted',
];

/** @throws Error naming the invariant that does not hold */
export function assertInvariants(observation: Observation): void {
  for (const [name, invariant] of Object.entries(INVARIANTS)) {
    const wrong = invariant(observation);
    if (wrong !== null) throw new Error(`${name} does not hold at ${observation.nowMs} ms: ${wrong}`);
  }
}

export type { Observation, PolicyLimits } from './observation.ts';
