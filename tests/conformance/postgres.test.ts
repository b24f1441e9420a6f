import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openStateDatabase, type StateDatabase } from '#storage';
import { createSystemClock, silentLogger } from '#telemetry';
import { openPlace, postgresKind } from './state-databases.ts';

const kind = postgresKind();
const patience = { timeout: 60_000, interval: 20 };

describe.skipIf(!kind.available)('a state database on PostgreSQL', () => {
  beforeAll(() => kind.start());
  afterAll(() => kind.stop());

  const count = (database: StateDatabase) =>
    database.transaction((tx) => tx.db.selectFrom('events').select('id').execute()).then(() => 'works');

  it('answers a lost connection with a coded error that may be retried, and comes back', async () => {
    const place = await kind.createPlace();
    const database = await openPlace(place);
    const broken = database.transaction(async (tx) => {
      await kind.disconnectAll(urlOf(place));
      await tx.db.selectFrom('events').selectAll().execute();
    });
    await expect(broken).rejects.toMatchObject({ code: 'database_failed', retryable: true });
    await vi.waitFor(() => expect(count(database)).resolves.toBe('works'), patience);
    await database.close();
  });

  it('stops writing when another server has taken over', async () => {
    const place = await kind.createPlace();
    const first = await openPlace(place);
    await kind.disconnectAll(urlOf(place));
    const second = await vi.waitFor(() => openPlace(place), patience);
    await vi.waitFor(() => expect(count(first)).rejects.toMatchObject({ code: 'database_busy' }), patience);
    await expect(count(second)).resolves.toBe('works');
    await second.close();
    await vi.waitFor(() => expect(count(first)).resolves.toBe('works'), patience);
    await first.close();
  });

  it('lets several starters migrate one database at the same time', async () => {
    const place = await kind.createPlace();
    const opened = await Promise.all(
      Array.from({ length: 4 }, () =>
        openStateDatabase({ ...place, clock: createSystemClock(), logger: silentLogger, role: 'tool' }),
      ),
    );
    for (const database of opened) {
      await expect(count(database)).resolves.toBe('works');
      await database.close();
    }
  });
});

function urlOf(place: object): string {
  if ('url' in place && typeof place.url === 'string') return place.url;
  throw new Error('a PostgreSQL place has a URL');
}
