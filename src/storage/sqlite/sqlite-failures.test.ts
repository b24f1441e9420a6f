import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OmoiError, silentLogger, VirtualClock } from '#telemetry';
import type { StateDatabase, StateTransaction } from '../database.ts';
import { openStateDatabase, openTelemetryDatabase } from '../open.ts';
import { CommitQueue } from './commit-queue.ts';
import type { SqliteReply } from './worker-protocol.ts';

describe('a SQLite database in trouble', () => {
  let database: StateDatabase;
  let directory: string;
  let threads: Worker[];
  const onThread = (worker: Worker): void => void threads.push(worker);
  beforeEach(async () => {
    threads = [];
    process.on('worker', onThread);
    directory = mkdtempSync(join(tmpdir(), 'omoi-sqlite-'));
    database = await openStateDatabase({
      directory,
      clock: new VirtualClock(),
      logger: silentLogger,
      role: 'server',
    });
  });
  afterEach(async () => {
    process.off('worker', onThread);
    await database.close();
    rmSync(directory, { recursive: true });
  });

  const put = (tx: StateTransaction, key: string) =>
    tx.db.insertInto('event_cursors').values({ consumer: key, last_event_id: 1, updated_at_ms: 0 }).execute();
  const keys = async () =>
    (await database.reader.selectFrom('event_cursors').select('consumer').execute()).map(
      (row) => row.consumer,
    );

  it('answers a full disk with storage_full and writes again when there is room', async () => {
    const pages = await database.reader
      .selectNoFrom(sql<number>`(select page_count from pragma_page_count)`.as('count'))
      .executeTakeFirstOrThrow();
    const limitPages = (count: number) =>
      database.transaction((tx) => sql`pragma max_page_count = ${sql.lit(count)}`.execute(tx.db));
    await limitPages(pages.count);
    const outcomes = await Promise.allSettled([
      database.transaction((tx) => put(tx, 'small before')),
      database.transaction((tx) => put(tx, 'large'.repeat(100_000))),
      database.transaction((tx) => put(tx, 'small after')),
    ]);
    expect(outcomes[1]).toMatchObject({ status: 'rejected', reason: { code: 'storage_full' } });
    // Whatever was answered as done is there, and nothing else.
    const expected = ['small before', 'small after'].filter(
      (_, at) => outcomes[at * 2]?.status === 'fulfilled',
    );
    expect((await keys()).sort()).toEqual(expected.sort());
    await limitPages(1_000_000);
    await database.transaction((tx) => put(tx, 'large'.repeat(100_000)));
    expect(await keys()).toHaveLength(expected.length + 1);
  });

  it('answers what a dead thread was asked with database_failed, and starts another', async () => {
    const interrupted = database.transaction(async (tx) => {
      await put(tx, 'lost with the thread');
      await Promise.all([threads[0]?.terminate(), put(tx, 'never answered')]);
    });
    const waiting = database.transaction((tx) => put(tx, 'next in turn'));
    await expect(interrupted).rejects.toMatchObject({ code: 'database_failed' });
    await expect(waiting).rejects.toMatchObject({ code: 'database_failed' });
    await database.transaction((tx) => put(tx, 'afterwards'));
    expect(await keys()).toEqual(['afterwards']);
    // The one that died, and the one in its place, which reads too as long as it has nothing to write.
    expect(threads).toHaveLength(2);
  });
});

describe('the lock of a data directory', () => {
  it('is held by the thread that follows one that died', async () => {
    const threads: Worker[] = [];
    const onThread = (worker: Worker): void => void threads.push(worker);
    process.on('worker', onThread);
    const directory = mkdtempSync(join(tmpdir(), 'omoi-sqlite-'));
    const options = { directory, clock: new VirtualClock(), logger: silentLogger, role: 'server' } as const;
    const database = await openStateDatabase(options);
    try {
      await threads[0]?.terminate();
      await database.transaction((tx) => tx.db.deleteFrom('event_cursors').execute());
      expect(threads).toHaveLength(2);
      await expect(openStateDatabase(options)).rejects.toMatchObject({
        code: 'database_busy',
        details: { pid: process.pid },
      });
    } finally {
      process.off('worker', onThread);
      await database.close();
    }
    const next = await openStateDatabase(options);
    await next.close();
    rmSync(directory, { recursive: true });
  });
});

describe('the reading thread of the state', () => {
  let threads: Worker[];
  /** The thread that each message went to. */
  let asked: Worker[];
  let directory: string;
  let database: StateDatabase;
  const clock = new VirtualClock();
  const onThread = (worker: Worker): void => {
    threads.push(worker);
    const post = worker.postMessage.bind(worker);
    worker.postMessage = (message: unknown) => {
      asked.push(worker);
      post(message);
    };
  };
  beforeEach(async () => {
    threads = [];
    asked = [];
    process.on('worker', onThread);
    directory = mkdtempSync(join(tmpdir(), 'omoi-sqlite-'));
    database = await openStateDatabase({ directory, clock, logger: silentLogger, role: 'server' });
  });
  afterEach(async () => {
    process.off('worker', onThread);
    await database.close();
    rmSync(directory, { recursive: true });
  });

  const read = () => database.reader.selectFrom('event_cursors').select('consumer').execute();
  const put = (tx: StateTransaction) =>
    tx.db.insertInto('event_cursors').values({ consumer: 'a', last_event_id: 1, updated_at_ms: 0 }).execute();

  /** A read that comes while the writing thread works; it sees nothing of what is not committed. */
  const meet = () =>
    database.transaction(async (tx) => {
      const written = put(tx);
      expect(await read()).toEqual([]);
      await written;
      await tx.db.deleteFrom('event_cursors').execute();
    });
  /** The thread that ends when nobody asks it, whatever the start of the database has asked of it. */
  const calm = async () => {
    const [, reader] = threads;
    const ended = reader && new Promise((resolve) => reader.once('exit', resolve));
    await clock.advance(30_000);
    await ended;
    threads.length = 0;
  };

  it('is not there while reads and writes do not meet', async () => {
    await calm();
    await database.transaction(put);
    expect(await read()).toEqual([{ consumer: 'a' }]);
    await Promise.all([read(), read(), read()]);
    expect(threads).toHaveLength(0);
  });

  it('starts when they do, without a read that waits for it, and is asked all when it is up', async () => {
    await calm();
    await meet();
    expect(threads).toHaveLength(1);
    const [reader] = threads;
    // Its first question is whether it is up.
    while (asked.filter((thread) => thread === reader).length < 2) await read();
    await database.transaction(put);
    expect(await read()).toEqual([{ consumer: 'a' }]);
    const ended = once(reader ?? process, 'exit');
    await clock.advance(20_000);
    await read();
    await clock.advance(20_000);
    expect(await read()).toEqual([{ consumer: 'a' }]);
    await clock.advance(30_000);
    await ended;
    expect(await read()).toEqual([{ consumer: 'a' }]);
    expect(threads).toHaveLength(1);
  });

  it('starts for more reads at once than a few, so that no write waits for many', async () => {
    await calm();
    await Promise.all(Array.from({ length: 6 }, read));
    expect(threads).toHaveLength(1);
  });
});

describe('the reading thread of the telemetry', () => {
  it('ends when nobody has asked it for long, and starts again for the next question', async () => {
    const threads: Worker[] = [];
    const onThread = (worker: Worker): void => void threads.push(worker);
    process.on('worker', onThread);
    const directory = mkdtempSync(join(tmpdir(), 'omoi-sqlite-'));
    const clock = new VirtualClock();
    const database = await openTelemetryDatabase({ directory, clock, logger: silentLogger, role: 'server' });
    const read = () => database.reader.selectFrom('tsdb_series').selectAll().execute();
    const write = () => database.transaction((tx) => tx.db.deleteFrom('tsdb_series').execute());
    try {
      expect(threads).toHaveLength(1);
      await read();
      await clock.advance(20_000);
      await read();
      const [, reader] = threads;
      const ended = new Promise((resolve) => reader?.once('exit', resolve));
      await clock.advance(20_000);
      await read();
      expect(threads).toHaveLength(2);
      await clock.advance(30_000);
      await ended;
      await write();
      expect(await read()).toEqual([]);
      expect(threads).toHaveLength(3);
    } finally {
      process.off('worker', onThread);
      await database.close();
      rmSync(directory, { recursive: true });
    }
  });
});

describe('the commit queue', () => {
  /** A thread that writes down what it is asked and answers as told. */
  function scripted(answerTo: (op: string, at: number) => 'ok' | 'disk full' | 'gone') {
    const asked: string[] = [];
    return {
      asked,
      async ask({ op }: { readonly op: string }): Promise<SqliteReply> {
        await Promise.resolve();
        const answer = answerTo(op, asked.filter((earlier) => earlier === op).length);
        asked.push(op);
        if (answer === 'gone') throw new Error('the thread died');
        return answer === 'ok'
          ? { id: 1, ok: true, result: { rows: [], changes: null, lastInsertRowid: null } }
          : { id: 1, ok: false, failure: { message: 'full', resultCode: 13 } };
      },
    };
  }
  const queueOn = (thread: ReturnType<typeof scripted>, clock = new VirtualClock()) =>
    new CommitQueue({ thread, path: 'state.sqlite', clock, logger: silentLogger });

  it('lets all that wait share one commit and answers none before it', async () => {
    const thread = scripted(() => 'ok');
    const queue = queueOn(thread);
    const commitsWhenAnswered: number[] = [];
    await Promise.all(
      Array.from({ length: 20 }, () =>
        queue
          .enqueue(async () => undefined)
          .then(() => commitsWhenAnswered.push(thread.asked.filter((op) => op === 'commit').length)),
      ),
    );
    expect(thread.asked).toEqual(['begin', 'commit']);
    expect(new Set(commitsWhenAnswered)).toEqual(new Set([1]));
  });

  it('tells that an urgent transaction runs, or waits behind one that is not', async () => {
    const queue = queueOn(scripted(() => 'ok'));
    const seen: boolean[] = [];
    const look = async (): Promise<void> => void seen.push(queue.hasUrgent);
    const running = Promise.withResolvers<void>();
    const first = queue.enqueue(async () => {
      await running.promise;
      await look();
    });
    const others = [queue.enqueue(look, { urgent: true }), queue.enqueue(look)];
    running.resolve();
    await Promise.all([first, ...others]);
    expect(seen).toEqual([true, true, false]);
    expect(queue.hasUrgent).toBe(false);
  });

  it('commits a group that takes long, and goes on with the next', async () => {
    const clock = new VirtualClock();
    const thread = scripted(() => 'ok');
    const queue = queueOn(thread, clock);
    await Promise.all(Array.from({ length: 6 }, () => queue.enqueue(() => clock.advance(2))));
    expect(thread.asked.filter((op) => op === 'commit')).toHaveLength(3);
  });

  it.each([
    ['a commit that fails', 'commit', 'disk full', 'storage_full'],
    ['a thread that dies at the commit', 'commit', 'gone', undefined],
    ['a begin that fails', 'begin', 'disk full', 'storage_full'],
  ] as const)('rejects everyone in %s, runs no effect, and goes on', async (_what, op, answer, code) => {
    const thread = scripted((asked, at) => (asked === op && at === 0 ? answer : 'ok'));
    const queue = queueOn(thread);
    const effects: string[] = [];
    const rolledBack: number[] = [];
    const outcomes = await Promise.allSettled(
      Array.from({ length: 3 }, (_, at) =>
        queue.enqueue(async ({ afterCommit, afterRollback }) => {
          afterCommit(() => effects.push(`effect ${at}`));
          afterRollback(() => rolledBack.push(at));
        }),
      ),
    );
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: code ? { code } : {} });
    }
    expect(effects).toEqual([]);
    expect(rolledBack).toEqual([0, 1, 2]);
    await expect(queue.enqueue(async () => 'next')).resolves.toBe('next');
  });

  it('runs neither kind of effect where nobody knows whether a commit is on disk, and says so', async () => {
    const unknown = new OmoiError('commit_unknown', 'the thread died within a commit');
    const thread = {
      async ask({ op }: { readonly op: 'begin' | 'commit' }): Promise<SqliteReply> {
        if (op === 'commit') throw unknown;
        return { id: 1, ok: true, result: { rows: [], changes: null, lastInsertRowid: null } };
      },
    };
    const told: OmoiError[] = [];
    const queue = new CommitQueue({
      thread,
      path: 'state.sqlite',
      clock: new VirtualClock(),
      logger: silentLogger,
      onCommitUnknown: (error) => told.push(error),
    });
    const effects: string[] = [];
    const done = (name: string, fails: boolean) =>
      queue.enqueue(async ({ afterCommit, afterRollback }, expectAnswer) => {
        afterCommit(() => effects.push(`${name} is there`));
        afterRollback(() => effects.push(`${name} is not there`));
        expectAnswer(Promise.reject(new OmoiError('database_failed', 'the thread died')));
        if (fails) throw new Error('by itself');
      });
    const outcomes = await Promise.allSettled([done('one', false), done('undone', true)]);
    expect(outcomes).toMatchObject([
      { status: 'rejected', reason: { code: 'commit_unknown' } },
      { status: 'rejected', reason: { message: 'by itself' } },
    ]);
    expect(effects).toEqual(['undone is not there']);
    expect(told).toEqual([unknown]);
  });

  it('keeps the error of a transaction that failed by itself when its commit fails too', async () => {
    const queue = queueOn(scripted((op) => (op === 'commit' ? 'disk full' : 'ok')));
    const own = queue.enqueue(async () => {
      throw new Error('its own');
    });
    await expect(own).rejects.toThrow('its own');
  });

  it('refuses more than it may hold', async () => {
    const queue = queueOn(scripted(() => 'ok'));
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20_002 }, () => queue.enqueue(async () => undefined)),
    );
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]).toMatchObject({ reason: { code: 'database_failed' } });
    expect(outcomes.length - refused.length).toBeGreaterThanOrEqual(20_000);
  });
});
