import { ERROR_CATALOGUE } from '#telemetry';
import { payloadOf, type Chronicle } from '../chronicle.ts';
import { firstWrong, HEARTBEAT_TTL_MS, type Invariant } from './observation.ts';

/** A stall from which on the ages of agents start afresh. */
const NOTICED_STALL_MS = 1100;
/** A database that fails keeps a status from being recorded for so long, and a look for a moment. */
const STALL_RECORDED_WITHIN_MS = 20_000;
/** Events have whole milliseconds. */
const ROUNDING_MS = 1;

/** 4 */
export const noGenerationRunsTwice: Invariant = ({ processes }) => {
  const seen = new Set<string>();
  return firstWrong(processes, ({ agentId, generation }) => {
    const key = `${agentId}/${generation}`;
    if (seen.has(key)) return `two processes of ${key} live`;
    seen.add(key);
    return null;
  });
};

/** 4: what lives is written down, so that the next server finds it. */
export const everyProcessIsWrittenDown: Invariant = ({ archive, processes }) => {
  const rows = archive.rows(`SELECT * FROM agent_units WHERE state != 'ended'`);
  return firstWrong(processes, ({ agentId, generation, handle, nonce }) => {
    const found = rows.some(
      (row) =>
        row['agent_id'] === agentId &&
        row['generation'] === generation &&
        (row['handle'] === handle || row['nonce'] === nonce),
    );
    return !found && `the process ${handle} of ${agentId}/${generation} lives and nobody knows`;
  });
};

/** 4: a generation follows another because somebody asked for it, or because the place was wanted again. */
export const anExitAloneStartsNothing: Invariant = ({ chronicle }) =>
  firstWrong(chronicle.fresh, (event) => {
    const changed = payloadOf(event, 'fleet.agent.status_changed');
    if (changed?.to !== 'SPAWNING' || changed.generation === 1) return null;
    const before = `${changed.agent_id}/${changed.generation - 1}`;
    return (
      !chronicle.restartsRequested.has(before) &&
      !chronicle.expectedExits.has(before) &&
      !wasGivenUp(chronicle, before) &&
      `${changed.agent_id} got generation ${changed.generation}, though nobody asked for it (${changed.reason})`
    );
  });

/** Whether the pool was so small after the exit that the replica was not wanted: filling it again is a new decision. */
function wasGivenUp(chronicle: Chronicle, generation: string): boolean {
  const [, poolId, place] = /^(.*)-(\d+)\/\d+$/.exec(generation) ?? [];
  const exitId = chronicle.exits.get(generation);
  if (poolId === undefined || exitId === undefined) return false;
  const sizes = chronicle.poolSizes.get(poolId) ?? [];
  return sizes.some(({ effective, eventId }) => eventId > exitId && effective < Number(place));
}

/** 8 */
export const poolsStayWithinTheirBounds: Invariant = ({ archive }) =>
  firstWrong(
    archive.rows(
      `SELECT pools.pool_id, json_extract(definition, '$.max') AS max_agents, count(*) AS wanted FROM pools JOIN agent_units USING (pool_id)
       WHERE desired_state = 'run' GROUP BY pools.pool_id, max_agents HAVING count(*) > max_agents`,
    ),
    (row) => `pool ${row['pool_id']} wants ${row['wanted']} agents of at most ${row['max_agents']}`,
  );

/** 5 */
export const tasksAreCompletedOnceAndByTheirHolder: Invariant = ({ chronicle }) =>
  firstWrong(chronicle.fresh, (event) => {
    const completed = payloadOf(event, 'fleet.task.completed');
    if (!completed) return null;
    const { task_id: taskId, agent_id: agentId, generation } = completed;
    const task = chronicle.tasks.get(taskId);
    if (task?.completions !== 1) return `task ${taskId} was completed ${task?.completions} times`;
    const { holder } = task;
    return (
      (holder?.agentId !== agentId || holder.generation !== generation) &&
      `task ${taskId} was completed by ${agentId}/${generation}, held by ${holder?.agentId}/${holder?.generation}`
    );
  });

/** 5: at the moment of the completion the generation was the agent's newest. */
export const oldGenerationsCompleteNothing: Invariant = ({ chronicle }) =>
  firstWrong(chronicle.fresh, (event) => {
    const completed = payloadOf(event, 'fleet.task.completed');
    if (!completed) return null;
    const newer = chronicle.statuses
      .get(completed.agent_id)
      ?.find((stand) => stand.generation > completed.generation && stand.sinceMs < event.atMs);
    return (
      newer !== undefined &&
      `task ${completed.task_id} was completed by generation ${completed.generation} of ${completed.agent_id}, ` +
        `generation ${newer.generation} since ${newer.sinceMs}`
    );
  });

/** 5 */
export const whoComesTooLateIsToldOfTheConflict: Invariant = ({ ledger }) =>
  firstWrong(
    ledger.lateRefusals,
    ({ call, code }) =>
      ERROR_CATALOGUE[code].status !== 409 &&
      `${call} was refused with ${code}, ${ERROR_CATALOGUE[code].status}`,
  );

/** 5, 9 */
export const acknowledgedCompletionsHold: Invariant = ({ archive, ledger }) => {
  const rows = new Map(
    archive
      .rows(`SELECT task_id, agent_id, generation FROM tasks WHERE state = 'completed'`)
      .map((row) => [row['task_id'], row]),
  );
  return firstWrong(ledger.completed, ({ taskId, agentId, generation }) => {
    const row = rows.get(taskId);
    return (
      (row?.['agent_id'] !== agentId || row['generation'] !== generation) &&
      `${agentId}/${generation} was told that it completed ${taskId}; recorded is ${JSON.stringify(row ?? null)}`
    );
  });
};

/** 9 */
export const acknowledgedTasksAreKept: Invariant = ({ chronicle, ledger }) =>
  firstWrong(
    ledger.enqueued,
    (taskId) => !chronicle.tasks.has(taskId) && `task ${taskId} was acknowledged and is not in the log`,
  );

/** 6, 7: only silence towards a server that listened all the time makes an agent UNRESPONSIVE. */
export const whoIsHeardInTimeIsNotUnresponsive: Invariant = ({ chronicle, ledger }) =>
  firstWrong(chronicle.fresh, (event) => {
    const changed = payloadOf(event, 'fleet.agent.status_changed');
    if (changed?.to !== 'UNRESPONSIVE') return null;
    const stalls = ledger.blindness.filter(
      ({ what, fromMs, untilMs }) =>
        what === 'stall' && untilMs - fromMs > NOTICED_STALL_MS && untilMs <= event.atMs,
    );
    const since = Math.max(
      // A beat in the millisecond of the verdict may have come after it.
      ledger.lastBeat(changed.agent_id, changed.generation, event.atMs - ROUNDING_MS) ?? 0,
      ledger.starts.findLast((startMs) => startMs <= event.atMs) ?? 0,
      stalls.at(-1)?.untilMs ?? 0,
    );
    return (
      event.atMs + ROUNDING_MS - since < HEARTBEAT_TTL_MS &&
      `${changed.agent_id}/${changed.generation} was UNRESPONSIVE at ${event.atMs}, heard (or awaited) since ${since}`
    );
  });

/** 6: only who is stopped is STALLED; and nobody stands still over work, since every worker at work does something. */
export const onlyTheStoppedAreStalled: Invariant = ({ chronicle, ledger }) =>
  firstWrong(chronicle.fresh, (event) => {
    const changed = payloadOf(event, 'fleet.agent.status_changed');
    if (changed?.to !== 'STALLED') return null;
    const { agent_id: agentId, generation, reason } = changed;
    const stretch = { fromMs: event.atMs - STALL_RECORDED_WITHIN_MS, untilMs: event.atMs + ROUNDING_MS };
    return (
      (reason !== 'stopped' || !ledger.stoodStill(agentId, generation, stretch)) &&
      `${agentId}/${generation} was STALLED (${reason}) at ${event.atMs} and was not stopped`
    );
  });

/** 8: an exclusive lock is alone on its resource. */
export const exclusiveLocksAreAlone: Invariant = ({ archive }) =>
  firstWrong(
    archive.rows(
      `SELECT resource_name, count(*) AS held FROM locks GROUP BY resource_type, resource_name
       HAVING count(*) > 1 AND max(lock_mode = 'exclusive') = 1`,
    ),
    (row) => `${row['held']} locks are on ${row['resource_name']}, one of them exclusive`,
  );
