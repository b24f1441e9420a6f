import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openStateDatabase } from '#storage';
import { createSystemClock, OmoiError, silentLogger, VirtualClock } from '#telemetry';
import { LosesCommits } from './lost-commits.ts';
import { postgresKind } from './state-databases.ts';
import { openPlace } from './state-places.ts';
import { count, patience, urlOf, writeNoting } from './postgres.test-support.ts';

const kind = postgresKind();

describe.skipIf(!kind.available)('a state database on PostgreSQL', () => {
  beforeAll(() => kind.start());
  afterAll(() => kind.stop());

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
      await vi.waitFor(() => expect(proxy.lost).toBe(1), patience);
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
});
