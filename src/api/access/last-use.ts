import type { StateDatabase } from '#storage';
import { messageOf, type Clock, type Logger, type Timer } from '#telemetry';

/** How often what was used is written down. */
const flushIntervalMs = 60_000;

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

  /** Never throws: what could not be written is tried again with the next flush. */
  async flush(): Promise<void> {
    const used = this.#used;
    if (used.size === 0) return;
    this.#used = new Map();
    try {
      await this.#database.transaction(async (tx) => {
        for (const [id, atMs] of used) {
          await tx.db
            .updateTable('access_tokens')
            .set({ last_used_at_ms: atMs })
            .where('id', '=', id)
            .execute();
        }
      });
    } catch (thrown) {
      this.#used = new Map([...used, ...this.#used]);
      this.#logger.warn({ error: messageOf(thrown) }, 'The last use of tokens could not be written.');
    }
  }

  async stop(): Promise<void> {
    this.#timer.cancel();
    await this.flush();
  }
}
