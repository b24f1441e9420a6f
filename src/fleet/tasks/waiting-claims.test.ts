import { beforeEach, describe, expect, it } from 'vitest';
import type { OmoiError } from '#telemetry';
import { claimOf, heldBy, registration, task, useTestFleet } from '../fleet.test-support.ts';

describe('a task that comes while claims wait', () => {
  let commits = 0;
  /** What the next transactions fail with, behind their work. */
  let failure: Error | null = null;
  /** What happens before the next transactions are committed, behind their work. */
  let beforeCommit = (): void => {};
  const test = useTestFleet({
    around: (database) => ({
      ...database,
      transaction: (work, options) => {
        commits++;
        return database.transaction(async (tx) => {
          const result = await work(tx);
          if (failure) throw failure;
          beforeCommit();
          return result;
        }, options);
      },
    }),
  });

  beforeEach(async () => {
    failure = null;
    beforeCommit = () => {};
    for (const agentId of ['a', 'b']) {
      await test.fleet.agents.register(
        registration(agentId, { heartbeatIntervalMs: 3_600_000, heartbeatTtlMs: 36_000_000 }),
      );
    }
    commits = 0;
  });

  const enqueue = async (...types: string[]) => {
    const tasks = types.map((taskType) => task({ taskType, idempotencyKey: `key of ${taskType}` }));
    return (await test.fleet.tasks.enqueue(tasks, null)).map(({ created }) => created);
  };
  /** Waits until the claim is in the line. */
  async function wait(agentId: string, more: { maxTasks?: number; signal?: AbortSignal } = {}) {
    const waiting = test.fleet.tasks.waitingClaims;
    const claimed = test.fleet.tasks
      .claim(claimOf(agentId, { waitMs: 10_000, ...more }))
      .then((rows) => rows.map((row) => `${row.task_type} for ${row.agent_id} until ${row.lease_until_ms}`));
    while (test.fleet.tasks.waitingClaims === waiting) await Promise.resolve();
    return { claimed };
  }
  const untilMs = (): number => test.clock.wallMs() + claimOf('a').leaseMs;

  it('is claimed in the transaction that enqueues it, by the one that has waited longest', async () => {
    const [a, b] = [await wait('a'), await wait('b')];
    expect(await enqueue('build')).toEqual([true]);
    expect(await a.claimed).toEqual([`build for a until ${untilMs()}`]);
    expect(commits).toBe(1);
    const types = (await test.bus.list({ limit: 100 })).map(({ event_type: type }) => type);
    expect(types.slice(-2)).toEqual(['fleet.task.enqueued', 'fleet.task.claimed']);
    expect(test.fleet.agents.get('a')?.status).toBe('RUNNING');
    const [row] = await test.fleet.tasks.list({
      states: ['claimed'],
      phaseId: null,
      agentId: 'a',
      after: null,
      limit: 10,
    });
    expect(row).toMatchObject({ attempt: 1, lease_until_ms: untilMs() });
    await enqueue('test');
    expect(await b.claimed).toEqual([`test for b until ${untilMs()}`]);
  });

  it('goes with the others that come with it to a claim of several', async () => {
    const { claimed } = await wait('a', { maxTasks: 3 });
    await enqueue('build', 'test');
    expect(await claimed).toHaveLength(2);
  });

  it('leaves a claim waiting where its idempotency key was used before', async () => {
    await enqueue('build');
    expect(await test.fleet.tasks.claim(claimOf('b'))).toHaveLength(1);
    const { claimed } = await wait('a');
    expect(await enqueue('build')).toEqual([false]);
    await enqueue('test');
    expect(await claimed).toEqual([`test for a until ${untilMs()}`]);
  });

  it('leaves a claim waiting where it could not be enqueued', async () => {
    const { claimed } = await wait('a');
    failure = new Error('the disk is full');
    await expect(enqueue('build')).rejects.toThrow('the disk is full');
    failure = null;
    expect(await enqueue('build')).toEqual([true]);
    expect(await claimed).toEqual([`build for a until ${untilMs()}`]);
  });

  it.each<[why: string, change: () => unknown, answer: string | readonly string[]]>([
    [
      'is asked to leave',
      () => test.fleet.heartbeats.drain({ agentId: 'a', generation: 1 }, { leaves: true }),
      [],
    ],
    [
      'is quarantined, which memory does not know yet',
      () =>
        test.database.transaction((tx) =>
          tx.db.updateTable('agents').set({ status: 'QUARANTINED' }).where('agent_id', '=', 'a').execute(),
        ),
      'agent_not_claiming',
    ],
  ])('goes to the next in line where the first %s', async (_why, change, answer) => {
    const first = await wait('a');
    const answered = first.claimed.catch((error: OmoiError) => error.code);
    const { claimed } = await wait('b');
    await change();
    await enqueue('build');
    expect(await claimed).toEqual([`build for b until ${untilMs()}`]);
    await test.clock.advance(10_000);
    expect(await answered).toEqual(answer);
  });

  it.each<[why: string, leave: (gone: AbortController) => unknown]>([
    [
      'has gone when it was told',
      (gone) => test.database.transaction(async (tx) => tx.afterCommit(() => gone.abort())),
    ],
    ['leaves', () => test.fleet.heartbeats.drain({ agentId: 'a', generation: 1 }, { leaves: true })],
    [
      'is quarantined',
      () => test.fleet.agents.quarantine({ agentId: 'a', reason: 'test', traceparent: null }),
    ],
  ])('that is queued again goes to the next in line where the first %s', async (_why, leave) => {
    await test.fleet.agents.register(registration('holder'));
    await enqueue('build');
    const [held] = await test.fleet.tasks.claim(claimOf('holder'));
    const gone = new AbortController();
    const first = await wait('a', { signal: gone.signal });
    const answered = first.claimed.catch((error: OmoiError) => error.code);
    const next = await wait('b');
    const queued = test.fleet.tasks.reassignTask(held?.task_id ?? '', null);
    await Promise.all([queued, leave(gone)]);
    await new Promise((resolve) => setImmediate(resolve));
    // Where it was not called it is told so when its time is over.
    await test.clock.advance(10_000);
    await answered;
    expect(await next.claimed).toMatchObject([expect.stringMatching(/^build for b/)]);
  });

  it('costs a claim nothing that looks for something else', async () => {
    await enqueue('build');
    const [held] = await test.fleet.tasks.claim(claimOf('b'));
    // It waits for its time, and the claim looks whether that has come.
    await test.fleet.tasks.fail(heldBy('b', held?.task_id ?? ''), { error: 'broken', retry: true });
    commits = 0;
    const claim = test.fleet.tasks.claim(claimOf('a', { waitMs: 60_000, taskTypes: ['build'] }));
    for (let others = 0; others < 10; others++) await enqueue(`test ${others}`);
    expect(commits).toBe(10 + 1);
    await test.clock.advance(60_000);
    expect(await claim).toMatchObject([{ task_type: 'build' }]);
  });

  it('stays in the queue where the asker went before its turn came', async () => {
    await enqueue('build', 'test');
    const gone = new AbortController();
    const first = test.fleet.tasks.claim(claimOf('a'));
    const second = test.fleet.tasks.claim(claimOf('b', { signal: gone.signal }));
    gone.abort();
    expect(await first).toMatchObject([{ task_type: 'build' }]);
    expect(await second).toEqual([]);
    expect(await test.fleet.tasks.claim(claimOf('a'))).toMatchObject([{ task_type: 'test', attempt: 1 }]);
  });

  it('goes back to the queue where the asker went while its claim was committed', async () => {
    await enqueue('build', 'test');
    const gone = new AbortController();
    beforeCommit = () => gone.abort();
    const claim = claimOf('a', { signal: gone.signal, maxTasks: 2 });
    expect(await test.fleet.tasks.claim(claim)).toEqual([]);
    expect(test.fleet.agents.get('a')?.status).toBe('IDLE');
    const again = await test.fleet.tasks.claim(claimOf('b', { maxTasks: 2 }));
    expect(again).toMatchObject([
      { task_type: 'build', attempt: 2, leases_lost: 0, counted_losses: 0 },
      { task_type: 'test', attempt: 2, leases_lost: 0, counted_losses: 0 },
    ]);
    const released = (await test.bus.list({ limit: 100 })).filter(
      ({ event_type: type }) => type === 'fleet.task.released',
    );
    const undelivered = expect.objectContaining({ reason: 'undelivered', counted: false });
    expect(released.map(({ payload }) => payload)).toEqual([undelivered, undelivered]);
  });

  it('goes to the next in line where the first went while it was enqueued for it', async () => {
    const gone = new AbortController();
    const first = await wait('a', { signal: gone.signal });
    const second = await wait('b');
    beforeCommit = () => gone.abort();
    expect(await enqueue('build')).toEqual([true]);
    expect(await first.claimed).toEqual([]);
    expect(await second.claimed).toEqual([`build for b until ${untilMs()}`]);
  });
});
