import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createEventBus } from '#eventbus';
import { openStateDatabase, retentionJobs, type StateDatabase, type StateTransaction } from '#storage';
import { createSeededRandom, createSystemClock, SelfMetrics, silentLogger, type Logger } from '#telemetry';
import { newEpisode } from '../../src/alerting/alerts/episode.test-support.ts';
import { refreshAlerts } from '../../src/alerting/alerts/alert-refresh.ts';
import { EpisodeWriter } from '../../src/alerting/alerts/episode-writer.ts';
import { registration, startTestFleet } from '../../src/fleet/fleet.test-support.ts';
import { createAlertReader } from '../../src/server/alert-reader.ts';
import { noticeOutages } from '../../src/server/noticed-outages.ts';
import { LosesCommits } from './lost-commits.ts';
import { postgresKind } from './state-databases.ts';
import { openPlace } from './state-places.ts';
import { patience, urlOf, writeNoting } from './postgres.test-support.ts';

const kind = postgresKind();

describe.skipIf(!kind.available)('a state database on PostgreSQL', () => {
  beforeAll(() => kind.start());
  afterAll(() => kind.stop());

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

  /** How long what has ended is kept: what a test writes as of 1970 is older, what it takes up is not. */
  const hourMs = 3_600_000;
  const limits = {
    endedAgentRetentionMs: hourMs,
    lockResourceRetentionMs: hourMs,
    endedAgentShownMs: hourMs,
  };

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
          keepMs: hourMs,
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
      limits,
      ticks: 'none',
    });
    try {
      return await work(running.fleet);
    } finally {
      await running.stop();
    }
  }
});
