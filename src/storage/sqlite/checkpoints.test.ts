import { mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { silentLogger, VirtualClock } from '#telemetry';
import type { StateDatabase } from '../database.ts';
import { openStateDatabase } from '../open.ts';
import { Checkpoints, maxLogPages } from './checkpoints.ts';
import { SqliteConnections } from './sqlite-connections.ts';
import { WriteSession } from './write-session.ts';
import type { SqliteReply, WriteAheadLog } from './worker-protocol.ts';

const PAGE_BYTES = 4096;

/** A reply to a commit. */
const committed = (log: WriteAheadLog): SqliteReply => ({
  id: 1,
  ok: true,
  result: { rows: [], changes: null, lastInsertRowid: null },
  log,
});

const ignoreLength = (): void => {};

describe('checkpoints', () => {
  it.each([
    ['little waits', { pages: 9000, waiting: 999 }, 0],
    ['enough waits', { pages: 1000, waiting: 1000 }, 1],
    ['little waits of a log that is nearly full', { pages: 10_000, waiting: 200 }, 1],
    ['next to nothing waits of a log that is nearly full', { pages: 10_000, waiting: 199 }, 0],
  ])('are due where %s: %j', (_, log, expected) => {
    let asked = 0;
    const ask = (): Promise<SqliteReply> => {
      asked++;
      return new Promise(() => {});
    };
    new Checkpoints({ ask, close: async () => {} }, ignoreLength).noteCommit(committed(log));
    expect(asked).toBe(expected);
  });

  it('come one at a time, and again after one that failed', async () => {
    const asked: PromiseWithResolvers<SqliteReply>[] = [];
    const ask = (): Promise<SqliteReply> => {
      const answer = Promise.withResolvers<SqliteReply>();
      asked.push(answer);
      return answer.promise;
    };
    const checkpoints = new Checkpoints({ ask, close: async () => {} }, ignoreLength);
    const commit = (): void => checkpoints.noteCommit(committed({ pages: 5000, waiting: 5000 }));
    commit();
    commit();
    expect(asked).toHaveLength(1);
    asked[0]?.reject(new Error('disk full'));
    await Promise.allSettled([asked[0]?.promise]);
    commit();
    expect(asked).toHaveLength(2);
  });
});

it('a log that somebody keeps from beginning anew is told of once, and that it has begun anew', () => {
  const told: string[] = [];
  const thread = { ask: () => new Promise<never>(() => {}), close: async () => {} };
  const checkpoints = new Checkpoints(thread, (length) => void told.push(length));
  const commit = (pages: number): void => checkpoints.noteCommit(committed({ pages, waiting: 1 }));
  for (const pages of [10, maxLogPages + 500, 4 * maxLogPages]) commit(pages);
  expect(told).toEqual([]);
  for (const pages of [4 * maxLogPages + 1, 5 * maxLogPages, 2 * maxLogPages]) commit(pages);
  expect(told).toEqual(['overlong']);
  for (const pages of [10, 20]) commit(pages);
  expect(told).toEqual(['overlong', 'bounded']);
});

it('a commit whose log nobody can measure is answered as done all the same', () => {
  const directory = mkdtempSync(join(tmpdir(), 'omoi-commit-'));
  const connections = new SqliteConnections({ path: join(directory, 'a.sqlite'), synchronous: 'off' });
  const log = vi.spyOn(WriteSession.prototype, 'log').mockImplementation(() => {
    throw new Error('disk I/O error');
  });
  try {
    for (const id of [1, 2]) {
      expect(connections.answer({ op: 'begin', id })).toMatchObject({ ok: true });
      expect(connections.answer({ op: 'commit', id })).toEqual({
        id,
        ok: true,
        result: expect.anything(),
      });
    }
  } finally {
    log.mockRestore();
    connections.answer({ op: 'close', id: 3 });
    rmSync(directory, { recursive: true });
  }
});

describe('the write-ahead log of the state', () => {
  let directory: string;
  let database: StateDatabase;
  const asked = new Map<Worker, string[]>();
  const onWorker = (worker: Worker): void => {
    const ops: string[] = [];
    asked.set(worker, ops);
    const post = worker.postMessage.bind(worker);
    worker.postMessage = (requests: readonly { readonly op: string }[]) => {
      ops.push(...requests.map(({ op }) => op));
      post(requests);
    };
  };
  let rows = 0;
  const path = (): string => join(directory, 'state.sqlite');

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'omoi-checkpoints-'));
    process.on('worker', onWorker);
    database = await openStateDatabase({
      directory,
      clock: new VirtualClock(),
      logger: silentLogger,
      role: 'server',
    });
  });
  afterEach(async () => {
    process.off('worker', onWorker);
    asked.clear();
    await database.close();
    rmSync(directory, { recursive: true });
  });

  /** Commits rows that fill so many pages. */
  async function write(pages: number): Promise<void> {
    const filler = 'x'.repeat(PAGE_BYTES - 200);
    const values = Array.from({ length: pages }, () => ({
      consumer: `${++rows} ${filler}`,
      last_event_id: 1,
      updated_at_ms: 0,
    }));
    await database.transaction((tx) => tx.db.insertInto('event_cursors').values(values).execute());
  }

  function logLength(): Record<string, unknown> | undefined {
    const reader = new DatabaseSync(path(), { readOnly: true });
    try {
      return reader.prepare('PRAGMA wal_checkpoint(NOOP)').get();
    } finally {
      reader.close();
    }
  }

  it('is carried over by another thread than the one that commits', async () => {
    for (let commits = 0; commits < 3; commits++) await write(400);
    await expect
      .poll(logLength, { timeout: 60_000 })
      .toMatchObject({ checkpointed: expect.toSatisfy((pages: number) => pages >= 1000) });
    const threads = [...asked.values()];
    expect(threads.filter((ops) => ops.includes('checkpoint'))).toEqual([['checkpoint']]);
    expect(threads.filter((ops) => ops.includes('commit'))).toHaveLength(1);
  });

  it('is emptied where there is no room for more', () => {
    const session = new WriteSession({ path: path(), synchronous: 'full', maxLogPages });
    const insert = (bytes: number): unknown =>
      session.write('insert into event_cursors (consumer, last_event_id, updated_at_ms) values (?, 1, 0)', {
        parameters: ['x'.repeat(bytes)],
      });
    session.begin();
    session.savepoint();
    insert(100 * PAGE_BYTES);
    session.write('pragma max_page_count = 1', { parameters: [] });
    session.release();
    session.commit();
    expect(session.log().waiting).toBeGreaterThan(100);
    session.begin();
    session.savepoint();
    expect(() => insert(100 * PAGE_BYTES + 1)).toThrow('full');
    expect(() => session.commit()).toThrow('full');
    expect(session.log().waiting).toBe(0);
    session.close();
  });

  it('begins anew when it has its length, and while writing goes on', async () => {
    let longest = 0;
    // Beside others who want the CPUs what carries it over comes late.
    for (let written = 0; written < maxLogPages * 8; written += 400) {
      await write(400);
      const pages = Number(logLength()?.log);
      if (pages < longest) break;
      longest = pages;
    }
    expect(longest).toBeGreaterThan(maxLogPages / 2);
    expect(longest).toBeLessThan(maxLogPages * 7);
  });
});
