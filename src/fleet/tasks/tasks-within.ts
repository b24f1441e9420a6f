import type { Expression, ExpressionBuilder, SqlBool } from 'kysely';
import type { StateDatabase, StateTables } from '#storage';
import { idsOrNone, type Reach } from '../reach.ts';

/** Tasks that a token's agents may see: those of their pools, and those that they enqueued, hold or are kept for them. */
export function isWithin(
  reader: StateDatabase['reader'],
  { agentIds, poolIds, ownPoolIds, enqueuedBy }: Reach,
): (row: ExpressionBuilder<StateTables, 'tasks'>) => Expression<SqlBool> {
  const named = idsOrNone(agentIds);
  const ofOwnPools = reader
    .selectFrom('agents')
    .select('agent_id')
    .where('pool_id', 'in', idsOrNone(ownPoolIds));
  return (row) =>
    row.or([
      row('enqueued_by', '=', enqueuedBy),
      row('pool_id', 'in', idsOrNone(poolIds)),
      row('agent_id', 'in', named),
      row('kept_for_agent_id', 'in', named),
      row('agent_id', 'in', ofOwnPools),
      row('kept_for_agent_id', 'in', ofOwnPools),
    ]);
}
