import { payloadOf, type AgentStand, type LoggedEvent } from '../chronicle.ts';
import { GOSSIP_POLICY } from '../gossip.ts';
import {
  beginnings,
  firstWrong,
  HEARTBEAT_TTL_MS,
  type Invariant,
  type Observation,
  type PolicyLimits,
} from './observation.ts';

const ILL: ReadonlySet<string> = new Set(['FAILED', 'STALLED', 'UNRESPONSIVE']);
/** It is no illness that a shipped rule is about, but one that a policy may be. */
const UNWELL: ReadonlySet<string> = new Set([...ILL, 'DEGRADED']);
/** A decision is made from memory, a moment before its event and after others that it does not know yet. */
const DECIDED_WITHIN_MS = 60;
/** From a status to the alert about it, and on to a remediation, where nothing is in the way. */
const SEEN_TO_WITHIN_MS = 15_000;
/** Between what was ordered and what was done. */
const ORDERED_WITHIN_MS = 150;

const agentOf = (event: LoggedEvent): string | null =>
  /^agent:(.*)$/s.exec(String(event.payload['target']))?.[1] ?? null;

const limitsOf = ({ policies }: Observation, name: unknown): PolicyLimits | undefined =>
  policies.find((policy) => policy.name === name);

/** No action on what is not ill: healthy, starting, draining, finished, taken out of service. */
export const onlyTheIllAreActedUpon: Invariant = (observation) =>
  firstWrong(beginnings(observation), (event) => {
    const agentId = agentOf(event);
    // What somebody has said of it a person may believe.
    const isApproved = observation.mode === 'approve' && event.payload['policy'] === GOSSIP_POLICY;
    if (agentId === null || isApproved) return null;
    const { chronicle } = observation;
    const statuses = chronicle.statusesDuring(agentId, event.atMs - DECIDED_WITHIN_MS, event.atMs);
    return (
      !statuses.some((status) => UNWELL.has(status)) &&
      `${event.entityId} began at ${event.atMs} on ${agentId}, which was ${statuses.join(', ')}`
    );
  });

/** No action on what is somebody else's. */
export const nobodyActsOnWhatIsNotManaged: Invariant = (observation) =>
  firstWrong(beginnings(observation), (event) => {
    const agentId = agentOf(event);
    const isOfPool = observation.pools.some(({ id }) => agentId?.startsWith(`${id}-`));
    return agentId !== null && !isOfPool && `${event.entityId} began on ${agentId}, which is external`;
  });

/** No action on who has no place any more, and leaves: its pool has become smaller. */
export const whoIsLeavingIsNotActedUpon: Invariant = (observation) =>
  firstWrong(beginnings(observation), (event) => {
    const [, poolId, place] = /^(.*)-(\d+)$/.exec(agentOf(event) ?? '') ?? [];
    const sizes = observation.chronicle.poolSizes.get(poolId ?? '') ?? [];
    const size = sizes.findLast(({ eventId }) => eventId < event.id);
    return (
      size !== undefined &&
      size.effective < Number(place) &&
      size.atMs < event.atMs - DECIDED_WITHIN_MS &&
      `${event.entityId} began at ${event.atMs} on ${poolId}-${place}, whose pool has ${size.effective} since ${size.atMs}`
    );
  });

export const nothingIsDoneWhilePaused: Invariant = (observation) =>
  firstWrong(beginnings(observation), (event) => {
    const { pausedSinceMs } = observation.chronicle;
    return (
      pausedSinceMs !== null &&
      event.atMs > pausedSinceMs + DECIDED_WITHIN_MS &&
      `${event.entityId} began at ${event.atMs}, paused since ${pausedSinceMs}`
    );
  });

/** The ill generation and the task that a repair says its end is explained by; null where none is said to be. */
function explanationOf({ archive }: Observation, { entityId }: LoggedEvent) {
  const row = archive.rows('SELECT id, evidence FROM remediations').find(({ id }) => id === entityId);
  const said = /^agent (.*): generation (\d+) is \w+, lost with task (\S+), /.exec(String(row?.['evidence']));
  const [, agentId, generation, taskId] = said ?? [];
  return taskId === undefined ? null : { holder: `${agentId}/${generation}`, taskId };
}

function hasBeenIll({ chronicle }: Observation, holder: string): boolean {
  const at = holder.lastIndexOf('/');
  const generation = Number(holder.slice(at + 1));
  const stands = chronicle.statuses.get(holder.slice(0, at)) ?? [];
  return stands.some((stand) => stand.generation === generation && ILL.has(stand.status));
}

/** What ends its holder alone, and has ended others before, is to blame for it; nothing else is. */
export const whatExplainsAnEndHasEndedOthers: Invariant = (observation) =>
  firstWrong(beginnings(observation), (event) => {
    const explanation = explanationOf(observation, event);
    if (!explanation) return null;
    const { holder, taskId } = explanation;
    const task = observation.chronicle.tasks.get(taskId);
    const hadIt = task?.holders.has(holder) === true;
    // Where many are lost at once no loss counts; that their holders were ill shows which were lost and not given back.
    const lostWithMany = [...(task?.uncounted ?? [])].filter((other) => hasBeenIll(observation, other));
    const lostByOthers = [...(task?.losers ?? []), ...lostWithMany].some((loser) => loser !== holder);
    return (
      !(hadIt && lostByOthers) &&
      `${event.entityId} began on ${holder}, which task ${taskId} is to have ended: it ${hadIt ? 'had' : 'never had'} it, ` +
        `which ${lostByOthers ? 'others' : 'nobody else'} had lost`
    );
  });

/** A policy leaves a target alone for a while after it has acted on it; but for what a task explains, which is none of its ills. */
export const aCooldownIsWaitedFor: Invariant = (observation) =>
  firstWrong(beginnings(observation), (event) => {
    const { archive, chronicle, ledger } = observation;
    const { policy, target } = event.payload;
    const limits = limitsOf(observation, policy);
    if (!limits) return null;
    if (explanationOf(observation, event)) return null;
    const begun = chronicle.remediations.get(event.entityId)?.beganAtMs ?? [];
    const stepBefore = begun[begun.indexOf(event.atMs) - 1];
    if (stepBefore !== undefined) {
      const agentId = agentOf(event);
      const stand = agentId === null ? null : chronicle.statusBefore(agentId, event);
      const sinceMs = ledger.mostElapsedMs(stepBefore, event.atMs);
      // Only what ended again is left alone between two steps: what is silent has had the time of the first one.
      return stand?.status === 'FAILED' && sinceMs < limits.cooldownMs - DECIDED_WITHIN_MS
        ? `${event.entityId} went on at ${event.atMs} with ${String(target)}, which had ended again, ${sinceMs} ms after the step before`
        : null;
    }
    const attempts = new Map(
      archive.rows('SELECT id, attempts FROM remediations').map((row) => [row['id'], row['attempts']]),
    );
    let last = { id: '', atMs: Number.NEGATIVE_INFINITY };
    for (const [id, { policy: by, target: on, beganAtMs, endedAtMs }] of chronicle.remediations) {
      if (id === event.entityId || by !== policy || on !== target || endedAtMs === null) continue;
      if (beganAtMs.length === 0 || attempts.get(id) === 0 || endedAtMs > event.atMs) continue;
      if (endedAtMs >= last.atMs) last = { id, atMs: endedAtMs };
    }
    // Over a reboot earlier ones may seem to be younger: the last one is what counts.
    const agoMs = ledger.mostElapsedMs(last.atMs, event.atMs);
    return agoMs < limits.cooldownMs - DECIDED_WITHIN_MS
      ? `${event.entityId} began at ${event.atMs} on ${String(target)}, ${agoMs} ms after ${last.id} had ended`
      : null;
  });

/** A generation that a person has started gets as long to take effect as one of the policy's own. */
export const whatOthersHaveStartedGetsItsTime: Invariant = (observation) =>
  firstWrong(beginnings(observation), (event) => {
    const { chronicle } = observation;
    const agentId = agentOf(event);
    if (agentId === null) return null;
    const started = chronicle.startedByOthers(agentId, event.id);
    const stand = chronicle.statusBefore(agentId, event);
    const own = chronicle.remediations.get(event.entityId);
    if (!started || stand?.generation !== started.generation || own?.beganAtMs.length !== 1) return null;
    const plannedAtMs = chronicle.plannedAtMs.get(event.entityId) ?? event.atMs;
    // One that has ended again needs no more time.
    if (isCertain(observation, event)) return null;
    return (
      // One that was planned for the new generation is about an ill of that one.
      plannedAtMs < started.atMs &&
      event.atMs > started.atMs + DECIDED_WITHIN_MS &&
      event.atMs < started.atMs + FIRST_STEP_WITHIN_MS - ORDERED_WITHIN_MS &&
      `${event.entityId} began at ${event.atMs} on generation ${started.generation} of ${agentId}, started at ${started.atMs}`
    );
  });

/** `verify.within` of the first steps of the shipped policies. */
const FIRST_STEP_WITHIN_MS = 30_000;

/** A lease that was renewed after the last beat says that work goes on: it gets one more TTL. */
export const workThatGoesOnIsNotInterrupted: Invariant = (observation) =>
  firstWrong(beginnings(observation), (event) => {
    const { chronicle, ledger } = observation;
    const agentId = agentOf(event);
    const stand = agentId === null ? null : chronicle.statusBefore(agentId, event);
    if (agentId === null || stand?.status !== 'UNRESPONSIVE') return null;
    const seenMs = event.atMs - DECIDED_WITHIN_MS;
    const renewedAtMs = ledger.lastRenewal(agentId, stand.generation, seenMs) ?? Number.NEGATIVE_INFINITY;
    const heardAtMs = ledger.lastBeat(agentId, stand.generation, event.atMs) ?? 0;
    const startedMs = ledger.starts.at(-1) ?? 0;
    return (
      renewedAtMs > Math.max(heardAtMs, startedMs) &&
      event.atMs - renewedAtMs < HEARTBEAT_TTL_MS - DECIDED_WITHIN_MS &&
      `${event.entityId} began at ${event.atMs} on ${agentId}, which renewed a lease at ${renewedAtMs}`
    );
  });

/** What is certainly ill is repaired at a bounded rate in each pool. */
export const repairsOfTheCertainAreSpread: Invariant = (observation) => {
  const { chronicle, pools } = observation;
  const recent = chronicle.events.filter((event) => event.type === 'watchdog.remediation.started');
  return firstWrong(beginnings(observation), (event) => {
    const limits = limitsOf(observation, event.payload['policy']);
    const pool = pools.find(({ id }) => agentOf(event)?.startsWith(`${id}-`));
    if (!limits || !pool) return null;
    const fromMs = event.atMs - limits.repairEveryMs + 1;
    const together = recent.filter(
      (other) =>
        other.atMs >= fromMs &&
        other.atMs <= event.atMs &&
        agentOf(other)?.startsWith(`${pool.id}-`) === true &&
        isCertain(observation, other),
    ).length;
    return (
      together > limits.repairBurst &&
      `${together} repairs began in pool ${pool.id} within ${limits.repairEveryMs} ms, at most ${limits.repairBurst} may`
    );
  });
};

function isCertain({ chronicle }: Observation, event: LoggedEvent): boolean {
  const agentId = agentOf(event);
  if (agentId === null) return false;
  const statuses = chronicle.statusesDuring(agentId, event.atMs - DECIDED_WITHIN_MS, event.atMs);
  return statuses.includes('FAILED') || statuses.includes('STALLED');
}

/** No certain ill stays unrepaired, or untold to a guardian, beyond its policy's time. */
export const whatIsCertainlyIllIsSeenTo: Invariant = (observation) => {
  const { chronicle, ledger, mode, nowMs, serverRuns, pools } = observation;
  if (mode !== 'act' || !serverRuns || chronicle.pausedSinceMs !== null) return null;
  const ableSinceMs = Math.max(ledger.starts.at(-1) ?? nowMs, ledger.hinderedUntilMs, chronicle.resumedAtMs);
  if (nowMs - ableSinceMs < SEEN_TO_WITHIN_MS) return null;
  const late = [...chronicle.agents].filter(
    ([agentId, { status, sinceMs }]) =>
      (status === 'FAILED' || status === 'STALLED') &&
      nowMs - sinceMs > SEEN_TO_WITHIN_MS &&
      pools.some(({ id }) => agentId.startsWith(`${id}-`)),
  );
  return firstWrong(late, ([agentId, stand]) => unseen(observation, agentId, { stand, ableSinceMs }));
};

function unseen(
  observation: Observation,
  agentId: string,
  { stand, ableSinceMs }: { readonly stand: AgentStand; readonly ableSinceMs: number },
): string | null {
  const { chronicle, archive, ledger, nowMs } = observation;
  const [unit] = archive
    .rows('SELECT agent_id, generation, desired_state FROM agent_units ORDER BY generation DESC')
    .filter((row) => row['agent_id'] === agentId);
  const target = `agent:${agentId}`;
  const wasResolvedByHand = [...chronicle.alerts.values()].some(
    ({ labels, cause, resolvedAtMs }) =>
      labels['agent_id'] === agentId && cause === 'manual' && (resolvedAtMs ?? 0) >= stand.sinceMs,
  );
  // As long as the alert has not resolved, the guardian has it.
  const isEscalated = [...chronicle.alerts].some(
    ([id, { labels, resolvedAtMs }]) =>
      labels['agent_id'] === agentId && resolvedAtMs === null && chronicle.escalatedAlerts.has(id),
  );
  if (unit?.['desired_state'] !== 'run' || wasResolvedByHand || isEscalated) return null;
  const pool = `pool:${agentId.replace(/-\d+$/, '')}`;
  const about = [...chronicle.remediations.values()].filter(({ target: on }) => on === target || on === pool);
  if (about.some(({ state }) => state === 'executing' || state === 'verifying')) return null;
  const acted = about.filter(({ beganAtMs }) => beganAtMs.length > 0);
  // Between its steps a remediation waits as after its end.
  const lastEndMs = Math.max(
    0,
    ...acted.map(({ endedAtMs, beganAtMs }) => endedAtMs ?? beganAtMs.at(-1) ?? 0),
  );
  const attempts = acted.reduce((sum, { beganAtMs }) => sum + beganAtMs.length, 0);
  const limits = limitsOf(observation, 'restart_failed_agent');
  const cooldownMs = Math.min(
    // A quarter is jitter.
    (limits?.cooldownMs ?? 0) * 1.25 * 2 ** Math.max(0, attempts - 1),
    limits?.relapseWindowMs ?? 0,
  );
  // One that was asked while it started is asked again some time later.
  const othersMs = chronicle.startedByOthers(agentId)?.atMs ?? Number.NEGATIVE_INFINITY;
  const freeAtMs = Math.max(
    stand.sinceMs,
    ableSinceMs,
    acted.length === 0 ? 0 : nowMs - (ledger.elapsedMs(lastEndMs, nowMs) - cooldownMs),
    othersMs + FIRST_STEP_WITHIN_MS,
    chronicle.maintainedUntilMs(agentId, nowMs, ledger),
  );
  const lateMs = nowMs - freeAtMs - SEEN_TO_WITHIN_MS;
  return lateMs > 0
    ? `${agentId}/${stand.generation} is ${stand.status} since ${stand.sinceMs}, and nobody sees to it`
    : null;
}

/** Nothing of a loss that was not its holder's own is held against a task. */
export const aLossCountsOnlyWhereItsHolderIsIll: Invariant = ({ chronicle, ledger }) =>
  firstWrong(chronicle.fresh, (event) => {
    const released = payloadOf(event, 'fleet.task.released');
    if (released?.counted !== true || released.agent_id === null || released.generation === null) return null;
    const { agent_id: agentId, generation } = released;
    const holder = { agentId, generation };
    const wasIll = (chronicle.statuses.get(agentId) ?? []).some(
      (stand) =>
        stand.generation === generation && (stand.status === 'UNRESPONSIVE' || stand.status === 'STALLED'),
    );
    // Whose lease ran out has not been heard of for as long: nobody can tell that from a standstill.
    const isItsOwn = ledger.hasEndedByItself(holder) || wasIll || released.reason === 'lease_expired';
    return (
      (ledger.hasEndedByReboot(holder) || !isItsOwn) &&
      `a loss of ${released.task_id} by ${agentId}/${generation} counts as its own, which did not end or hang by itself`
    );
  });

/** Work asked to leave is done: who is not ill has its grace before it is ended by force. */
export const whoIsAskedToLeaveHasItsGrace: Invariant = ({ chronicle, ledger, pools }) =>
  firstWrong(ledger.forced, ({ agentId, generation, poolId, atMs, askedAtMs }) => {
    const graceMs = pools.find(({ id }) => id === poolId)?.graceMs ?? 0;
    const wasIll = (chronicle.statuses.get(agentId) ?? []).some(
      (stand) => stand.generation === generation && ILL.has(stand.status),
    );
    return (
      !wasIll &&
      (askedAtMs === null || atMs - askedAtMs < graceMs - ORDERED_WITHIN_MS) &&
      `${agentId}/${generation} was ended by force at ${atMs}, asked to leave at ${askedAtMs}`
    );
  });

export const noStrangerIsEnded: Invariant = ({ ledger }) =>
  firstWrong(ledger.strangersKilled, (pid) => `process ${pid}, which is not Omoi's, was ended`);

/** What ends on purpose is no illness. */
export const whatEndsOnPurposeHasNotFailed: Invariant = ({ chronicle, ledger }) =>
  firstWrong(chronicle.fresh, (event) => {
    const changed = payloadOf(event, 'fleet.agent.status_changed');
    const end = changed?.to === 'FAILED' ? ledger.oneShots.get(changed.agent_id) : undefined;
    return (
      end !== undefined && end !== 'fails' && `${changed?.agent_id} ended as it should (${end}) and is FAILED`
    );
  });

/** Where workers may not overlap, the old one has ended before the next one starts. */
export const generationsOverlapOnlyWhereTheyMay: Invariant = ({ processes, pools }) => {
  const seen = new Set<string>();
  const alone = new Set(pools.flatMap(({ id, overlap }) => (overlap ? [] : [id])));
  return firstWrong(processes, ({ agentId, poolId }) => {
    if (poolId === null || !alone.has(poolId)) return null;
    if (seen.has(agentId)) return `two processes of ${agentId} live, in a pool without overlap`;
    seen.add(agentId);
    return null;
  });
};
