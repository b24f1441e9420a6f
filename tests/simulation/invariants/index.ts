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
  | keyof typeof releases
  | keyof typeof watchdog
  | keyof typeof repairs
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

/** @throws Error naming the invariants that do not hold */
export function assertInvariants(observation: Observation): void {
  const wrong = Object.entries(INVARIANTS).flatMap(([name, invariant]) => {
    const found = invariant(observation);
    return found === null ? [] : [`${name} does not hold at ${observation.nowMs} ms: ${found}`];
  });
  if (wrong.length > 0) throw new Error(wrong.join('; '));
}

export type { Observation, PolicyLimits } from './observation.ts';
