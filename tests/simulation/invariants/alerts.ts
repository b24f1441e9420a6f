import { payloadOf } from '../chronicle.ts';
import { firstWrong, HEARTBEAT_TTL_MS, type Invariant, type Observation } from './observation.ts';

/** How long a condition has to be false before its alert resolves. */
const RESOLVE_STABILITY_MS = 1000;

/** 2 */
export const oneFiringRowForEachLabelSet: Invariant = ({ archive }) =>
  firstWrong(
    archive.rows(
      `SELECT rule_key, fingerprint, count(*) AS rows FROM alerts WHERE state = 'firing'
       GROUP BY rule_key, fingerprint HAVING count(*) > 1`,
    ),
    (row) => `${row['rows']} rows fire for ${row['rule_key']} ${row['fingerprint']}`,
  );

/** 2: no alert is "recovered" while what it says of an agent is still so, or while nothing is known of the agent. */
export const aRecoveryIsTrue: Invariant = (observation) =>
  firstWrong(observation.chronicle.fresh, (event) => {
    const resolved = payloadOf(event, 'monitor.alert.resolved');
    if (!resolved || (resolved.cause !== 'recovered' && resolved.cause !== 'remediated')) return null;
    const agentId = resolved.labels['agent_id'];
    if (agentId === undefined) return null;
    const { alertname } = resolved.labels;
    // What a stranger said of it, a stranger may take back.
    if (resolved.rule_id.startsWith('gossip/')) return null;
    // What changed in the last moment may not have been seen by the evaluation yet; what it saw before it could be late to tell.
    const stand = observation.chronicle.statusAt(agentId, event.atMs - 1);
    const { ledger } = observation;
    if (!stand || stand.sinceMs > ledger.muteSinceMs(event.atMs) - RESOLVE_STABILITY_MS) return null;
    const wrong =
      (alertname === 'AgentFailed' && stand.status === 'FAILED') ||
      (alertname === 'AgentStalled' && stand.status === 'STALLED') ||
      (alertname === 'AgentUnresponsive' &&
        stand.status === 'UNRESPONSIVE' &&
        isSilent(observation, agentId, event.atMs)) ||
      stand.status === 'TERMINATED';
    return (
      wrong &&
      `${alertname} of ${agentId} was ${resolved.cause} at ${event.atMs}; it is ${stand.status} since ${stand.sinceMs}`
    );
  });

const OWES_NO_BEATS: ReadonlySet<string> = new Set(['FAILED', 'TERMINATED', 'QUARANTINED']);

/** 6: nobody is said to be late who has ended, or was taken out of service. */
export const whoOwesNoBeatsIsNotLate: Invariant = ({ chronicle, ledger }) =>
  firstWrong(chronicle.fresh, (event) => {
    const late = payloadOf(event, 'fleet.agent.heartbeat_missed');
    if (!late) return null;
    const { agent_id: agentId } = late;
    const stand = chronicle.statusBefore(agentId, event);
    return (
      stand !== null &&
      OWES_NO_BEATS.has(stand.status) &&
      // It may have been late before, when nothing could be written down.
      stand.sinceMs < ledger.muteSinceMs(event.atMs) - RESOLVE_STABILITY_MS &&
      `${agentId} was said to be late at ${event.atMs}; it is ${stand.status} since ${stand.sinceMs}`
    );
  });

function isSilent({ ledger, chronicle }: Observation, agentId: string, atMs: number): boolean {
  const generation = chronicle.agents.get(agentId)?.generation ?? 0;
  const beatMs = ledger.lastBeat(agentId, generation, atMs) ?? Number.NEGATIVE_INFINITY;
  return atMs - beatMs > HEARTBEAT_TTL_MS;
}
