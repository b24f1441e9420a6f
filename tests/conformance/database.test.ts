import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  openStateDatabase,
  retentionJobs,
  stateRetention,
  type StateDatabase,
  type StateTransaction,
  UnforeseenRows,
} from '#storage';
import { createSystemClock, OmoiError, silentLogger } from '#telemetry';
import { DATABASE_KINDS } from './state-databases.ts';
import { openPlace, type StatePlace } from './state-places.ts';

describe.each(DATABASE_KINDS)('the state database on $name', (kind) => {
  describe.skipIf(!kind.available)('keeps its contract', () => {
    let place: StatePlace;
    let database: StateDatabase;
    beforeAll(() => kind.start());
    afterAll(() => kind.stop());
    beforeEach(async () => {
      place = await kind.createPlace();
      database = await openPlace(place);
    });
    afterEach(() => database.close());

    const insertion = (tx: StateTransaction, key: string, value = 1) =>
      tx.db
        .insertInto('event_cursors')
        .values({ consumer: key, last_event_id: value, updated_at_ms: tx.nowMs });
    const put = (tx: StateTransaction, key: string, value: number) => insertion(tx, key, value).execute();
    const raise = (tx: StateTransaction, key: string) =>
      tx.db
        .updateTable('event_cursors')
        .set((set) => ({ last_event_id: set('last_event_id', '+', 1) }))
        .where('consumer', '=', key)
        .returning('last_event_id')
        .compile();
    const read = async (db: Pick<StateDatabase['reader'], 'selectFrom'>): Promise<Record<string, number>> => {
      const rows = await db.selectFrom('event_cursors').selectAll().orderBy('consumer').execute();
      return Object.fromEntries(rows.map((row) => [row.consumer, row.last_event_id]));
    };

    it('keeps what was committed, also after it was closed and opened again', async () => {
      await expect(
        database.transaction(async (tx) => {
          await put(tx, 'a', 1);
          return 'result';
        }),
      ).resolves.toBe('result');
      expect(await read(database.reader)).toEqual({ a: 1 });
      await database.close();
      database = await openPlace(place);
      expect(await read(database.reader)).toEqual({ a: 1 });
    });

    it('keeps nothing of a transaction whose work threw, and passes the error on', async () => {
      const thrown = new Error('changed my mind');
      const failing = database.transaction(async (tx) => {
        await put(tx, 'a', 1);
        throw thrown;
      });
      await expect(failing).rejects.toBe(thrown);
      expect(await read(database.reader)).toEqual({});
    });

    it('shows a transaction its own writes and shows nobody else any before the commit', async () => {
      await database.transaction(async (tx) => {
        await put(tx, 'a', 1);
        expect(await read(tx.db)).toEqual({ a: 1 });
        // Read beside the transaction: the rule against awaiting anything else inside is broken on purpose.
        expect(await read(database.reader)).toEqual({});
      });
      expect(await read(database.reader)).toEqual({ a: 1 });
    });

    it('lets overlapping transactions count without losing one', async () => {
      await database.transaction((tx) => put(tx, 'counter', 0));
      const increment = () =>
        database.transaction(async (tx) => {
          const row = await tx.db
            .selectFrom('event_cursors')
            .select('last_event_id')
            .where('consumer', '=', 'counter')
            .forUpdate()
            .executeTakeFirstOrThrow();
          await tx.db
            .updateTable('event_cursors')
            .set({ last_event_id: row.last_event_id + 1 })
            .where('consumer', '=', 'counter')
            .execute();
        });
      await Promise.all(Array.from({ length: 60 }, increment));
      expect(await read(database.reader)).toEqual({ counter: 60 });
    });

    it('rolls one back while its neighbours commit', async () => {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 90 }, (_, at) =>
          database.transaction(async (tx) => {
            await put(tx, `key-${at}`, at);
            if (at % 3 === 0) throw new Error('on purpose');
            if (at % 3 === 1) await put(tx, `key-${at}`, at);
          }),
        ),
      );
      const committed = Object.keys(await read(database.reader));
      expect(committed.sort()).toEqual(Array.from({ length: 30 }, (_, at) => `key-${at * 3 + 2}`).sort());
      expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(30);
    });

    it('commits many small transactions at once, each exactly once', async () => {
      // As many as get their turns on a busy machine before one has waited too long for a connection.
      for (let from = 0; from < 500; from += 100) {
        await Promise.all(
          Array.from({ length: 100 }, (_, at) =>
            database.transaction((tx) => put(tx, `k${from + at}`, from + at)),
          ),
        );
      }
      const rows = await database.reader
        .selectFrom('event_cursors')
        .select((row) => [
          row.fn.countAll<number>().as('count'),
          row.fn.sum<number>('last_event_id').as('sum'),
        ])
        .execute();
      expect(rows).toEqual([{ count: 500, sum: (499 * 500) / 2 }]);
    });

    it('runs what is left for the commit behind the rest, and tells its rows before the effects', async () => {
      const seen: unknown[] = [];
      await database.transaction(async (tx) => {
        tx.afterCommit(() => seen.push('effect'));
        tx.atCommit(raise(tx, 'a'), { onRows: (rows) => seen.push(rows) });
        await put(tx, 'a', 1);
      });
      expect(seen).toEqual([[{ last_event_id: 2 }], 'effect']);
      expect(await read(database.reader)).toEqual({ a: 2 });
    });

    it('keeps nothing of a transaction where what was left for the commit fails, and its neighbours whole', async () => {
      const effects: string[] = [];
      const outcomes = await Promise.allSettled(
        Array.from({ length: 9 }, (_, at) =>
          database.transaction(async (tx) => {
            tx.afterCommit(() => effects.push(`committed ${at}`));
            tx.afterRollback(() => effects.push(`rolled back ${at}`));
            await put(tx, `key-${at}`, 1);
            tx.atCommit(raise(tx, `key-${at}`));
            // A key that is there already.
            if (at % 3 === 0) tx.atCommit(insertion(tx, `key-${at}`).compile());
            tx.atCommit(raise(tx, `key-${at}`));
          }),
        ),
      );
      const ended = Array.from({ length: 9 }, (_, at) => ({ at, fails: at % 3 === 0 }));
      expect(outcomes.map(({ status }) => status === 'rejected')).toEqual(ended.map(({ fails }) => fails));
      expect(effects.sort()).toEqual(
        ended.map(({ at, fails }) => `${fails ? 'rolled back' : 'committed'} ${at}`).sort(),
      );
      expect(await read(database.reader)).toEqual(
        Object.fromEntries(ended.filter(({ fails }) => !fails).map(({ at }) => [`key-${at}`, 3])),
      );
    });

    it('changes nothing where another number of rows comes back than was foreseen, and keeps its neighbours', async () => {
      await database.transaction((tx) => put(tx, 'there', 1));
      const outcomes = await Promise.allSettled(
        ['missing', 'there', 'missing too'].map((key) =>
          database.transaction(async (tx) => {
            tx.atCommit(insertion(tx, `beside ${key}`).compile());
            tx.atCommit(raise(tx, key), { foreseen: 1 });
            tx.atCommit(raise(tx, `beside ${key}`));
          }),
        ),
      );
      expect(outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason : null))).toEqual([
        expect.any(UnforeseenRows),
        null,
        expect.any(UnforeseenRows),
      ]);
      await database.transaction((tx) => put(tx, 'later', 5));
      expect(await read(database.reader)).toEqual({ there: 2, 'beside there': 2, later: 5 });
    });

    it('keeps nothing of what was left for the commit where the work throws after it', async () => {
      await database.transaction((tx) => put(tx, 'a', 1));
      const failing = database.transaction(async (tx) => {
        tx.atCommit(raise(tx, 'a'));
        throw new Error('changed my mind');
      });
      await expect(failing).rejects.toThrow('changed my mind');
      expect(await read(database.reader)).toEqual({ a: 1 });
    });

    it('runs effects after the commit, in order, and none of what was rolled back', async () => {
      const seen: string[] = [];
      const run = (name: string, fail: boolean) =>
        database.transaction(async (tx) => {
          await put(tx, name, 1);
          tx.afterCommit(() => seen.push(`${name}-1`));
          tx.afterCommit(() => seen.push(`${name}-2`));
          if (fail) throw new Error('on purpose');
        });
      await run('a', false);
      await run('b', true).catch(() => undefined);
      expect(seen).toEqual(['a-1', 'a-2']);
      let atEffect: Promise<Record<string, number>> | undefined;
      await database.transaction(async (tx) => {
        await put(tx, 'c', 1);
        tx.afterCommit(() => {
          atEffect = read(database.reader);
        });
      });
      expect(Object.keys((await atEffect) ?? {})).toEqual(['a', 'c']);
    });

    it('tells the time of a transaction in whole ms', async () => {
      const nowMs = await database.transaction(async (tx) => tx.nowMs);
      expect(Number.isInteger(nowMs)).toBe(true);
      expect(Math.abs(nowMs - Date.now())).toBeLessThan(10_000);
    });

    it('takes any text, and writes none that it would refuse for ever', async () => {
      const text = 'a\0b\uD800c';
      const payload = JSON.stringify({ text });
      await database.transaction((tx) =>
        tx.db
          .insertInto('event_cursors')
          .values({ consumer: text, last_event_id: 0, updated_at_ms: 0 })
          .execute(),
      );
      const rows = await database.reader
        .selectFrom('event_cursors')
        .select('consumer')
        .select((select) => select.val(payload).as('payload'))
        .execute();
      expect(rows).toHaveLength(1);
      expect(rows[0]?.consumer).toMatch(/^a[\0\uFFFD]b\uFFFDc$/u);
      expect(rows[0]?.payload).toBe(payload);
    });

    it('reads large integers as numbers', async () => {
      await database.transaction((tx) => put(tx, 'big', Number.MAX_SAFE_INTEGER));
      expect(await read(database.reader)).toEqual({ big: Number.MAX_SAFE_INTEGER });
    });

    const day = 86_400_000;
    const rules = stateRetention({
      eventsMs: day,
      alertsMs: day,
      anomaliesMs: day,
      remediationsMs: day,
      tasksMs: day,
      auditMs: day,
    });
    it.each(rules.map((rule) => rule.table))('lets retention run on %s', async (table) => {
      const [job] = retentionJobs(
        database,
        rules.filter((rule) => rule.table === table),
        { clock: createSystemClock() },
      );
      await expect(job?.run(Date.now(), new AbortController().signal)).resolves.toBe(0);
    });

    it('refuses everything with a coded error once it is closed', async () => {
      const running = database.transaction((tx) => put(tx, 'last', 1));
      const closed = database.close();
      await expect(database.transaction((tx) => put(tx, 'late', 1))).rejects.toMatchObject({
        code: 'shutting_down',
      });
      await running;
      await closed;
      await expect(read(database.reader)).rejects.toMatchObject({ code: 'shutting_down' });
      await database.close();
    });

    it('refuses a second server and names the first', async () => {
      const second = openPlace(place);
      await expect(second).rejects.toBeInstanceOf(OmoiError);
      await expect(second).rejects.toMatchObject({ code: 'database_busy' });
      await expect(second).rejects.toThrow(String(process.pid));
      await database.close();
      database = await openPlace(place);
    });

    it('lets a tool in beside the server', async () => {
      const tool = await openStateDatabase({
        ...place,
        clock: createSystemClock(),
        logger: silentLogger,
        role: 'tool',
      });
      await Promise.all([
        tool.transaction((tx) => put(tx, 'of the tool', 1)),
        database.transaction((tx) => put(tx, 'of the server', 2)),
      ]);
      await tool.close();
      expect(await read(database.reader)).toEqual({ 'of the server': 2, 'of the tool': 1 });
      await expect(openPlace(place)).rejects.toMatchObject({ code: 'database_busy' });
    });

    it('is free again after its server was killed', async () => {
      await database.close();
      const script = fileURLToPath(new URL('./hold-database.ts', import.meta.url));
      const holder = spawn(process.execPath, ['--conditions=omoi-source', script, JSON.stringify(place)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(holder.stdout, 'data');
      await expect(openPlace(place)).rejects.toThrow(String(holder.pid));
      const ended = once(holder, 'exit');
      holder.kill('SIGKILL');
      await ended;
      database = await openPlace(place);
      expect(await read(database.reader)).toEqual({ held: 1 });
    });
  });
});
