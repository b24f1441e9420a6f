import { sql } from 'kysely';
import type { StateDatabase } from '#storage';
import { messageOf, type Clock, type Logger, type Timer } from '#telemetry';

/** How often what was used is written down. */
const flushIntervalMs = 60_000;
/** So few that a transaction that waits behind them waits for some milliseconds. */
const maxTokensPerTransaction = 200;

interface TokenUse {
  readonly id: string;
  /** Wall ms. */
  readonly atMs: number;
}

/** When each token was used last. Kept in memory and written once a minute: a request must not wait for it. */
export class LastUse {
  readonly #database: StateDatabase;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #timer: Timer;
  #used = new Map<string, number>();

  constructor(parts: { readonly database: StateDatabase; readonly clock: Clock; readonly logger: Logger }) {
    this.#database = parts.database;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#timer = parts.clock.every(flushIntervalMs, () => void this.flush());
  }

  note(tokenId: string): void {
    this.#used.set(tokenId, Math.floor(this.#clock.wallMs()));
  }

  /** Wall ms of a use that is not written down yet; null where there is none. */
  unwritten(tokenId: string): number | null {
    return this.#used.get(tokenId) ?? null;
  }

  /** Never throws: what could not be written is tried again with the next flush. */
  async flush(): Promise<void> {
    const used = [...this.#used].map(([id, atMs]) => ({ id, atMs }));
    this.#used = new Map();
    for (let at = 0; at < used.length; at += maxTokensPerTransaction) {
      try {
        await this.#write(used.slice(at, at + maxTokensPerTransaction));
      } catch (thrown) {
        // What was noted meanwhile is newer.
        for (const { id, atMs } of used.slice(at)) if (!this.#used.has(id)) this.#used.set(id, atMs);
        this.#logger.warn(
          { tokens: this.#used.size, error: messageOf(thrown) },
          'The last use of tokens could not be written; tried again in a minute.',
        );
        return;
      }
    }
  }

  /** In one statement, of two parameters a row. */
  #write(used: readonly TokenUse[]): Promise<void> {
    const values = sql.join(used.map(({ id, atMs }) => sql`(${id}, cast(${atMs} as bigint))`));
    return this.#database.transaction(async (tx) => {
      // Both databases call the columns of a bare list of values column1, column2 …
      await sql`update access_tokens set last_used_at_ms = fresh.column2
        from (values ${values}) as fresh where access_tokens.id = fresh.column1`.execute(tx.db);
    });
  }

  async stop(): Promise<void> {
    this.#timer.cancel();
    await this.flush();
  }
}
