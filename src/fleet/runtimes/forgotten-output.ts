import type { StateDatabase } from '#storage';
import type { Clock } from '#telemetry';
import type { ForgottenAmong } from './log-files.ts';

/**
 * Whose output may go: agents whose rows retention has taken, where nothing was written for as long as it keeps rows. An
 * agent that runs, or ended since, has a row; that of another database on the same directory is kept for as long.
 * @param retentionMs for which the rows of agents that have ended are kept
 */
export function forgottenOutput(
  database: Pick<StateDatabase, 'reader'>,
  clock: Pick<Clock, 'wallMs'>,
  retentionMs: number,
): ForgottenAmong {
  return async (kept) => {
    const beforeMs = clock.wallMs() - retentionMs;
    const old = kept.flatMap(({ agentId, changedAtMs }) => (changedAtMs < beforeMs ? [agentId] : []));
    if (old.length === 0) return [];
    const known = await database.reader
      .selectFrom('agents')
      .select('agent_id')
      .where('agent_id', 'in', old)
      .execute();
    const ids = new Set(known.map(({ agent_id: agentId }) => agentId));
    return old.filter((agentId) => !ids.has(agentId));
  };
}
