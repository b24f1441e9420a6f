import { PreparedQuery, type StateDatabase, type StateTransaction } from '#storage';
import type { ReceiverExtras } from '../configuration/omoi-settings.ts';

export type RateLimit = NonNullable<ReceiverExtras['rateLimit']>;

/** A stretch of time that begins with a message, and how many messages went out in it. */
export interface RateWindow {
  /** Wall ms. */
  readonly beganAtMs: number;
  readonly sent: number;
}

const WRITE = new PreparedQuery<
  { readonly integration: string; readonly beganAtMs: number; readonly sent: number },
  unknown
>((db, { integration, beganAtMs, sent }) =>
  db
    .insertInto('notification_rate_windows')
    .values({ integration, began_at_ms: beganAtMs, sent })
    .onConflict((conflict) =>
      conflict.column('integration').doUpdateSet((row) => ({
        began_at_ms: row.ref('excluded.began_at_ms'),
        sent: row.ref('excluded.sent'),
      })),
    ),
);

/** The newest window of each integration that has a limit. In memory as on disk; memory follows the commit. */
export class RateWindows {
  readonly #windows = new Map<string, RateWindow>();

  /** @param keys of the integrations that have a limit: windows of others are forgotten */
  async start(database: StateDatabase, keys: ReadonlySet<string>): Promise<void> {
    const rows = await database.reader.selectFrom('notification_rate_windows').selectAll().execute();
    const gone: string[] = [];
    for (const { integration, began_at_ms: beganAtMs, sent } of rows) {
      if (keys.has(integration)) this.#windows.set(integration, { beganAtMs, sent });
      else gone.push(integration);
    }
    if (gone.length === 0) return;
    await database.transaction((tx) =>
      tx.db.deleteFrom('notification_rate_windows').where('integration', 'in', gone).execute(),
    );
  }

  get(key: string): RateWindow | null {
    return this.#windows.get(key) ?? null;
  }

  async write(tx: StateTransaction, windows: ReadonlyMap<string, RateWindow>): Promise<void> {
    for (const [integration, window] of windows) await WRITE.run(tx, { integration, ...window });
    tx.afterCommit(() => {
      for (const [integration, window] of windows) this.#windows.set(integration, window);
    });
  }
}

/** The window that is open at a time, or one that begins then. A clock that was set back begins one, too. */
export function windowAt(window: RateWindow | null, { perMs }: RateLimit, nowMs: number): RateWindow {
  const isOpen = window !== null && window.beganAtMs <= nowMs && nowMs < window.beganAtMs + perMs;
  return isOpen ? window : { beganAtMs: nowMs, sent: 0 };
}
