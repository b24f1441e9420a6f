import { sql } from 'kysely';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openStateDatabase, tellHeldTransactions } from '#storage';
import { createSystemClock, SelfMetrics, silentLogger, VirtualClock, type Logger } from '#telemetry';
import { LosesCommits } from './lost-commits.ts';
import { postgresKind } from './state-databases.ts';
import { openPlace } from './state-places.ts';
import { count, patience, urlOf } from './postgres.test-support.ts';

const kind = postgresKind();

describe.skipIf(!kind.available)('a state database on PostgreSQL', () => {
  beforeAll(() => kind.start());
  afterAll(() => kind.stop());

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

  it('lets wait who comes while all connections are in use: that is no outage', async () => {
    const database = await openPlace(await kind.createPlace());
    // Longer than a new connection may take.
    const busy = Array.from({ length: 10 }, () =>
      database.transaction((tx) => sql`select pg_sleep(6)`.execute(tx.db)),
    );
    await expect(count(database)).resolves.toBe('works');
    await Promise.all(busy);
    await database.close();
  });

  it('leaves a statement alone that PostgreSQL is at work on, however long', async () => {
    const url = urlOf(await kind.createPlace());
    const proxy = new LosesCommits(url);
    const clock = new VirtualClock();
    const database = await openPlace({ url: await proxy.listen(url) }, clock);
    const release = Promise.withResolvers<void>();
    const isHeld = Promise.withResolvers<void>();
    const holder = database.transaction(async (tx) => {
      await sql`select pg_advisory_xact_lock(7)`.execute(tx.db);
      isHeld.resolve();
      await release.promise;
    });
    await isHeld.promise;
    const waiter = database.transaction((tx) => sql`select pg_advisory_xact_lock(7)`.execute(tx.db));
    let isOver = false;
    void waiter.then(
      () => (isOver = true),
      () => (isOver = true),
    );
    await vi.waitFor(async () => {
      const { rows } = await sql`select 1 from pg_locks where locktype = 'advisory' and not granted`.execute(
        database.reader,
      );
      expect(rows).toHaveLength(1);
    }, patience);
    await clock.advance(25_000);
    // Each look is a connection that comes and goes.
    for (let look = 0; look < 3; look++) {
      const before = proxy.ended;
      await clock.advance(5000);
      await vi.waitFor(() => expect(proxy.ended).toBeGreaterThan(before), patience);
    }
    await sql`select 1`.execute(database.reader);
    expect(isOver).toBe(false);
    release.resolve();
    await holder;
    await waiter;
    await database.close();
    proxy.close();
  });

  it('says whose lock its transactions wait for, once, and when they wait no more', async () => {
    const place = await kind.createPlace();
    const clock = new VirtualClock();
    const metrics = new SelfMetrics();
    const told: { readonly fields: object; readonly message: string }[] = [];
    const logger: Logger = {
      ...silentLogger,
      warn: (fields, message) => void told.push({ fields, message }),
    };
    let waitsFor: string | null = null;
    const onWait = (what: string | null): void => void (waitsFor = what);
    const database = tellHeldTransactions(
      await openStateDatabase({ ...place, clock, logger, role: 'server', onWait }),
      { owner: 'fleet', clock, logger, metrics },
    );
    const until = (assertion: () => void): Promise<void> =>
      vi.waitFor(async () => {
        await clock.advance(500);
        assertion();
      }, patience);
    const lines = (what: RegExp): readonly object[] =>
      told.filter(({ message }) => what.test(message)).map(({ fields }) => fields);
    const held = (): unknown =>
      metrics.collect().find(({ name }) => name === 'omoi_transactions_held_total')?.points[0]?.value;

    const stranger = new Client({ connectionString: urlOf(place), application_name: 'migrate.py' });
    await stranger.connect();
    try {
      const { rows } = await stranger.query<{ pid: number }>('select pg_backend_pid() as pid');
      await stranger.query('begin');
      await stranger.query('lock table events in access exclusive mode');
      const asked = Promise.all([count(database), count(database)]);
      const waiting = /wait for a lock of somebody else/;
      await until(() => expect(lines(waiting)).toHaveLength(1));
      await until(() => expect(held()).toBe(2));
      expect(lines(waiting)).toMatchObject([
        {
          locks: [expect.stringMatching(/^events \(\w+Lock\)$/)],
          held_by: [{ pid: rows[0]?.pid, user: 'omoi', application: 'migrate.py' }],
        },
      ]);
      // Nothing of what anybody else does there.
      expect(waitsFor).toMatch(
        new RegExp(`wait for a lock of somebody else: session ${rows[0]?.pid}, on events \\(\\w+Lock\\)$`),
      );
      expect(lines(/Transaction held for long/)).toHaveLength(1);
      await stranger.query('commit');
      expect(await asked).toEqual(['works', 'works']);
      await until(() => expect(lines(/no lock of others any more/)).toHaveLength(1));
      expect(waitsFor).toBeNull();
      expect(lines(/held for long is over/)).toMatchObject([{ owner: 'fleet', transactions: 2 }]);
    } finally {
      await stranger.end();
      await database.close();
    }
  });

  it('lets several starters migrate one database at the same time', async () => {
    const place = await kind.createEmptyPlace();
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
