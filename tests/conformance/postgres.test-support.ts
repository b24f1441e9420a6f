import type { StateDatabase } from '#storage';

/** The machine may be busy with much else. */
export const patience = { timeout: 60_000, interval: 20 };

/** Whether a database answers. */
export async function count(database: StateDatabase): Promise<string> {
  await database.transaction((tx) => tx.db.selectFrom('events').select('id').execute());
  return 'works';
}

/** Writes one row, and notes which effects it had. */
export function writeNoting(database: StateDatabase, effects: string[]): Promise<string> {
  return database.transaction(async (tx) => {
    const row = { consumer: 'a', last_event_id: 7, updated_at_ms: tx.nowMs };
    await tx.db.insertInto('event_cursors').values(row).execute();
    tx.afterCommit(() => effects.push('committed'));
    tx.afterRollback(() => effects.push('rolled back'));
    return 'result';
  });
}

export function urlOf(place: object): string {
  if ('url' in place && typeof place.url === 'string') return place.url;
  throw new Error('a PostgreSQL place has a URL');
}
