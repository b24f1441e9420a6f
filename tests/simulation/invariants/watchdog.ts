import { isBeginning, type LoggedEvent } from '../chronicle.ts';
import type { Ledger } from '../ledger.ts';
import { GOSSIP_POLICY } from '../gossip.ts';
import { beginnings, firstWrong, HEARTBEAT_TTL_MS, type Invariant, type Observation } from './observation.ts';

/** How long who was blind waits, ms: the watchdog's own limit, as its docs say it. */
const SUSPICION_HOLD_MS = 15_000;
/** A decision is made from memory, a moment before its event. */
const DECIDED_WITHIN_MS = 60;
/** Shorter gaps are hiccups, which the watchdog need not notice. */
const NOTICED_STALL_MS = 2500;
const STORM = { minSilent: 3, share: 0.5, withinMs: 30_000 };

/** The silent agent that a remediation acts on; null where it acts on a pool, or on what was seen to end or to stand still. */
function silentTarget({ chronicle }: Observation, event: LoggedEvent): string | null {
  const agentId = /^agent:(.*)$/.exec(String(event.payload['target']))?.[1];
  if (agentId === undefined) return null;
  return chronicle.statusBefore(agentId, event)?.status === 'UNRESPONSIVE' ? agentId : null;
}

const poolOf = (agentId: string): string => agentId.replace(/-\d+$/, '');

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
    if (silentTarget(observation, event) === null) return false;
    const { blindness, launches } = observation.ledger;
    const blind = blindness.find(
      ({ what, fromMs, untilMs }) =>
        (what === 'outage' || untilMs - fromMs > NOTICED_STALL_MS) &&
        untilMs <= event.atMs &&
        event.atMs + 1 < waitsUntilMs({ what, fromMs, untilMs }) &&
        // Another process was launched since: it was not blind, and its agents' ages began with it.
        !launches.some((launchMs) => launchMs >= fromMs && launchMs <= event.atMs),
    );
    return (
      blind !== undefined &&
      `${event.entityId} began at ${event.atMs}, ${event.atMs - blind.untilMs} ms after a ${blind.what}`
    );
  });

/** An outage may have been met at its beginning alone: that it went on afterwards nobody has noticed. */
function waitsUntilMs({ what, fromMs, untilMs }: Ledger['blindness'][number]): number {
  const noticedMs = what === 'stall' ? untilMs : fromMs;
  return Math.max(untilMs + HEARTBEAT_TTL_MS, noticedMs + SUSPICION_HOLD_MS);
}

/** 7 */
export const aStormStopsRepairs: Invariant = (observation) =>
  firstWrong(beginnings(observation), (event) => {
    const { chronicle, ledger } = observation;
    const target = silentTarget(observation, event);
    const sinceMs = event.atMs - STORM.withinMs;
    // Whoever was silent when a process began has fallen silent before its time.
    if (target === null || ledger.launches.some((launchMs) => launchMs >= sinceMs)) return false;
    // A person has looked: who was silent then is no storm any more.
    if (ledger.resumedAtMs >= sinceMs) return false;
    let agents = 0;
    let fell = 0;
    for (const [agentId, stands] of chronicle.statuses) {
      const stand = stands.findLast((one) => one.eventId < event.id);
      if (!stand || poolOf(agentId) !== poolOf(target) || GONE.has(stand.status)) continue;
      agents++;
      if (stand.status === 'UNRESPONSIVE' && stand.sinceMs > sinceMs) fell++;
    }
    // What changed just before, in the same millisecond, may have calmed the storm.
    const changing = chronicle.fresh.some(
      (other) =>
        other.type === 'fleet.agent.status_changed' && other.atMs === event.atMs && other.id < event.id,
    );
    return (
      !changing &&
      fell >= STORM.minSilent &&
      fell / agents >= STORM.share &&
      `${event.entityId} began at ${event.atMs} when ${fell} of ${agents} agents had just fallen silent`
    );
  });

const GONE: ReadonlySet<string> = new Set(['TERMINATED', 'QUARANTINED']);

/** 8 */
export const noMoreAreRepairedAtOnceThanMay: Invariant = ({ archive, policies }) =>
  firstWrong(policies, ({ name, maxParallel }) => {
    const running = archive
      .rows(`SELECT policy, certain FROM remediations WHERE state IN ('executing', 'verifying')`)
      .filter((row) => row['policy'] === name && row['certain'] === 0).length;
    return running > maxParallel && `${running} remediations of ${name} run, at most ${maxParallel} may`;
  });

/** 8 */
export const noMoreStartsThanMay: Invariant = (observation) => {
  const { chronicle, policies, nowMs } = observation;
  const limited = chronicle.events.filter(
    (event) => isBeginning(event) && !isForCertainIll(observation, event),
  );
  return firstWrong(policies, ({ name, maxStarts, windowMs }) => {
    const starts = limited.filter(
      (event) => event.atMs > nowMs - windowMs && event.payload['policy'] === name,
    ).length;
    return starts > maxStarts && `${name} began ${starts} times within its window, at most ${maxStarts} may`;
  });
};

/** Whether what began was for an agent that was certainly ill: it is repaired at a rate of its own. */
function isForCertainIll({ chronicle }: Observation, { payload, atMs }: LoggedEvent): boolean {
  const agentId = /^agent:(.*)$/s.exec(String(payload['target']))?.[1] ?? '';
  // A decision is made a moment before its event is told: the order may have changed the status since.
  const stands = (chronicle.statuses.get(agentId) ?? []).filter(({ sinceMs }) => sinceMs <= atMs).slice(-2);
  return stands.some(({ status }) => status === 'FAILED' || status === 'STALLED');
}

/** 13: no telemetry makes the watchdog act on somebody else's agent. */
export const nobodyActsOnGossip: Invariant = (observation) =>
  firstWrong(
    beginnings(observation),
    (event) =>
      observation.mode === 'act' &&
      event.payload['policy'] === GOSSIP_POLICY &&
      `${event.entityId} began on ${String(event.payload['target'])}, of which a stranger said that it is sick`,
  );

/** Whom a person has taken out of service, or who has left, is nobody's to repair. */
export const whoIsOutOfServiceIsLeftAlone: Invariant = (observation) =>
  firstWrong(beginnings(observation), (event) => {
    const { chronicle } = observation;
    const agentId = /^agent:(.*)$/s.exec(String(event.payload['target']))?.[1];
    const stand = agentId === undefined ? null : chronicle.statusBefore(agentId, event);
    return (
      stand !== null &&
      GONE.has(stand.status) &&
      stand.sinceMs < event.atMs - DECIDED_WITHIN_MS &&
      `${event.entityId} began at ${event.atMs} on ${agentId}, ${stand.status} since ${stand.sinceMs}`
    );
  });

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
