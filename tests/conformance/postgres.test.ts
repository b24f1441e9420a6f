import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createEventBus } from '#eventbus';
import { openStateDatabase, type StateDatabase } from '#storage';
import { createSeededRandom, createSystemClock, SelfMetrics, silentLogger, type Logger } from '#telemetry';
import { newEpisode } from '../../src/alerting/alerts/episode.test-support.ts';
import { refreshAlerts } from '../../src/alerting/alerts/alert-refresh.ts';
import { EpisodeWriter } from '../../src/alerting/alerts/episode-writer.ts';
import { createAlertReader } from '../../src/server/alert-reader.ts';
import { noticeOutages } from '../../src/server/noticed-outages.ts';
import { LosesCommits } from './lost-commits.ts';
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

  it.each([
    ['answer', 'is told that it is on disk, with its effects', 'committed'],
    ['question', 'is told that it failed, with its effects', 'rolled back'],
  ] as const)('who loses the %s of a commit %s', async (at, _what, outcome) => {
    const place = await kind.createPlace();
    const url = urlOf(place);
    const proxy = new LosesCommits(url);
    const database = await openPlace({ url: await proxy.listen(url) });
    const effects: string[] = [];
    proxy.loseNext(at);
    const told = await database
      .transaction(async (tx) => {
        const row = { consumer: 'a', last_event_id: 7, updated_at_ms: tx.nowMs };
        await tx.db.insertInto('event_cursors').values(row).execute();
        tx.afterCommit(() => effects.push('committed'));
        tx.afterRollback(() => effects.push('rolled back'));
        return 'result';
      })
      .catch((error: unknown) => error);
    expect(proxy.lost).toBe(1);
    if (at === 'answer') expect(told).toBe('result');
    else expect(told).toMatchObject({ code: 'database_failed', retryable: true });
    expect(effects).toEqual([outcome]);
    const rows = database.reader.selectFrom('event_cursors').select('last_event_id').execute();
    await expect(rows).resolves.toEqual(at === 'answer' ? [{ last_event_id: 7 }] : []);
    await database.close();
    proxy.close();
  });

  it('repeats what it undoes for a deadlock, runs the effects of one attempt, and tells of no outage', async () => {
    const outages: string[] = [];
    const database = noticeOutages(await openPlace(await kind.createPlace()), (why) => outages.push(why));
    await database.transaction(async (tx) => {
      for (const consumer of ['a', 'b']) {
        const row = { consumer, last_event_id: 0, updated_at_ms: tx.nowMs };
        await tx.db.insertInto('event_cursors').values(row).execute();
      }
    });
    const seen: string[] = [];
    let attempts = 0;
    const bothHold = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const add = async (first: 'a' | 'b', then: 'a' | 'b'): Promise<void> =>
      database.transaction(async (tx) => {
        attempts++;
        tx.afterCommit(() => seen.push(`${first} committed`));
        tx.afterRollback(() => seen.push('one rolled back'));
        for (const consumer of [first, then]) {
          await tx.db
            .updateTable('event_cursors')
            .set((set) => ({ last_event_id: set('last_event_id', '+', 1) }))
            .where('consumer', '=', consumer)
            .execute();
          bothHold[first === 'a' ? 0 : 1]?.resolve();
          await Promise.all(bothHold.map(({ promise }) => promise));
        }
      });
    await Promise.all([add('a', 'b'), add('b', 'a')]);
    expect(attempts).toBe(3);
    expect(seen.toSorted()).toEqual(['a committed', 'b committed', 'one rolled back']);
    expect(outages).toEqual([]);
    const rows = await database.reader.selectFrom('event_cursors').select('last_event_id').execute();
    expect(rows).toEqual([{ last_event_id: 2 }, { last_event_id: 2 }]);
    await database.close();
  });

  it('lets nobody who changes many alerts wait for another who waits for him', async () => {
    const undone: string[] = [];
    const logger: Logger = { ...silentLogger, debug: (_fields, message) => void undone.push(message) };
    const place = await kind.createPlace();
    const clock = createSystemClock();
    const database = await openStateDatabase({ ...place, clock, logger, role: 'server' });
    const random = createSeededRandom(1);
    const bus = createEventBus({ database, clock, random, logger: silentLogger, metrics: new SelfMetrics() });
    const writer = new EpisodeWriter(database, bus);
    const nothing = { ruleKey: 'g/r', put: [], remove: [] };
    const ids = Array.from({ length: 100 }, (_, at) => `alert${String(at).padStart(3, '0')}`);
    await writer.write({ begun: ids.map((id) => newEpisode(id)), ended: [], saved: nothing });
    const reader = createAlertReader(
      { alerts: { list: () => Promise.reject(new Error('not asked')) } },
      database,
    );
    const newestFirst = ids.toReversed();
    for (let round = 0; round < 40; round++) {
      const some = newestFirst.slice(0, 60);
      const value = String(round);
      await Promise.all([
        database.transaction((tx) => reader.firingAmong(tx, some)),
        database.transaction((tx) =>
          refreshAlerts(
            tx,
            ids.map((alertId) => ({ alertId, value, annotations: null, evaluationError: null })),
          ),
        ),
        writer.write({
          begun: [],
          ended: newestFirst.slice(round * 2, round * 2 + 20).map((alertId, at) => ({
            alertId,
            cause: at % 2 === 0 ? 'recovered' : 'data_vanished',
            resolvedAtMs: 1,
          })),
          saved: nothing,
        }),
      ]);
    }
    expect(undone).toEqual([]);
    await bus.stop();
    await database.close();
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
