import { sql } from 'kysely';
import { beforeEach, describe, expect, it } from 'vitest';
import type { StateTransaction } from '#storage';
import { claimOf, heldBy, registration, task, useTestFleet } from '../fleet.test-support.ts';

const limits = { retryBaseMs: 1000, retryMaxMs: 1000, handoffKeptMs: 5000 };
const DESIGN = 'PHASE_DESIGN';

/** How many rows were changed by now: since the database was opened, on PostgreSQL since the transaction began. */
async function changesOf(tx: StateTransaction): Promise<number> {
  const count =
    tx.dialect === 'sqlite'
      ? sql<{ n: number }>`select total_changes() as n`
      : sql<{
          n: number;
        }>`select sum(n_tup_ins + n_tup_upd + n_tup_del)::int as n from pg_stat_xact_user_tables`;
  const { rows } = await count.execute(tx.db);
  return rows[0]?.n ?? 0;
}

/** How often PostgreSQL is asked for its clock, ms; where SQLite is, the server's is looked at with every tick. */
const ASK_EVERY_MS = 10_000;

describe('tasks that wait for their time', () => {
  /** How many tasks each transaction changed. */
  let changed: number[] = [];
  /** Which of the transactions to come fails, counted from 1. */
  let failing = 0;
  const test = useTestFleet({
    limits,
    around: (database) => ({
      ...database,
      transaction: (work, options) =>
        database.transaction(async (tx) => {
          const before = await changesOf(tx);
          const result = await work(tx);
          const changes = (await changesOf(tx)) - before;
          if (changes > 0 && --failing === 0) throw new Error('the disk is gone');
          changed.push(changes);
          return result;
        }, options),
    }),
  });

  beforeEach(async () => {
    for (const agentId of ['a', 'b']) {
      await test.fleet.agents.register(
        registration(agentId, { heartbeatIntervalMs: 3_600_000, heartbeatTtlMs: 36_000_000 }),
      );
    }
  });

  const isOnPostgres = () => test.database.dialect === 'postgres';
  /** The step of a clock is seen, and followed. */
  const follow = () => test.clock.advance(isOnPostgres() ? ASK_EVERY_MS + 500 : 500);

  const enqueue = (...types: string[]) =>
    test.fleet.tasks.enqueue(
      types.map((taskType) => task({ taskType })),
      null,
    );
  const claim = async (agentId = 'a', maxTasks = 1) =>
    (await test.fleet.tasks.claim(claimOf(agentId, { maxTasks }))).map((row) => row.task_type);
  async function fail(taskType: string): Promise<void> {
    const [claimed] = await test.fleet.tasks.claim(claimOf('a', { taskTypes: [taskType] }));
    if (!claimed) throw new Error(`${taskType} was not to be had`);
    await test.fleet.tasks.fail(heldBy('a', claimed.task_id), { error: 'no luck', retry: true });
  }

  it('come back to the place that their priority and age give them', async () => {
    await enqueue('oldest', 'middle', 'youngest');
    await fail('oldest');
    expect(await claim()).toEqual(['middle']);
    await test.clock.advance(limits.retryMaxMs);
    expect(await claim('a', 3)).toEqual(['oldest', 'youngest']);
  });

  it.each([-3_600_000, -20_000, 3_600_000])(
    'come back in time though the clock steps by %d ms',
    async (stepMs) => {
      await enqueue('oldest', 'handed');
      await fail('oldest');
      const [handed] = await test.fleet.tasks.claim(claimOf('a'));
      await test.fleet.tasks.handOff(heldBy('a', handed?.task_id ?? ''), { agentId: 'b', reason: null });
      test.clock.stepWallClock(stepMs);
      await follow();
      await test.clock.advance(limits.handoffKeptMs - 500);
      expect(await claim('a', 3)).toEqual(['oldest', 'handed']);
    },
  );

  it('come back no earlier where the clock is set forth', async ({ skip }) => {
    skip(isOnPostgres(), 'until its clock is asked they may');
    await enqueue('oldest');
    await fail('oldest');
    test.clock.stepWallClock(3_600_000);
    // Half of the pause is chance.
    await test.clock.advance(limits.retryBaseMs / 2 - 100);
    expect(await claim()).toEqual([]);
    await test.clock.advance(limits.retryMaxMs);
    expect(await claim()).toEqual(['oldest']);
  });

  it.each([-20_000, 3_600_000])(
    'wait for what is left to them where the clock steps by %d ms while the server is down',
    async (stepMs) => {
      await enqueue('handed');
      const [handed] = await test.fleet.tasks.claim(claimOf('a'));
      await test.fleet.tasks.handOff(heldBy('a', handed?.task_id ?? ''), { agentId: 'b', reason: null });
      await test.clock.advance(2000);
      await test.stop();
      test.clock.stepWallClock(stepMs);
      await test.start();
      await test.clock.advance(limits.handoffKeptMs - 2500);
      expect(await claim('a')).toEqual([]);
      await test.clock.advance(1000);
      expect(await claim('a')).toEqual(['handed']);
    },
  );

  it('come back after a reboot with a clock that was set back, however often', async () => {
    await enqueue('handed');
    const [handed] = await test.fleet.tasks.claim(claimOf('a'));
    await test.fleet.tasks.handOff(heldBy('a', handed?.task_id ?? ''), { agentId: 'b', reason: null });
    for (const passedMs of [3000, 1000]) {
      await test.stop();
      test.clock.reboot();
      // By less than a handed-over task is kept: it may have been kept for so long.
      test.clock.stepWallClock(-4000);
      await test.start();
      await test.clock.advance(passedMs);
      expect(await claim('a')).toEqual([]);
    }
    await test.clock.advance(limits.handoffKeptMs - 1000);
    expect(await claim('a')).toEqual(['handed']);
  });

  it('come back to a server that starts with a clock that was set back', async () => {
    await enqueue('oldest');
    await fail('oldest');
    await test.stop();
    test.clock.stepWallClock(-3_600_000);
    await test.start();
    await test.clock.advance(limits.retryMaxMs);
    expect(await claim()).toEqual(['oldest']);
  });

  describe('in great number', () => {
    const stepMs = -3_600_000;
    let dueAtMs = 0;

    beforeEach(async () => {
      for (let batch = 0; batch < 4; batch++) await enqueue(...Array.from({ length: 250 }, () => 'many'));
      dueAtMs = test.clock.wallMs() + limits.retryMaxMs;
      await test.database.transaction(async (tx) => {
        const ids = await tx.db.selectFrom('tasks').select('task_id').orderBy('task_id').execute();
        // Many at one time, others each at one of their own.
        await tx.db
          .updateTable('tasks')
          .set({ deferred_until_ms: dueAtMs, available_at_ms: dueAtMs })
          .execute();
        for (const [at, { task_id: id }] of ids.entries()) {
          const timeMs = dueAtMs + Math.max(0, at - 600);
          if (timeMs === dueAtMs) continue;
          const times = { deferred_until_ms: timeMs, available_at_ms: timeMs };
          await tx.db.updateTable('tasks').set(times).where('task_id', '=', id).execute();
        }
      });
      changed = [];
    });
    const times = async () => {
      const rows = await test.database.reader
        .selectFrom('tasks')
        .select(['deferred_until_ms', 'available_at_ms'])
        .execute();
      return rows
        .map((row) => {
          if (row.deferred_until_ms !== null) expect(row.available_at_ms).toBe(row.deferred_until_ms);
          return row.deferred_until_ms ?? 0;
        })
        .toSorted((a, b) => a - b);
    };
    const largest = (): number => Math.max(...changed);

    it.for([
      [0, stepMs],
      [1, stepMs],
      [3, stepMs],
      [0, -stepMs],
      [3, -stepMs],
    ] as const)(
      'follow a clock in small transactions, once each, also where the %dth fails, that is set by %d ms',
      async ([which, setByMs], { skip }) => {
        skip(isOnPostgres() && setByMs > 0, 'until its clock is asked they are due');
        const before = await times();
        failing = which;
        test.clock.stepWallClock(setByMs);
        await follow();
        expect(await times()).toEqual(before.map((timeMs) => timeMs + setByMs));
        expect(largest()).toBeLessThanOrEqual(250);
        expect(changed.filter((rows) => rows > 0)).toHaveLength(4);
      },
    );

    it('come back in small transactions to a server that starts with a clock that was set back', async () => {
      await test.stop();
      test.clock.stepWallClock(stepMs);
      await test.start();
      expect(await times()).toEqual(Array.from({ length: 1000 }, () => 0));
      expect(largest()).toBeLessThanOrEqual(250);
    });
  });

  it('come back from an agent for which they were kept but which did not ask', async () => {
    await enqueue('older', 'younger');
    const [older] = await test.fleet.tasks.claim(claimOf('a'));
    await test.fleet.tasks.handOff(heldBy('a', older?.task_id ?? ''), { agentId: 'b', reason: null });
    expect(await claim()).toEqual(['younger']);
    expect(await claim()).toEqual([]);
    await test.clock.advance(limits.handoffKeptMs);
    expect(await claim()).toEqual(['older']);
  });

  it('are found however many are due at once, and also by a server that has just started', async () => {
    for (let batch = 0; batch < 4; batch++) await enqueue(...Array.from({ length: 400 }, () => 'many'));
    await test.fleet.tasks.enqueue([task({ taskType: 'last', phaseId: DESIGN })], null);
    const dueAtMs = test.clock.wallMs() + 1000;
    await test.database.transaction(async (tx) => {
      const last = { deferred_until_ms: dueAtMs + 1, available_at_ms: dueAtMs + 1 };
      const many = { deferred_until_ms: dueAtMs, available_at_ms: dueAtMs };
      await tx.db.updateTable('tasks').set(many).where('task_type', '=', 'many').execute();
      await tx.db.updateTable('tasks').set(last).where('task_type', '=', 'last').execute();
    });
    await test.stop();
    await test.start();
    const waiting = test.fleet.tasks.claim(claimOf('a', { phaseIds: [DESIGN], waitMs: 10_000 }));
    await test.clock.advance(12_000);
    expect((await waiting).map((row) => row.task_type)).toEqual(['last']);
  });

  it('that are due in great number are nothing to a claim that takes none of them', async () => {
    for (let batch = 0; batch < 2; batch++) await enqueue(...Array.from({ length: 400 }, () => 'many'));
    await test.database.transaction((tx) =>
      tx.db.updateTable('tasks').set({ deferred_until_ms: test.clock.wallMs() }).execute(),
    );
    // So many are brought back by its transaction that more may be due.
    expect(await claim()).toEqual(['many']);
    let looks = 0;
    const signal = Object.defineProperty(new AbortController().signal, 'aborted', {
      // Who looks for ever would keep the event loop, and this test, for ever.
      get: () => ++looks > 1000,
    });
    const others = await test.fleet.tasks.claim(claimOf('b', { phaseIds: [DESIGN], signal }));
    expect({ others, looks }).toEqual({ others: [], looks: 1 });
  });

  it('are not walked past: a lane holds what may be claimed now and nothing else', async () => {
    await enqueue('first', 'second');
    await fail('first');
    const inLane = await test.database.reader
      .selectFrom('tasks')
      .select('task_type')
      .where('state', '=', 'queued')
      .where('deferred_until_ms', 'is', null)
      .execute();
    expect(inLane).toEqual([{ task_type: 'second' }]);
  });
});
