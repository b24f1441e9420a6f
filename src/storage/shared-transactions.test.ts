import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { OmoiError, VirtualClock } from '#telemetry';
import { SharedTransactions } from './shared-transactions.ts';

describe('transactions that requests share', () => {
  let database: StateDatabase;
  beforeEach(async () => {
    database = await openTestStateDatabase(new VirtualClock());
  });
  afterEach(() => database.close());

  /** Writes each request as a cursor and refuses 'bad' ones; keeps what came together. */
  function cursors(together: string[][]) {
    return new SharedTransactions<string, string>(database, async (tx, requests) => {
      together.push([...requests]);
      await tx.db
        .insertInto('event_cursors')
        .values(requests.map((consumer) => ({ consumer, last_event_id: 1, updated_at_ms: tx.nowMs })))
        .execute();
      return requests.map((request) =>
        request.startsWith('bad') ? new OmoiError('invalid_request', request) : `done ${request}`,
      );
    });
  }

  it('does a lone request at once, and together what came meanwhile, each with its own answer', async () => {
    const together: string[][] = [];
    const shared = cursors(together);
    const outcomes = await Promise.allSettled(['a', 'b', 'bad', 'c'].map((name) => shared.ask(name)));
    expect(together).toEqual([['a'], ['b', 'bad', 'c']]);
    expect(outcomes).toMatchObject([
      { value: 'done a' },
      { value: 'done b' },
      { reason: { code: 'invalid_request' } },
      { value: 'done c' },
    ]);
    await expect(shared.ask('d')).resolves.toBe('done d');
  });

  it('lets a request fail alone that makes its transaction fail', async () => {
    const together: string[][] = [];
    const shared = cursors(together);
    const outcomes = await Promise.allSettled(['a', 'b', 'a', 'c'].map((name) => shared.ask(name)));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect(together).toEqual([['a'], ['b', 'a', 'c'], ['b'], ['a'], ['c']]);
    await expect(shared.ask('d')).resolves.toBe('done d');
  });

  it('tells all of a transaction that the database is away, and asks it no more', async () => {
    let asked = 0;
    const shared = new SharedTransactions<string, string>(database, async (_tx, requests) => {
      if (asked++ > 0) throw new OmoiError('database_failed', 'it is away');
      return requests;
    });
    const outcomes = await Promise.allSettled(['a', 'b', 'c'].map((name) => shared.ask(name)));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(asked).toBe(2);
  });

  it('puts no more than a limit into one transaction', async () => {
    const together: string[][] = [];
    const shared = cursors(together);
    await Promise.all(Array.from({ length: 400 }, (_, number) => shared.ask(`request ${number}`)));
    expect(together.map((requests) => requests.length)).toEqual([1, 150, 150, 99]);
  });
});
