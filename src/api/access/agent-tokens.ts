import { sql } from 'kysely';
import type { StateTransaction } from '#storage';
import { RUNTIME, type TokenStore } from './token-store.ts';

/** An agent that Omoi starts. */
export interface StartedAgent {
  readonly agentId: string;
  readonly poolId: string | null;
  /** Pools of others that it may put tasks into. */
  readonly enqueueFor: readonly string[];
}

export interface AgentTokenChange {
  readonly secret: string;
  /** The ids of the tokens that ended. */
  readonly revoked: readonly string[];
}

/** The new generation's token and that of the one before, which may still be ending its work. */
const liveTokensPerAgent = 2;

/** What follows `/` in the order of bytes: names that begin with a stem lie between the two. */
const AFTER_SLASH = '0';
/** PostgreSQL may order texts by a language; the index of live tokens is in the order of bytes, as in SQLite. */
const BY_BYTES = sql<string>`name collate "C"`;

/**
 * Makes a token bound to one agent, named `agent/<agent id>/<its number>`, and revokes those that belonged to
 * generations before the last.
 */
export async function mintAgentToken(
  tx: StateTransaction,
  tokens: TokenStore,
  agent: StartedAgent,
): Promise<AgentTokenChange> {
  const byName = tx.dialect === 'postgres' ? BY_BYTES : 'name';
  const stem = `agent/${agent.agentId}/`;
  const live = await tx.db
    .selectFrom('access_tokens')
    .select(['id', 'name'])
    .where('created_by', '=', RUNTIME)
    .where('revoked_at_ms', 'is', null)
    .where(byName, '>=', stem)
    .where(byName, '<', `agent/${agent.agentId}${AFTER_SLASH}`)
    .execute();
  const own = live
    .map(({ id, name }) => ({
      id,
      stem: name.slice(0, stem.length),
      number: Number(name.slice(stem.length)),
    }))
    .filter((token) => token.stem === stem)
    .sort((a, b) => b.number - a.number);
  const revoked = own.slice(liveTokensPerAgent - 1).map(({ id }) => id);
  for (const id of revoked) await tokens.revoke(tx, id, RUNTIME);
  const { secret } = await tokens.mint(tx, {
    name: `${stem}${(own[0]?.number ?? 0) + 1}`,
    role: 'agent',
    scope: {
      agentIds: [agent.agentId],
      poolId: null,
      memberOf: agent.poolId,
      enqueueFor: agent.enqueueFor,
      maxAgents: null,
    },
    createdBy: RUNTIME,
    expiresAtMs: null,
  });
  return { secret, revoked };
}
