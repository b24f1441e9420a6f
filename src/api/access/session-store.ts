import type { StateTransaction } from '#storage';
import { OmoiError } from '#telemetry';
import { createSecret, csrfTokenOf, hashSecret, isSecretForm } from './secret.ts';
import { readToken, type TokenRecord } from './token-store.ts';

/** How long a browser stays logged in. */
const sessionLifetimeMs = 7 * 86_400_000;
/** How long a login link waits for its one use. */
const loginLinkLifetimeMs = 15 * 60_000;
/** The oldest sessions of a token end when it opens more than this. */
const maxSessionsPerToken = 50;

/** A session at the one time when its cookie's secret is known. */
export interface OpenedSession {
  /** The cookie's value. */
  readonly secret: string;
  readonly csrfToken: string;
  readonly token: TokenRecord;
  /** Wall ms since epoch. */
  readonly expiresAtMs: number;
  /** Of the sessions that have ended for it: those that had been open longest. */
  readonly endedHashes: readonly string[];
}

export interface NewLoginLink {
  readonly tokenId: string;
  readonly createdBy: string;
}

/** Opens a dashboard session that stands for a token and ends with it. */
export async function openSession(tx: StateTransaction, token: TokenRecord): Promise<OpenedSession> {
  const secret = createSecret();
  const hash = hashSecret(secret);
  const expiresAtMs = Math.min(tx.nowMs + sessionLifetimeMs, token.expiresAtMs ?? Number.MAX_SAFE_INTEGER);
  await tx.db
    .insertInto('access_sessions')
    .values({
      secret_hash: hash,
      token_id: token.id,
      created_at_ms: tx.nowMs,
      expires_at_ms: expiresAtMs,
    })
    .execute();
  const surplus = await tx.db
    .selectFrom('access_sessions')
    .select('secret_hash')
    .where('token_id', '=', token.id)
    // This one stays, also where others were opened in the same millisecond.
    .where('secret_hash', '!=', hash)
    .orderBy('created_at_ms', 'desc')
    .limit(maxSessionsPerToken)
    .offset(maxSessionsPerToken - 1)
    .execute();
  const endedHashes = surplus.map((session) => session.secret_hash);
  if (endedHashes.length > 0) {
    await tx.db.deleteFrom('access_sessions').where('secret_hash', 'in', endedHashes).execute();
  }
  return { secret, csrfToken: csrfTokenOf(secret), token, expiresAtMs, endedHashes };
}

export async function endSession(tx: StateTransaction, secret: string): Promise<void> {
  await tx.db.deleteFrom('access_sessions').where('secret_hash', '=', hashSecret(secret)).execute();
}

/** Makes a code that opens one session of the token, once and soon. Returns the code. */
export async function createLoginLink(tx: StateTransaction, link: NewLoginLink): Promise<string> {
  const code = createSecret();
  await tx.db
    .insertInto('login_links')
    .values({
      code_hash: hashSecret(code),
      token_id: link.tokenId,
      created_at_ms: tx.nowMs,
      created_by: link.createdBy,
      expires_at_ms: tx.nowMs + loginLinkLifetimeMs,
      used_at_ms: null,
    })
    .execute();
  return code;
}

/**
 * Uses a login code up and opens its session.
 * @throws OmoiError `login_link_invalid` for a code that is unknown, used or too old
 */
export async function redeemLoginLink(tx: StateTransaction, code: string): Promise<OpenedSession> {
  const refusal = new OmoiError(
    'login_link_invalid',
    'this login link is unknown, used or too old; make a new one with `omoi token login`',
  );
  if (!isSecretForm(code)) throw refusal;
  // One statement decides who uses the link, so that two requests at once cannot both.
  const used = await tx.db
    .updateTable('login_links')
    .set({ used_at_ms: tx.nowMs })
    .where('code_hash', '=', hashSecret(code))
    .where('used_at_ms', 'is', null)
    .where('expires_at_ms', '>', tx.nowMs)
    .returning('token_id')
    .executeTakeFirst();
  if (!used) throw refusal;
  const row = await tx.db
    .selectFrom('access_tokens')
    .selectAll()
    .where('id', '=', used.token_id)
    .where('revoked_at_ms', 'is', null)
    .executeTakeFirst();
  if (!row || (row.expires_at_ms !== null && row.expires_at_ms <= tx.nowMs)) throw refusal;
  return openSession(tx, readToken(row));
}
