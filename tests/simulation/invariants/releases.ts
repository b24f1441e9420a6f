import { poolOfKeys, type PoolDefinition } from '#telemetry';
import { madeOf } from '../../../src/fleet/pools/made-of.ts';
import { payloadOf } from '../chronicle.ts';
import { firstWrong, type Invariant } from './observation.ts';

/**
 * A replica is away because of a roll while its old generation drains for it, and until the new one has told of itself.
 * Those that others take away (a crash, a restart, a scale) are none, nor what an earlier roll has left behind: what never
 * came up is replaced at no cost.
 */
export const aRollTakesFewAtATime: Invariant = ({ archive }) => {
  const away = archive
    .rows(
      `SELECT pools.pool_id, definition, unit.agent_id || '/' || unit.generation AS who, unit.made_of,
              unit.restart IS NULL AS starts
       FROM agent_units AS unit JOIN pools USING (pool_id) JOIN agents USING (agent_id)
       WHERE unit.generation = (SELECT max(generation) FROM agent_units WHERE agent_id = unit.agent_id)
         AND unit.state != 'ended' AND (
           json_extract(unit.restart, '$.reason') = 'pool_rolled'
           OR (unit.desired_state = 'run' AND unit.verified_at_ms IS NULL AND agents.status = 'SPAWNING'
               AND (SELECT reason FROM agent_generations AS generation
                    WHERE generation.agent_id = unit.agent_id AND generation.generation = unit.generation) = 'pool_rolled'))`,
    )
    .map((row) => ({ row, pool: poolOf(String(row['pool_id']), String(row['definition'])) }))
    .filter(
      ({ row, pool }) => row['starts'] === 0 || [null, madeOf(pool)].includes(row['made_of'] as string),
    );
  return firstWrong([...Map.groupBy(away, ({ pool }) => pool.id)], ([id, rows]) => {
    const allowed = rows[0]?.pool.maxUnavailable ?? 0;
    const who = rows.map(({ row }) => row['who']).join();
    return rows.length > allowed && `${rows.length} replicas of ${id} are away because of its roll: ${who}`;
  });
};

function poolOf(id: string, definition: string): PoolDefinition {
  return poolOfKeys(id, JSON.parse(definition) as Readonly<Record<string, unknown>>);
}

/** Nothing begins on what is under maintenance. After a reboot the wall clock says how long one had lasted, however it was set. */
export const maintenanceIsLeftAlone: Invariant = ({ chronicle, ledger }) =>
  firstWrong(chronicle.fresh, (event) => {
    const begun = payloadOf(event, 'watchdog.remediation.started');
    if (!begun) return null;
    const window = chronicle.maintenances.find(
      ({ target, startedId, startedAtMs, lengthMs, endedId }) =>
        startedId < event.id &&
        (endedId === null || endedId > event.id) &&
        // Its last moment is not its own.
        ledger.mostElapsedMs(startedAtMs, event.atMs) < lengthMs - 1 &&
        (begun.target === target || begun.target.startsWith(`${target.replace('pool:', 'agent:')}-`)),
    );
    return (
      window !== undefined &&
      `${begun.policy} began on ${begun.target}: ${window.target} is under maintenance`
    );
  });
