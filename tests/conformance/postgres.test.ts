import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { sql } from 'kysely';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createEventBus } from '#eventbus';
import {
  Leadership,
  openStateDatabase,
  retentionJobs,
  tellHeldTransactions,
  type StateDatabase,
  type StateTransaction,
} from '#storage';
import {
  createSeededRandom,
  createSystemClock,
  OmoiError,
  SelfMetrics,
  silentLogger,
  VirtualClock,
  type Logger,
} from '#telemetry';
import { newEpisode } from '../../src/alerting/alerts/episode.test-support.ts';
import { refreshAlerts } from '../../src/alerting/alerts/alert-refresh.ts';
import { EpisodeWriter } from '../../src/alerting/alerts/episode-writer.ts';
import { registration, startTestFleet } from '../../src/fleet/fleet.test-support.ts';
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

  /** Writes one row, and notes which effects it had. */
  const writeNoting = (database: StateDatabase, effects: string[]) =>
    database.transaction(async (tx) => {
      const row = { consumer: 'a', last_event_id: 7, updated_at_ms: tx.nowMs };
      await tx.db.insertInto('event_cursors').values(row).execute();
      tx.afterCommit(() => effects.push('committed'));
      tx.afterRollback(() => effects.push('rolled back'));
      return 'result';
    });

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

  /** As if the server that holds the lease had been stopped for an hour. */
  const letLeaseRunOut = (database: StateDatabase) =>
    sql`update server_lease set renewed_at = renewed_at - interval '1 hour'`.execute(database.reader);

  it('goes on as the one in charge where only its connections broke', async () => {
    const place = await kind.createPlace();
    const first = await openPlace(place);
    await kind.disconnectAll(urlOf(place));
    await expect(openPlace(place)).rejects.toMatchObject({ code: 'database_busy' });
    await vi.waitFor(() => expect(count(first)).resolves.toBe('works'), patience);
    await first.close();
  });

  it('gives its lease back when it is closed, also before it was renewed once', async () => {
    const place = await kind.createPlace();
    const first = await openPlace(place);
    await first.close();
    const tool = await openStateDatabase({
      ...place,
      clock: createSystemClock(),
      logger: silentLogger,
      role: 'tool',
    });
    const holders = await sql<{ server_id: string | null }>`select server_id from server_lease`.execute(
      tool.reader,
    );
    expect(holders.rows).toEqual([{ server_id: null }]);
    await tool.close();
  });

  it('never writes again when another server has taken over, and says which', async () => {
    const place = await kind.createPlace();
    const clock = new VirtualClock();
    const leadership = new Leadership(clock);
    const options = { ...place, logger: silentLogger, role: 'server' as const };
    const first = await openStateDatabase({ ...options, clock, leadership });
    expect(leadership.doubt).toBeNull();
    await letLeaseRunOut(first);
    const second = await openPlace(place);
    await expect(count(first)).rejects.toMatchObject({ code: 'server_fenced', retryable: true });
    await expect(leadership.fenced).resolves.toMatchObject({ code: 'server_fenced' });
    expect(leadership.doubt?.message).toContain(`pid ${process.pid}`);
    await second.close();
    await expect(count(first)).rejects.toMatchObject({ code: 'server_fenced' });
    await first.close();
    const third = await openPlace(place);
    await expect(count(third)).resolves.toBe('works');
    await third.close();
  });

  it('hears of it without writing anything', async () => {
    const place = await kind.createPlace();
    const clock = new VirtualClock();
    const leadership = new Leadership(clock);
    const first = await openStateDatabase({
      ...place,
      logger: silentLogger,
      role: 'server',
      clock,
      leadership,
    });
    await letLeaseRunOut(first);
    const second = await openPlace(place);
    await clock.advance(2000);
    await expect(leadership.fenced).resolves.toMatchObject({ code: 'server_fenced' });
    await second.close();
    await first.close();
  });

  it('commits nothing of a server that stood still within a transaction while another took over', async () => {
    const place = await kind.createPlace();
    const clock = new VirtualClock();
    const first = await openPlace(place, clock);
    const goOn = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const effects: string[] = [];
    const standing = first.transaction(async (tx) => {
      const row = { consumer: 'a', last_event_id: 7, updated_at_ms: tx.nowMs };
      await tx.db.insertInto('event_cursors').values(row).execute();
      tx.afterCommit(() => effects.push('committed'));
      tx.afterRollback(() => effects.push('rolled back'));
      begun.resolve();
      await goOn.promise;
    });
    await begun.promise;
    await letLeaseRunOut(first);
    const second = await openPlace(place);
    goOn.resolve();
    await expect(standing).rejects.toMatchObject({ code: 'database_failed' });
    expect(effects).toEqual(['rolled back']);
    expect(await second.reader.selectFrom('event_cursors').selectAll().execute()).toEqual([]);
    await second.close();
    await first.close();
  });

  it('doubts that it is in charge when nobody has confirmed it for the length of the lease', async () => {
    const place = await kind.createPlace();
    const clock = new VirtualClock();
    const leadership = new Leadership(clock);
    const database = await openStateDatabase({
      ...place,
      logger: silentLogger,
      role: 'server',
      clock,
      leadership,
    });
    clock.stepWallClock(3_600_000);
    expect(leadership.doubt).toMatchObject({ code: 'database_failed', retryable: true });
    await vi.waitFor(async () => {
      await clock.advance(2000);
      expect(leadership.doubt).toBeNull();
    }, patience);
    await database.close();
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
    const told = await writeNoting(database, effects).catch((error: unknown) => error);
    expect(proxy.lost).toBe(1);
    if (at === 'answer') expect(told).toBe('result');
    else expect(told).toMatchObject({ code: 'database_failed', retryable: true });
    expect(effects).toEqual([outcome]);
    const rows = database.reader.selectFrom('event_cursors').select('last_event_id').execute();
    await expect(rows).resolves.toEqual(at === 'answer' ? [{ last_event_id: 7 }] : []);
    await database.close();
    proxy.close();
  });

  it.each([
    ['answer', 'committed'],
    ['question', 'rolled back'],
  ] as const)(
    'who loses the %s of a commit waits while nobody can be asked, and is told then',
    async (at, outcome) => {
      const url = urlOf(await kind.createPlace());
      const proxy = new LosesCommits(url);
      const clock = new VirtualClock();
      const database = await openPlace({ url: await proxy.listen(url) }, clock);
      const seen: string[] = [];
      proxy.loseNext(at, { thenAway: true });
      const told = writeNoting(database, seen).then(
        () => 'told committed',
        (error: unknown) => `told ${error instanceof OmoiError ? error.code : String(error)}`,
      );
      void told.then((what) => seen.push(what));
      // Longer than any restart of PostgreSQL takes.
      await vi.waitFor(async () => {
        await clock.advance(10_000);
        expect(proxy.refused).toBeGreaterThan(20);
        expect(clock.monotonicMs()).toBeGreaterThan(300_000);
      }, patience);
      expect(seen).toEqual([]);
      proxy.comeBack();
      await vi.waitFor(async () => {
        await clock.advance(1000);
        expect(seen).toHaveLength(2);
      }, patience);
      expect(seen).toEqual([outcome, at === 'answer' ? 'told committed' : 'told database_failed']);
      await database.close();
      proxy.close();
    },
  );

  it('who gets no answer to a commit, nor to what became of it, is told as soon as somebody answers', async () => {
    const url = urlOf(await kind.createPlace());
    const proxy = new LosesCommits(url);
    const clock = new VirtualClock();
    const database = await openPlace({ url: await proxy.listen(url) }, clock);
    // Two connections are open: whoever asks does so on one that worked before.
    await Promise.all([count(database), count(database)]);
    const seen: string[] = [];
    proxy.swallowFromNextCommit();
    const told = writeNoting(database, seen).catch((error: unknown) => error);
    await vi.waitFor(() => expect(proxy.swallowing).toBe(1), patience);
    await vi.waitFor(async () => {
      await clock.advance(1000);
      expect(proxy.swallowing).toBeGreaterThan(2);
    }, patience);
    expect(seen).toEqual([]);
    proxy.comeBack();
    await vi.waitFor(async () => {
      await clock.advance(1000);
      expect(seen).toEqual(['rolled back']);
    }, patience);
    expect(await told).toMatchObject({ code: 'database_failed', retryable: true });
    expect(await writeNoting(database, seen)).toBe('result');
    await database.close();
    proxy.close();
  });

  it.each(['a transaction', 'a read'])(
    'tells who asks on a connection that leads nowhere, of %s',
    async (what) => {
      const url = urlOf(await kind.createPlace());
      const proxy = new LosesCommits(url);
      const clock = new VirtualClock();
      const database = await openPlace({ url: await proxy.listen(url) }, clock);
      await count(database);
      proxy.swallowJoined();
      const asked = what === 'a read' ? sql`select 1`.execute(database.reader) : count(database);
      const told = asked.catch((error: unknown) => error);
      await vi.waitFor(() => expect(proxy.swallowing).toBeGreaterThan(0), patience);
      const startedMs = clock.monotonicMs();
      let isTold = false;
      void told.then(() => (isTold = true));
      await vi.waitFor(async () => {
        await clock.advance(1000);
        expect(isTold).toBe(true);
      }, patience);
      expect(clock.monotonicMs() - startedMs).toBeGreaterThan(29_000);
      expect(await told).toMatchObject({ code: 'database_failed', retryable: true });
      await vi.waitFor(() => expect(count(database)).resolves.toBe('works'), patience);
      await database.close();
      proxy.close();
    },
  );

  it('says whose lock its transactions wait for, once, and when they wait no more', async () => {
    const place = await kind.createPlace();
    const clock = new VirtualClock();
    const metrics = new SelfMetrics();
    const told: { readonly fields: object; readonly message: string }[] = [];
    const logger: Logger = {
      ...silentLogger,
      warn: (fields, message) => void told.push({ fields, message }),
    };
    const database = tellHeldTransactions(
      await openStateDatabase({ ...place, clock, logger, role: 'server' }),
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
        { held_by: [{ pid: rows[0]?.pid, user: 'omoi', application: 'migrate.py' }] },
      ]);
      expect(lines(/Transaction held for long/)).toHaveLength(1);
      await stranger.query('commit');
      expect(await asked).toEqual(['works', 'works']);
      await until(() => expect(lines(/no lock of others any more/)).toHaveLength(1));
      expect(lines(/held for long is over/)).toMatchObject([{ owner: 'fleet', transactions: 2 }]);
    } finally {
      await stranger.end();
      await database.close();
    }
  });

  const notTaken = {
    code: 'database_failed',
    retryable: true,
    message: expect.stringMatching(
      /See that PostgreSQL at 127\.0\.0\.1:\d+ runs and can be reached from here/,
    ) as string,
  };

  it.each(['when it looks who holds the lease', 'when it has made its table'])(
    'does not wait for ever to be in charge on a connection that leads nowhere %s',
    async (when) => {
      const url = urlOf(await kind.createPlace());
      const proxy = new LosesCommits(url);
      const through = await proxy.listen(url);
      const clock = new VirtualClock();
      // It gives its lease back only when the starter has looked at it.
      const holder = await openPlace({ url });
      if (when === 'when it has made its table') proxy.swallowFromNextCommit();
      const starting = openPlace({ url: through }, clock).catch((error: unknown) => error);
      if (when === 'when it looks who holds the lease') {
        await vi.waitFor(async () => {
          const { rows } = await sql`select 1 from pg_stat_activity
            where query like 'select epoch, server_id%' and state = 'idle'`.execute(holder.reader);
          expect(rows).toHaveLength(1);
        }, patience);
        proxy.swallowJoined();
        await clock.advance(200);
      }
      await vi.waitFor(() => expect(proxy.swallowing).toBeGreaterThan(0), patience);
      let told: unknown = null;
      void starting.then((error) => (told = error));
      await vi.waitFor(async () => {
        await clock.advance(1000);
        expect(told).not.toBeNull();
      }, patience);
      expect(told).toMatchObject(notTaken);
      await holder.close();
      proxy.close();
    },
  );

  it('does not wait for ever to be in charge where nobody answers at all', async () => {
    const swallowing = createServer((socket) => socket.on('error', () => undefined).resume());
    swallowing.listen(0, '127.0.0.1');
    await once(swallowing, 'listening');
    const { port } = swallowing.address() as AddressInfo;
    await expect(openPlace({ url: `postgres://omoi:omoi@127.0.0.1:${port}/omoi` })).rejects.toMatchObject(
      notTaken,
    );
    swallowing.close();
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

  it('runs no effect and writes no more where PostgreSQL does not know what became of a commit', async () => {
    const url = urlOf(await kind.createPlace());
    const proxy = new LosesCommits(url);
    const unknown: string[] = [];
    const database = await openStateDatabase({
      url: await proxy.listen(url),
      clock: createSystemClock(),
      logger: silentLogger,
      role: 'server',
      onCommitUnknown: ({ code }) => unknown.push(code),
    });
    // As it answers for a transaction that is long gone by.
    await sql`create schema forgets`.execute(database.reader);
    await sql`create function forgets.txid_status(bigint) returns text language sql as 'select null::text'`.execute(
      database.reader,
    );
    await sql`alter database ${sql.id(new URL(url).pathname.slice(1))} set search_path = forgets, pg_catalog, public`.execute(
      database.reader,
    );
    const seen: string[] = [];
    proxy.loseNext('answer', { thenAway: true });
    const told = writeNoting(database, seen);
    await vi.waitFor(() => expect(proxy.refused).toBeGreaterThan(0), patience);
    proxy.comeBack();
    await expect(told).rejects.toMatchObject({ code: 'commit_unknown', retryable: false });
    expect([seen, unknown]).toEqual([[], ['commit_unknown']]);
    await expect(writeNoting(database, seen)).rejects.toMatchObject({ code: 'database_failed' });
    await database.close();
    proxy.close();
  });

  it('tells of commits in the order in which they were made, also where their answers come in another', async () => {
    const url = urlOf(await kind.createPlace());
    const proxy = new LosesCommits(url);
    const database = await openPlace({ url: await proxy.listen(url) });
    const told: string[] = [];
    await writeNoting(database, []);
    const set = (value: number) =>
      database.transaction(async (tx) => {
        await tx.db.updateTable('event_cursors').set({ last_event_id: value }).execute();
        tx.afterCommit(() => told.push(String(value)));
      });
    const written = async (): Promise<number | undefined> =>
      (await database.reader.selectFrom('event_cursors').select('last_event_id').executeTakeFirst())
        ?.last_event_id;
    const answer = proxy.holdNextAnswer();
    const first = set(1);
    await vi.waitFor(async () => expect(await written()).toBe(1), patience);
    const second = set(2);
    await vi.waitFor(async () => expect(await written()).toBe(2), patience);
    answer.release();
    await Promise.all([first, second]);
    expect(told).toEqual(['1', '2']);
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

  /** How long what has ended is kept where it is forgotten at once. */
  const soon = { endedAgentRetentionMs: 0, lockResourceRetentionMs: 0, endedAgentShownMs: 0 };

  it.each<{
    readonly what: string;
    readonly write: (tx: StateTransaction) => Promise<unknown>;
    readonly takeUp: (tx: StateTransaction) => Promise<unknown>;
    readonly table: 'event_cursors' | 'agents' | 'lock_resources';
    readonly forget: (database: StateDatabase, signal: AbortSignal) => Promise<unknown>;
  }>([
    {
      what: 'a row that has ended',
      table: 'event_cursors',
      write: (tx) =>
        tx.db
          .insertInto('event_cursors')
          .values({ consumer: 'a', last_event_id: 0, updated_at_ms: 1 })
          .execute(),
      takeUp: (tx) => tx.db.updateTable('event_cursors').set({ updated_at_ms: tx.nowMs }).execute(),
      forget: (database, signal) => {
        const rule = {
          table: 'event_cursors',
          key: 'consumer',
          timeColumn: 'updated_at_ms',
          keepMs: 1,
        } as const;
        const clock = createSystemClock();
        const jobs = retentionJobs(database, [rule], { clock });
        return Promise.all(jobs.map((job) => job.run(clock.wallMs(), signal)));
      },
    },
    {
      what: 'an agent that registers again',
      table: 'agents',
      write: async (tx) => {
        const ended = { status: 'TERMINATED', status_since_ms: 1, status_reason: 'left' } as const;
        await tx.db.updateTable('agents').set(ended).execute();
      },
      takeUp: (tx) =>
        tx.db.updateTable('agents').set({ status: 'IDLE', status_since_ms: tx.nowMs }).execute(),
      forget: (database, signal) => forgetIn(database, (fleet) => fleet.directory.forgetOld(signal)),
    },
    {
      what: 'a resource that is being locked',
      table: 'lock_resources',
      write: (tx) =>
        tx.db
          .insertInto('lock_resources')
          .values({ resource_type: 'file', resource_name: 'a', last_token: 7, touched_at_ms: 1 })
          .execute(),
      takeUp: (tx) => tx.db.updateTable('lock_resources').set({ touched_at_ms: tx.nowMs }).execute(),
      forget: (database, signal) => forgetIn(database, (fleet) => fleet.locks.deleteOld(signal)),
    },
  ])('does not forget $what meanwhile', async ({ table, write, takeUp, forget }) => {
    const place = await kind.createPlace();
    const database = await openPlace(place);
    if (table === 'agents') await forgetIn(database, ({ agents }) => agents.register(registration('a')));
    await database.transaction(write);
    const held = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const taken = database.transaction(async (tx) => {
      await takeUp(tx);
      held.resolve();
      await go.promise;
    });
    await held.promise;
    let isDone = false;
    const forgotten = forget(database, new AbortController().signal).then(() => (isDone = true));
    const waits = sql<{ waits: number }>`select count(*)::int as waits from pg_locks where not granted`;
    await vi.waitFor(async () => {
      const [row] = (await waits.execute(database.reader)).rows;
      expect(isDone || (row?.waits ?? 0) > 0).toBe(true);
    }, patience);
    go.resolve();
    await Promise.all([taken, forgotten]);
    expect(await database.reader.selectFrom(table).selectAll().execute()).toHaveLength(1);
    await database.close();
  });

  async function forgetIn<Result>(
    database: StateDatabase,
    work: (fleet: Awaited<ReturnType<typeof startTestFleet>>['fleet']) => Promise<Result>,
  ): Promise<Result> {
    const running = await startTestFleet(database, {
      clock: createSystemClock(),
      limits: soon,
      ticks: 'none',
    });
    try {
      return await work(running.fleet);
    } finally {
      await running.stop();
    }
  }

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

function urlOf(place: object): string {
  if ('url' in place && typeof place.url === 'string') return place.url;
  throw new Error('a PostgreSQL place has a URL');
}
