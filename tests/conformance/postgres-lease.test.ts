import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Leadership, openStateDatabase, type StateDatabase } from '#storage';
import { createSystemClock, silentLogger, VirtualClock } from '#telemetry';
import { LosesCommits } from './lost-commits.ts';
import { postgresKind } from './state-databases.ts';
import { openPlace } from './state-places.ts';
import { count, patience, urlOf } from './postgres.test-support.ts';

const kind = postgresKind();

describe.skipIf(!kind.available)('a state database on PostgreSQL', () => {
  beforeAll(() => kind.start());
  afterAll(() => kind.stop());

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
});
