import { payloadOf, type LoggedEvent } from '../chronicle.ts';
import { firstWrong, HEARTBEAT_TTL_MS, type Invariant, type Observation } from './observation.ts';

/** Shorter gaps are hiccups, which the watchdog need not notice. */
const NOTICED_STALL_MS = 2500;
const STORM = { minSick: 3, share: 0.5 };

/** The moments at which the watchdog began to act, in the last step. */
function beginnings({ chronicle }: Observation): readonly LoggedEvent[] {
  return chronicle.fresh.filter(
    (event) =>
      event.type === 'watchdog.remediation.started' ||
      payloadOf(event, 'watchdog.remediation.changed')?.to === 'executing',
  );
}

/** 3: a pool contains its agents. */
export const oneRemediationATarget: Invariant = ({ archive }) => {
  const busy = archive.rows(
    `SELECT id, target_kind, target_id, pool_id FROM remediations WHERE state IN ('executing', 'verifying')`,
  );
  return firstWrong(busy, (one) => {
    const other = busy.find(
      (candidate) =>
        candidate['id'] !== one['id'] &&
        (candidate['target_kind'] === one['target_kind']
          ? candidate['target_id'] === one['target_id']
          : candidate['pool_id'] !== null && candidate['pool_id'] === one['pool_id']),
    );
    return other !== undefined && `${one['id']} and ${other['id']} are both at work on ${one['target_id']}`;
  });
};

/** 3 */
export const oneRemediationForEachPolicyAlertAndTarget: Invariant = ({ archive }) =>
  firstWrong(
    archive.rows(
      `SELECT policy, alert_id, target_id FROM remediations
       GROUP BY policy, alert_id, target_kind, target_id HAVING count(*) > 1`,
    ),
    (row) => `${row['policy']} has several remediations for ${row['alert_id']} on ${row['target_id']}`,
  );

/** 3 */
export const nothingIsDoneForAResolvedAlert: Invariant = (observation) =>
  firstWrong(beginnings(observation), (event) => {
    const alert = observation.chronicle.alerts.get(String(event.payload['alert_id']));
    return (
      alert !== undefined &&
      alert.resolvedAtMs !== null &&
      alert.resolvedAtMs < event.atMs &&
      `${event.entityId} began at ${event.atMs}, its alert resolved at ${alert.resolvedAtMs}`
    );
  });

/** 7 */
export const whoWasBlindWaitsBeforeItActs: Invariant = (observation) =>
  firstWrong(beginnings(observation), (event) => {
    const { blindness, launches } = observation.ledger;
    const blind = blindness.find(
      ({ what, fromMs, untilMs }) =>
        (what === 'outage' || untilMs - fromMs > NOTICED_STALL_MS) &&
        untilMs <= event.atMs &&
        event.atMs + 1 < untilMs + HEARTBEAT_TTL_MS &&
        // Another process was launched since: it was not blind, and its agents' ages began with it.
        !launches.some((launchMs) => launchMs >= fromMs && launchMs <= event.atMs),
    );
    return (
      blind !== undefined &&
      `${event.entityId} began at ${event.atMs}, ${event.atMs - blind.untilMs} ms after a ${blind.what}`
    );
  });

/** 7 */
export const aStormStopsRepairs: Invariant = (observation) =>
  firstWrong(beginnings(observation), (event) => {
    let agents = 0;
    let sick = 0;
    for (const stands of observation.chronicle.statuses.values()) {
      const status = stands.findLast(({ sinceMs }) => sinceMs < event.atMs)?.status;
      if (status === undefined || status === 'TERMINATED' || status === 'QUARANTINED') continue;
      agents++;
      if (status === 'UNRESPONSIVE' || status === 'FAILED') sick++;
    }
    // What changed in the same millisecond may have calmed the storm.
    const changing = observation.chronicle.fresh.some(
      (other) => other.type === 'fleet.agent.status_changed' && other.atMs === event.atMs,
    );
    return (
      !changing &&
      sick >= STORM.minSick &&
      sick / agents >= STORM.share &&
      `${event.entityId} began at ${event.atMs} while ${sick} of ${agents} agents were sick`
    );
  });

/** 8 */
export const policiesStayWithinTheirGuards: Invariant = ({ archive, chronicle, policies, ledger, nowMs }) =>
  firstWrong(policies, ({ name, maxParallel, maxStarts, windowMs }) => {
    const running = archive
      .rows(`SELECT policy FROM remediations WHERE state IN ('executing', 'verifying')`)
      .filter((row) => row['policy'] === name).length;
    if (running > maxParallel) return `${running} remediations of ${name} run, at most ${maxParallel} may`;
    // The window is one of wall time.
    if (ledger.wallSteps > 0) return null;
    const starts = chronicle.events.filter(
      (event) => event.atMs > nowMs - windowMs && event.payload['policy'] === name && isBeginning(event),
    ).length;
    return starts > maxStarts && `${name} began ${starts} times within its window, at most ${maxStarts} may`;
  });

function isBeginning(event: LoggedEvent): boolean {
  return event.type === 'watchdog.remediation.started' || event.payload['to'] === 'executing';
}

/** 13 */
export const whoOnlyObservesDoesNothing: Invariant = ({ archive, chronicle, mode }) => {
  if (mode !== 'observe') return null;
  const actions = archive.count('SELECT count(*) AS count FROM watchdog_actions');
  if (actions > 0) return `${actions} actions were taken in mode observe`;
  return firstWrong(
    chronicle.restartsRequested,
    ([generation, by]) => by.startsWith('watchdog') && `${by} restarted ${generation} in mode observe`,
  );
};
