import type { Clock } from '#telemetry';
import type { TokenRecord } from './token-store.ts';

/** Who a secret turned out to be. */
export interface Identity {
  readonly token: TokenRecord;
  /** Wall ms since epoch when it ends by itself; the session's end for a session. */
  readonly expiresAtMs: number | null;
}

/** Beyond this the entry that was looked up longest ago goes. */
export const maxCachedIdentities = 10_000;
/** On PostgreSQL a token may be revoked by somebody else than this server. */
const identityTtlMs = 30_000;

/** What secrets stood for lately, by their hash, so that a heartbeat costs no read of the database. */
export class IdentityCache {
  readonly #clock: Clock;
  readonly #entries = new Map<string, { identity: Identity; readAtMs: number }>();
  /** The hashes of a token's secrets: its own, and those of its sessions. */
  readonly #hashesOfTokens = new Map<string, Set<string>>();
  #epoch = 0;
  readonly #onForgotten: ((tokenId: string | null) => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Changes whenever something was forgotten. What was read before then must not be remembered. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Calls the listener whenever a token was revoked here, with its id, or a session ended, with null. */
  onForgotten(listener: (tokenId: string | null) => void): void {
    this.#onForgotten.push(listener);
  }

  find(hash: string): Identity | null {
    const entry = this.#entries.get(hash);
    if (!entry) return null;
    if (this.#clock.monotonicMs() - entry.readAtMs < identityTtlMs) return entry.identity;
    this.#delete(hash);
    return null;
  }

  /** @param epoch the cache's epoch when the read of the database began */
  remember(hash: string, identity: Identity, epoch: number): void {
    if (epoch !== this.#epoch) return;
    this.#delete(hash);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size >= maxCachedIdentities && oldest !== undefined) this.#delete(oldest);
    this.#entries.set(hash, { identity, readAtMs: this.#clock.monotonicMs() });
    const { id } = identity.token;
    const hashes = this.#hashesOfTokens.get(id);
    if (hashes) hashes.add(hash);
    else this.#hashesOfTokens.set(id, new Set([hash]));
  }

  forget(hash: string): void {
    this.#epoch += 1;
    this.#delete(hash);
    this.#tell(null);
  }

  /** Forgets a token and all its sessions. */
  forgetToken(tokenId: string): void {
    this.#epoch += 1;
    for (const hash of this.#hashesOfTokens.get(tokenId) ?? []) this.#entries.delete(hash);
    this.#hashesOfTokens.delete(tokenId);
    this.#tell(tokenId);
  }

  #delete(hash: string): void {
    const entry = this.#entries.get(hash);
    if (!entry) return;
    this.#entries.delete(hash);
    const { id } = entry.identity.token;
    const hashes = this.#hashesOfTokens.get(id);
    hashes?.delete(hash);
    if (hashes?.size === 0) this.#hashesOfTokens.delete(id);
  }

  #tell(tokenId: string | null): void {
    for (const listener of this.#onForgotten) listener(tokenId);
  }
}
