import { sql } from 'kysely';
import type { StateDatabase, StateTransaction } from '#storage';
import { readScope, RUNTIME, type TokenStore } from './token-store.ts';

/** A generation of an agent that Omoi starts. */
export interface StartedAgent {
  readonly agentId: string;
  readonly generation: number;
  readonly poolId: string | null;
  /** Pools of others that it may put tasks into. */
  readonly enqueueFor: readonly string[];
}

export interface AgentTokenChange {
  readonly secret: string;
  /** The ids of the tokens that ended. */
  readonly revoked: readonly string[];
}

/** A generation whose process has ended. */
export interface EndedAgent {
  readonly agentId: string;
  readonly generation: number;
  /** Whether no process of another generation runs. */
  readonly isLast: boolean;
}

/** The new generation's token and that of the one before, which may still be ending its work. */
const liveTokensPerAgent = 2;
/** Tokens of agents that are gone are looked for so many at a time. */
const tokensPerLook = 500;

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
  const own = await liveTokensOf(tx, agent.agentId);
  const revoked = own.slice(liveTokensPerAgent - 1).map(({ id }) => id);
  await revoke(tx, revoked);
  // Most have the number of their generation; of one whose start is tried by the next server there are two.
  const number = Math.max(agent.generation, (own[0]?.number ?? 0) + 1);
  const { secret } = await tokens.mint(tx, {
    name: `${stemOf(agent.agentId)}${number}`,
    role: 'agent',
    scope: {
      agentIds: [agent.agentId],
      poolId: null,
      memberOf: agent.poolId,
      enqueueFor: agent.enqueueFor,
      maxAgents: null,
      generation: agent.generation,
    },
    createdBy: RUNTIME,
    expiresAtMs: null,
  });
  return { secret, revoked };
}

/**
 * Revokes the tokens of a generation whose process has ended: nobody is left who might use them.
 * @returns the ids of those that ended
 */
export async function endAgentTokens(
  tx: StateTransaction,
  { agentId, generation, isLast }: EndedAgent,
): Promise<readonly string[]> {
  const own = await liveTokensOf(tx, agentId);
  // An earlier version did not say whose they are: while another generation runs one may be that one's.
  const ended = own.filter(
    (token) => token.generation === generation || (token.generation === null && isLast),
  );
  const ids = ended.map(({ id }) => id);
  await revoke(tx, ids);
  return ids;
}

/**
 * Revokes the tokens of agents of which no process runs or is to be started: their end was recorded by an earlier version, or
 * was not seen.
 * @returns how many there were
 */
export async function endTokensOfGone(database: StateDatabase): Promise<number> {
  let ended = 0;
  let after = '';
  for (;;) {
    const page = await database.reader
      .selectFrom('access_tokens')
      .select(['id', 'scope'])
      .where('created_by', '=', RUNTIME)
      .where('revoked_at_ms', 'is', null)
      .where('id', '>', after)
      .orderBy('id')
      .limit(tokensPerLook)
      .execute();
    const last = page.at(-1);
    if (!last) return ended;
    after = last.id;
    ended += await database.transaction((tx) => endThoseOfGone(tx, page));
  }
}

async function endThoseOfGone(
  tx: StateTransaction,
  page: readonly { readonly id: string; readonly scope: string | null }[],
): Promise<number> {
  // Omoi makes each of them for one agent.
  const agentOf = new Map(
    page.map(({ id, scope }) => [id, scope === null ? '' : (readScope(scope).agentIds[0] ?? '')]),
  );
  const agentIds = [...new Set(agentOf.values())];
  const alive = await tx.db
    .selectFrom('agent_units')
    .select('agent_id')
    .distinct()
    .where('agent_id', 'in', agentIds)
    .where('state', '!=', 'ended')
    .execute();
  const here = new Set(alive.map((unit) => unit.agent_id));
  const ids = [...agentOf].flatMap(([id, agentId]) => (here.has(agentId) ? [] : [id]));
  await revoke(tx, ids);
  return ids.length;
}

interface LiveToken {
  readonly id: string;
  readonly number: number;
  /** Null: an earlier version did not say. */
  readonly generation: number | null;
}

const stemOf = (agentId: string): string => `agent/${agentId}/`;

/** Newest first. */
async function liveTokensOf(tx: StateTransaction, agentId: string): Promise<readonly LiveToken[]> {
  const byName = tx.dialect === 'postgres' ? BY_BYTES : 'name';
  const stem = stemOf(agentId);
  const live = await tx.db
    .selectFrom('access_tokens')
    .select(['id', 'name', 'scope'])
    .where('created_by', '=', RUNTIME)
    .where('revoked_at_ms', 'is', null)
    .where(byName, '>=', stem)
    .where(byName, '<', `agent/${agentId}${AFTER_SLASH}`)
    .execute();
  return live
    .filter(({ name }) => name.startsWith(stem))
    .map(({ id, name, scope }) => ({
      id,
      number: Number(name.slice(stem.length)),
      generation: scope === null ? null : (readScope(scope).generation ?? null),
    }))
    .sort((a, b) => b.number - a.number);
}

/** No session and no login link stands for an agent's token. */
async function revoke(tx: StateTransaction, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.db
    .updateTable('access_tokens')
    .set({ revoked_at_ms: tx.nowMs, revoked_by: RUNTIME })
    .where('id', 'in', ids)
    .execute();
}
