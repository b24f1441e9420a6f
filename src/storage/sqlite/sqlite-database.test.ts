import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger, VirtualClock } from '#telemetry';
import type { StateDatabase } from '../database.ts';
import { openStateDatabase, openTelemetryDatabase } from '../open.ts';

let database: StateDatabase;
let directory: string;
const open = async (): Promise<void> => {
  database = await openStateDatabase({
    directory,
    clock: new VirtualClock(),
    logger: silentLogger,
    role: 'server',
  });
};
const reopen = async (): Promise<void> => {
  await database.close();
  await open();
};
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'omoi-sqlite-'));
  await open();
});
afterEach(async () => {
  await database.close();
  rmSync(directory, { recursive: true });
});

const cursor = (consumer: string, id: number) => ({ consumer, last_event_id: id, updated_at_ms: 0 });

/** The priority (`nice`) of each thread of this process that has a SQLite database. */
function nicenessOfThreads(): number[] {
  return readdirSync('/proc/self/task').flatMap((thread) => {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8');
    // Its name stands in parentheses; 17 fields later comes the priority.
    const [, name, rest = ''] = /^\d+ \((.*)\) (.*)$/s.exec(stat) ?? [];
    return name === 'omoi-sqlite' ? [Number(rest.split(' ')[16])] : [];
  });
}

describe('a SQLite database', () => {
  it.runIf(process.platform === 'linux')(
    'lets the thread of the state go before that of telemetry',
    async () => {
      // Whoever runs the tests may have put all of them into the background.
      const own = getPriority();
      expect(nicenessOfThreads()).toEqual([own]);
      const telemetry = await openTelemetryDatabase({
        directory,
        clock: new VirtualClock(),
        logger: silentLogger,
        role: 'server',
      });
      expect(nicenessOfThreads().toSorted((a, b) => a - b)).toEqual([own, Math.max(own, 10)]);
      await telemetry.close();
    },
  );

  it('refuses a transaction inside another one instead of waiting forever', async () => {
    const nested = database.transaction(() => database.transaction(async () => 1));
    await expect(nested).rejects.toThrow('inside another');
  });

  it('lets an effect of a commit start a transaction', async () => {
    const later = new Promise<number>((resolve, reject) => {
      database
        .transaction(async (tx) => {
          tx.afterCommit(() => void database.transaction(async () => 7).then(resolve, reject));
        })
        .catch(reject);
    });
    await expect(later).resolves.toBe(7);
  });

  it('goes on after an effect threw', async () => {
    const ran: string[] = [];
    await database.transaction(async (tx) => {
      tx.afterCommit(() => {
        throw new Error('broken effect');
      });
      tx.afterCommit(() => ran.push('second'));
    });
    expect(ran).toEqual(['second']);
  });

  it('does not let the reader write', async () => {
    await expect(
      database.reader.insertInto('event_cursors').values(cursor('a', 1)).execute(),
    ).rejects.toThrow('readonly');
    await expect(database.reader.transaction().execute(async () => 1)).rejects.toThrow('no transactions');
  });

  it('refuses what is no database value and keeps working', async () => {
    await expect(
      database.transaction((tx) =>
        tx.db
          .insertInto('event_cursors')
          // @ts-expect-error a symbol is no value of a database
          .values(cursor(Symbol('none'), 1))
          .execute(),
      ),
    ).rejects.toThrow('not a database value');
    await expect(database.transaction(async () => 'next')).resolves.toBe('next');
  });

  it('does statements that go together in their order, and refuses what is no value among them alone', async () => {
    const outcomes = await database.transaction((tx) => {
      const put = (name: string, id: unknown) =>
        tx.db
          .insertInto('event_cursors')
          // @ts-expect-error what it is is unknown here
          .values(cursor(name, id))
          .execute();
      const read = tx.db.selectFrom('event_cursors').select('consumer').orderBy('consumer');
      return Promise.allSettled([put('a', 1), put('b', Symbol('none')), read.execute(), put('c', 2)]);
    });
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect(outcomes[2]).toMatchObject({ value: [{ consumer: 'a' }] });
    const kept = await database.reader.selectFrom('event_cursors').select('consumer').execute();
    expect(kept.map(({ consumer }) => consumer).sort()).toEqual(['a', 'c']);
  });

  it('takes `for update` as said by the queue already', async () => {
    const rows = await database.transaction((tx) =>
      tx.db.selectFrom('event_cursors').selectAll().forUpdate().skipLocked().execute(),
    );
    expect(rows).toEqual([]);
  });

  it('is asked once by a transaction that leaves all for the commit', async () => {
    const asked: string[][] = [];
    const onWorker = (worker: Worker): void => {
      const post = worker.postMessage.bind(worker);
      worker.postMessage = (requests: readonly { readonly op: string }[]) => {
        asked.push(requests.map(({ op }) => op));
        post(requests);
      };
    };
    process.on('worker', onWorker);
    try {
      await reopen();
      await database.transaction(async () => undefined);
      asked.length = 0;
      await database.transaction(async (tx) => {
        for (const name of ['a', 'b']) {
          tx.atCommit(tx.db.insertInto('event_cursors').values(cursor(name, 1)).compile());
        }
      });
      expect(asked).toEqual([['begin', 'savepoint', 'write', 'write', 'release', 'commit']]);
    } finally {
      process.off('worker', onWorker);
    }
  });

  it('fails the work that leaves for the commit what is no database value', async () => {
    const failing = database.transaction(async (tx) => {
      const statement = tx.db.insertInto('event_cursors').values(cursor('a', 1)).compile();
      tx.atCommit({ ...statement, parameters: [Symbol('none'), 1, 0] });
    });
    await expect(failing).rejects.toThrow('not a database value');
    expect(await database.reader.selectFrom('event_cursors').selectAll().execute()).toEqual([]);
  });
});
