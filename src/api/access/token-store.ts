import { type Role, ROLES } from './roles.ts';
import type { StateDatabase, StateTables, StateTransaction } from '#storage';
import { OmoiError, createId, type Random } from '#telemetry';
import type { Selectable } from 'kysely';
import type { AgentScope } from '../http/app.ts';
import { createTokenSecret, hashSecret, shownPrefix } from './secret.ts';
import { readSpeaksFor, writeSpeaksFor, type SpeaksFor } from './speaks-for.ts';

/** A token without its secret. Times are wall ms since epoch. */
export interface TokenRecord {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly scope: AgentScope | null;
  readonly speaksFor: SpeaksFor | null;
  /** `omoi_admin_3fGh1k`: enough to tell tokens apart. */
  readonly prefix: string;
  readonly createdAtMs: number;
  readonly createdBy: string;
  readonly expiresAtMs: number | null;
  readonly lastUsedAtMs: number | null;
  readonly revokedAtMs: number | null;
  readonly revokedBy: string | null;
}

export interface NewToken {
  readonly name: string;
  readonly role: Role;
  /** Required for role agent, null for the others. */
  readonly scope: AgentScope | null;
  /** Checked already; for nobody where it is left out. */
  readonly speaksFor?: SpeaksFor | null;
  readonly createdBy: string;
  /** Wall ms since epoch; null: until it is revoked. */
  readonly expiresAtMs: number | null;
}

/** A token at the one time when its secret is known. */
export interface MintedToken {
  readonly token: TokenRecord;
  readonly secret: string;
}

export interface TokenPage {
  /** The last token of the page before; null for the first page. */
  readonly afterId: string | null;
  readonly limit: number;
}

/** Who makes the tokens of agents that Omoi starts. */
export const RUNTIME = 'runtime';

type TokenRow = Selectable<StateTables['access_tokens']>;

/** The named tokens. Only the hash of a secret is kept. */
export interface TokenStore {
  /** @throws OmoiError `token_name_taken`, `invalid_request` when scope and role do not fit */
  mint(tx: StateTransaction, token: NewToken): Promise<MintedToken>;
  /** Newest first, behind the one of `afterId`; with the revoked ones, which stay as long as the audit log. */
  list(page: TokenPage): Promise<readonly TokenRecord[]>;
  /**
   * Ends a token and its sessions. Revoking it again changes nothing.
   * @throws OmoiError `unknown_token`
   */
  revoke(tx: StateTransaction, id: string, by: string): Promise<TokenRecord>;
  /** Those that are not revoked and may speak for others; the runtime's speak for their agent alone. */
  speaking(): Promise<readonly TokenRecord[]>;
  /** The oldest admin token that still works, or null. */
  findAdmin(tx: StateTransaction): Promise<TokenRecord | null>;
}

export function createTokenStore(parts: {
  readonly database: StateDatabase;
  readonly random: Random;
}): TokenStore {
  const { database, random } = parts;
  return {
    async mint(tx, token) {
      checkScope(token);
      const secret = createTokenSecret(token.role);
      const row: TokenRow = {
        id: createId('tok', tx.nowMs, random),
        name: token.name,
        role: token.role,
        scope: token.scope === null ? null : writeScope(token.scope),
        speaks_for: writeSpeaksFor(token.speaksFor ?? null),
        secret_hash: hashSecret(secret),
        prefix: shownPrefix(secret),
        created_at_ms: tx.nowMs,
        created_by: token.createdBy,
        expires_at_ms: token.expiresAtMs,
        last_used_at_ms: null,
        revoked_at_ms: null,
        revoked_by: null,
      };
      const inserted = await tx.db
        .insertInto('access_tokens')
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .returning('id')
        .executeTakeFirst();
      if (!inserted) {
        throw new OmoiError('token_name_taken', `a token named "${token.name}" exists; revoke it first`);
      }
      return { token: readToken(row), secret };
    },
    async list({ afterId, limit }) {
      // Ids begin with the time at which they were made.
      let select = database.reader.selectFrom('access_tokens').selectAll().orderBy('id', 'desc').limit(limit);
      if (afterId !== null) select = select.where('id', '<', afterId);
      return (await select.execute()).map(readToken);
    },
    async revoke(tx, id, by) {
      const row = await tx.db.selectFrom('access_tokens').selectAll().where('id', '=', id).executeTakeFirst();
      if (!row) throw new OmoiError('unknown_token', `there is no token ${id}`);
      if (row.revoked_at_ms !== null) return readToken(row);
      const revoked = { revoked_at_ms: tx.nowMs, revoked_by: by };
      await tx.db.updateTable('access_tokens').set(revoked).where('id', '=', id).execute();
      await tx.db.deleteFrom('access_sessions').where('token_id', '=', id).execute();
      await tx.db.deleteFrom('login_links').where('token_id', '=', id).execute();
      return readToken({ ...row, ...revoked });
    },
    async speaking() {
      const rows = await database.reader
        .selectFrom('access_tokens')
        .selectAll()
        .where('revoked_at_ms', 'is', null)
        .where((where) =>
          where.or([
            where('speaks_for', 'is not', null),
            where.and([where('role', '=', 'agent'), where('created_by', '!=', RUNTIME)]),
          ]),
        )
        .execute();
      return rows.map(readToken);
    },
    async findAdmin(tx) {
      const row = await tx.db
        .selectFrom('access_tokens')
        .selectAll()
        .where('role', '=', 'admin')
        .where('revoked_at_ms', 'is', null)
        .where((where) =>
          where.or([where('expires_at_ms', 'is', null), where('expires_at_ms', '>', tx.nowMs)]),
        )
        .orderBy('created_at_ms')
        .limit(1)
        .executeTakeFirst();
      return row ? readToken(row) : null;
    },
  };
}

function checkScope({ role, scope }: NewToken): void {
  const bound = scope !== null && scope.agentIds.length > 0 !== (scope.poolId !== null);
  if (role === 'agent' && !bound) {
    throw new OmoiError(
      'invalid_request',
      'scope: a token of role agent names either agent_ids or a pool_id',
    );
  }
  if (role !== 'agent' && scope !== null) {
    throw new OmoiError('invalid_request', `scope: only tokens of role agent have one, not ${role}`);
  }
}

/** A row of `access_tokens` as a record. */
export function readToken(row: TokenRow): TokenRecord {
  return {
    id: row.id,
    name: row.name,
    role: readRole(row.role),
    scope: row.scope === null ? null : readScope(row.scope),
    speaksFor: readSpeaksFor(row.speaks_for),
    prefix: row.prefix,
    createdAtMs: row.created_at_ms,
    createdBy: row.created_by,
    expiresAtMs: row.expires_at_ms,
    lastUsedAtMs: row.last_used_at_ms,
    revokedAtMs: row.revoked_at_ms,
    revokedBy: row.revoked_by,
  };
}

function readRole(text: string): Role {
  const role = ROLES.find((known) => known === text);
  if (role === undefined) throw new OmoiError('internal_error', `a token has the unknown role "${text}"`);
  return role;
}

/** A scope as it is kept. The last four are missing in what earlier versions wrote. */
interface KeptScope {
  readonly agent_ids: readonly string[];
  readonly pool_id: string | null;
  readonly member_of?: string | null;
  readonly enqueue_for?: readonly string[];
  readonly max_agents?: number | null;
  readonly generation?: number | null;
}

function writeScope({ agentIds, poolId, memberOf, enqueueFor, maxAgents, generation }: AgentScope): string {
  const kept: KeptScope = {
    agent_ids: agentIds,
    pool_id: poolId,
    member_of: memberOf ?? null,
    enqueue_for: enqueueFor ?? [],
    max_agents: maxAgents ?? null,
    generation: generation ?? null,
  };
  return JSON.stringify(kept);
}

/** What a token may speak for, of what is kept of it. */
export function readScope(text: string): AgentScope {
  // Written by `writeScope` alone.
  const scope = JSON.parse(text) as KeptScope;
  return {
    agentIds: scope.agent_ids,
    poolId: scope.pool_id,
    memberOf: scope.member_of ?? null,
    enqueueFor: scope.enqueue_for ?? [],
    maxAgents: scope.max_agents ?? null,
    generation: scope.generation ?? null,
  };
}
