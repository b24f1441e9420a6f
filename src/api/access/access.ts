import type { StateDatabase, StateTransaction } from '#storage';
import { OmoiError, type Clock, type Grant, type Logger, type Random, type Sender } from '#telemetry';
import type { Principal } from '../http/app.ts';
import {
  endAgentTokens,
  endTokensOfGone,
  mintAgentToken,
  type EndedAgent,
  type StartedAgent,
} from './agent-tokens.ts';
import { createAuditLog, type AuditLog, type SystemActor } from './audit-log.ts';
import { createAuthenticator, type Authenticator } from './authenticator.ts';
import { IdentityCache } from './identity-cache.ts';
import { LastUse } from './last-use.ts';
import { hashSecret } from './secret.ts';
import { Grants, type MatcherParser } from './speaks-for.ts';
import {
  createLoginLink,
  endSession,
  openSession,
  redeemLoginLink,
  type OpenedSession,
} from './session-store.ts';
import {
  createTokenStore,
  type MintedToken,
  type NewToken,
  type TokenPage,
  type TokenRecord,
} from './token-store.ts';

export interface AccessOptions {
  /** Lets loopback call the routes marked `openOnLoopback` without a token. */
  readonly openIngestOnLoopback: boolean;
}

export interface AccessParts {
  readonly database: StateDatabase;
  readonly clock: Clock;
  /** For ids; secrets come from the system's own randomness. */
  readonly random: Random;
  readonly logger: Logger;
  /** The query language's. */
  readonly parseMatcher: MatcherParser;
  readonly options: AccessOptions;
}

/** What the first start hands to the person who started it, once. */
export interface FirstAdmin {
  readonly token: string;
  /** `GET /login?code=…` opens a session with it. */
  readonly loginCode: string;
}

/** Who may speak to Omoi: tokens, sessions, login links, and the log of what they changed. */
export interface Access extends Authenticator {
  readonly options: AccessOptions;
  readonly audit: AuditLog;
  /** Makes the first admin token and a login link; null where an admin token exists. */
  ensureAdmin(): Promise<FirstAdmin | null>;
  /** Reads for whom the tokens speak; before anybody asks. */
  loadGrants(): Promise<void>;
  /** For whom a sender of samples may speak beside itself; null where it was given nobody. Known from memory. */
  grantOf(sender: Sender): Grant | null;
  /** @throws OmoiError `token_name_taken`, `invalid_request` */
  mintToken(token: NewToken): Promise<MintedToken>;
  listTokens(page: TokenPage): Promise<readonly TokenRecord[]>;
  /**
   * Ends a token and its sessions: their next request fails.
   * @throws OmoiError `unknown_token`
   */
  revokeToken(id: string, by: string): Promise<TokenRecord>;
  /**
   * A token for an agent that Omoi starts, bound to that agent. The agent's last token before it keeps working,
   * because the older generation may still be ending its work; older ones are revoked. Part of the transaction
   * that records the start.
   */
  mintAgentToken(tx: StateTransaction, agent: StartedAgent): Promise<string>;
  /** Ends the tokens of a generation in the transaction that records the end of its process. */
  endAgentTokens(tx: StateTransaction, agent: EndedAgent): Promise<void>;
  /**
   * Ends the tokens of agents of which no process runs or is to be started, of which an earlier server left some. Before
   * anybody asks. @returns how many there were
   */
  endTokensOfGone(): Promise<number>;
  /**
   * A code for `GET /login?code=…`. The link stands for the caller's own token; for the owner of the data
   * directory it stands for an admin token, which is made when there is none.
   */
  createLoginLink(principal: Principal): Promise<string>;
  /** @throws OmoiError `login_link_invalid` */
  redeemLoginLink(code: string, requestId: string): Promise<OpenedSession>;
  /** @throws OmoiError `unauthenticated` */
  openSession(tokenSecret: string, requestId: string): Promise<OpenedSession>;
  endSession(secret: string): Promise<void>;
  /**
   * Calls the listener when a token was revoked, with its id, or a session ended, with null: what it was let into may
   * be over.
   */
  onEnded(listener: (tokenId: string | null) => void): void;
  /** Writes what is still in memory. */
  stop(): Promise<void>;
}

const SYSTEM: SystemActor = { kind: 'system', id: 'system', name: 'omoi' };
const FIRST_ADMIN_NAME = 'admin';

export function createAccess(parts: AccessParts): Access {
  const { database, clock, logger, options } = parts;
  const cache = new IdentityCache(clock);
  const lastUse = new LastUse({ database, clock, logger });
  const audit = createAuditLog(database);
  const tokens = createTokenStore(parts);
  const grants = new Grants(clock, parts.parseMatcher);
  const authenticator = createAuthenticator({ database, clock, cache, lastUse });

  const logIn = (
    action: string,
    requestId: string,
    open: (tx: StateTransaction) => Promise<OpenedSession>,
  ): Promise<OpenedSession> =>
    database.transaction(async (tx) => {
      const session = await open(tx);
      tx.afterCommit(() => session.endedHashes.forEach((hash) => cache.forget(hash)));
      const { id, name } = session.token;
      await audit.record(tx, {
        actor: { kind: 'session', id, name },
        action,
        entity: `token_id=${id}`,
        requestId,
        outcome: 'succeeded',
        details: {},
      });
      return session;
    });

  return {
    ...authenticator,
    options,
    audit,
    ensureAdmin: () =>
      database.transaction(async (tx) => {
        if ((await tokens.findAdmin(tx)) !== null) return null;
        const { token, secret } = await tokens.mint(tx, firstAdmin());
        const loginCode = await createLoginLink(tx, { tokenId: token.id, createdBy: SYSTEM.name });
        await audit.record(tx, {
          actor: SYSTEM,
          action: 'access.first_start',
          entity: `token_id=${token.id}`,
          requestId: '',
          outcome: 'succeeded',
          details: { role: 'admin' },
        });
        return { token: secret, loginCode };
      }),
    async loadGrants() {
      for (const token of await tokens.speaking()) grants.add(token);
    },
    grantOf: (sender) => grants.of(sender),
    async mintToken(token) {
      if (token.speaksFor) grants.check(token.role, token.speaksFor);
      return database.transaction(async (tx) => {
        const minted = await tokens.mint(tx, token);
        tx.afterCommit(() => grants.add(minted.token));
        return minted;
      });
    },
    async listTokens(page) {
      const listed = await tokens.list(page);
      return listed.map((token) => ({
        ...token,
        lastUsedAtMs: lastUse.unwritten(token.id) ?? token.lastUsedAtMs,
      }));
    },
    revokeToken: (id, by) =>
      database.transaction(async (tx) => {
        const revoked = await tokens.revoke(tx, id, by);
        tx.afterCommit(() => {
          grants.remove(id);
          cache.forgetToken(id);
        });
        return revoked;
      }),
    async mintAgentToken(tx, agent) {
      const { secret, revoked } = await mintAgentToken(tx, tokens, agent);
      tx.afterCommit(() => revoked.forEach((id) => cache.forgetToken(id)));
      return secret;
    },
    async endAgentTokens(tx, agent) {
      const ended = await endAgentTokens(tx, agent);
      tx.afterCommit(() => ended.forEach((id) => cache.forgetToken(id)));
    },
    endTokensOfGone: () => endTokensOfGone(database),
    createLoginLink: (principal) =>
      database.transaction(async (tx) => {
        const createdBy = principal.name;
        if (principal.kind !== 'local') return createLoginLink(tx, { tokenId: principal.id, createdBy });
        const admin = (await tokens.findAdmin(tx)) ?? (await tokens.mint(tx, firstAdmin())).token;
        return createLoginLink(tx, { tokenId: admin.id, createdBy });
      }),
    redeemLoginLink: (code, requestId) => logIn('GET /login', requestId, (tx) => redeemLoginLink(tx, code)),
    async openSession(tokenSecret, requestId) {
      const token = await authenticator.identifyToken(tokenSecret);
      if (token.role === 'agent' || token.role === 'ingest') {
        throw new OmoiError('forbidden', `a token of role ${token.role} cannot open the dashboard`);
      }
      return logIn('POST /api/v1/session', requestId, (tx) => openSession(tx, token));
    },
    endSession: (secret) =>
      database.transaction(async (tx) => {
        await endSession(tx, secret);
        tx.afterCommit(() => cache.forget(hashSecret(secret)));
      }),
    onEnded: (listener) => cache.onForgotten(listener),
    async stop() {
      await lastUse.stop();
    },
  };
}

function firstAdmin(): NewToken {
  return { name: FIRST_ADMIN_NAME, role: 'admin', scope: null, createdBy: SYSTEM.name, expiresAtMs: null };
}
