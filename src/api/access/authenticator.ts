import type { StateDatabase } from '#storage';
import { OmoiError, type Clock } from '#telemetry';
import type { Principal } from '../http/app.ts';
import type { Identity, IdentityCache } from './identity-cache.ts';
import type { LastUse } from './last-use.ts';
import { csrfTokenOf, equalInConstantTime, hashSecret, isSecretForm, isTokenForm } from './secret.ts';
import { readToken, type TokenRecord } from './token-store.ts';

/** What a request brings along to say who it is. */
export interface Credentials {
  /** The `Authorization` header. */
  readonly authorization: string | undefined;
  /** The value of the session cookie. */
  readonly sessionCookie: string | undefined;
  /** The connection it came over: an agent says the same on it thousands of times. */
  readonly connection: object;
}

/** Who a request speaks for, and what its changes must prove. */
export interface Caller {
  readonly principal: Principal;
  /** What a change by session must send along; null for other callers. */
  readonly csrfToken: string | null;
}

const ANONYMOUS: Caller = {
  principal: { kind: 'anonymous', id: 'anonymous', name: 'anonymous', role: 'none', scope: null },
  csrfToken: null,
};

const BEARER = /^Bearer +(\S+) *$/i;

/** Finds out who a request speaks for. */
export interface Authenticator {
  /**
   * A token in the header counts before a cookie. Without either the caller is anonymous; a session that has
   * ended is no error, but a wrong token is.
   * @throws OmoiError `unauthenticated`
   */
  authenticate(credentials: Credentials): Promise<Caller>;
  /**
   * @param connection over which the token came, where it comes again
   * @throws OmoiError `unauthenticated`
   */
  identifyToken(secret: string, connection?: object): Promise<TokenRecord>;
}

export function createAuthenticator(parts: {
  readonly database: StateDatabase;
  readonly clock: Clock;
  readonly cache: IdentityCache;
  readonly lastUse: LastUse;
}): Authenticator {
  const { database, clock, cache, lastUse } = parts;

  /** The last token of each connection and its hash, which need not be made anew with every heartbeat. */
  const hashes = new WeakMap<object, { readonly secret: string; readonly hash: string }>();

  function hashOf(secret: string, connection: object): string {
    const known = hashes.get(connection);
    if (known?.secret === secret) return known.hash;
    const hash = hashSecret(secret);
    hashes.set(connection, { secret, hash });
    return hash;
  }

  async function identify(
    hash: string,
    read: (hash: string) => Promise<Identity | null>,
  ): Promise<Identity | null> {
    let identity = cache.find(hash);
    if (identity === null) {
      const { epoch } = cache;
      identity = await read(hash);
      if (identity === null) return null;
      cache.remember(hash, identity, epoch);
    }
    return identity.expiresAtMs === null || identity.expiresAtMs > clock.wallMs() ? identity : null;
  }

  async function readTokenIdentity(hash: string): Promise<Identity | null> {
    const row = await database.reader
      .selectFrom('access_tokens')
      .selectAll()
      .where('secret_hash', '=', hash)
      .where('revoked_at_ms', 'is', null)
      .executeTakeFirst();
    if (!row || !equalInConstantTime(row.secret_hash, hash)) return null;
    return { token: readToken(row), expiresAtMs: row.expires_at_ms };
  }

  async function readSessionIdentity(hash: string): Promise<Identity | null> {
    const row = await database.reader
      .selectFrom('access_sessions')
      .innerJoin('access_tokens', 'access_tokens.id', 'access_sessions.token_id')
      .selectAll('access_tokens')
      .select(['access_sessions.expires_at_ms as session_expires_at_ms'])
      .where('access_sessions.secret_hash', '=', hash)
      .where('access_tokens.revoked_at_ms', 'is', null)
      .executeTakeFirst();
    return row ? { token: readToken(row), expiresAtMs: row.session_expires_at_ms } : null;
  }

  async function identifyToken(secret: string, connection?: object): Promise<TokenRecord> {
    const hash = connection ? hashOf(secret, connection) : hashSecret(secret);
    const identity = isTokenForm(secret) ? await identify(hash, readTokenIdentity) : null;
    if (identity === null) {
      throw new OmoiError('unauthenticated', 'the token is malformed, unknown, expired or revoked');
    }
    lastUse.note(identity.token.id);
    return identity.token;
  }

  return {
    identifyToken,
    async authenticate({ authorization, sessionCookie, connection }) {
      if (authorization !== undefined) {
        const secret = BEARER.exec(authorization)?.[1];
        if (secret === undefined) {
          throw new OmoiError('unauthenticated', 'the Authorization header must read `Bearer <token>`');
        }
        return { principal: principalOf('token', await identifyToken(secret, connection)), csrfToken: null };
      }
      if (sessionCookie === undefined || !isSecretForm(sessionCookie)) return ANONYMOUS;
      const identity = await identify(hashSecret(sessionCookie), readSessionIdentity);
      if (identity === null) return ANONYMOUS;
      lastUse.note(identity.token.id);
      return { principal: principalOf('session', identity.token), csrfToken: csrfTokenOf(sessionCookie) };
    },
  };
}

function principalOf(kind: 'token' | 'session', token: TokenRecord): Principal {
  return { kind, id: token.id, name: token.name, role: token.role, scope: token.scope };
}
