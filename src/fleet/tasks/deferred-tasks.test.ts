import { beforeEach, describe, expect, it } from 'vitest';
import { claimOf, heldBy, registration, task, useTestFleet } from '../fleet.test-support.ts';

const limits = { retryBaseMs: 1000, retryMaxMs: 1000, handoffKeptMs: 5000 };
const DESIGN = 'PHASE_DESIGN';

describe('tasks that wait for their time', () => {
  const test = useTestFleet({ limits });

  beforeEach(async () => {
    for (const agentId of ['a', 'b']) {
      await test.fleet.agents.register(
        registration(agentId, { heartbeatIntervalMs: 3_600_000, heartbeatTtlMs: 36_000_000 }),
      );
    }
  });

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
      await test.clock.advance(limits.handoffKeptMs);
      expect(await claim('a', 3)).toEqual(['oldest', 'handed']);
    },
  );

  it('come back to a server that starts with a clock that was set back', async () => {
    await enqueue('oldest');
    await fail('oldest');
    await test.stop();
    test.clock.stepWallClock(-3_600_000);
    await test.start();
    await test.clock.advance(limits.retryMaxMs);
    expect(await claim()).toEqual(['oldest']);
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
