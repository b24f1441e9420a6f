import { beforeEach, describe, expect, it } from 'vitest';
import { claimOf, generationOrder, heldBy, registration, task, useTestFleet } from '../fleet.test-support.ts';
import type { ClaimRequest } from './claim-request.ts';
import type { TaskRow } from './task-row.ts';

// Which losses of a task count as its attempts, who gets it next, and when it is given up.

const running = useTestFleet();
// Losses right after the start are held against nobody.
beforeEach(() => running.clock.advance(10_000));

const workers = ['w1', 'w2', 'w3', 'w4'] as const;

/** Starts generations of a pool's agents, each as the process that was spawned for it. */
async function start(...agentIds: readonly string[]): Promise<void> {
  const { agents, generations } = running.fleet;
  for (const agentId of agentIds) {
    const nonce = `nonce ${agentId} ${running.clock.monotonicMs()}`;
    const generation = await running.database.transaction((tx) =>
      generations.openGeneration(tx, generationOrder(agentId, { nonce, poolId: 'pool' })),
    );
    await agents.register(registration(agentId, { generation, nonce, poolId: 'pool' }));
  }
}

const generationOf = (agentId: string): number => running.fleet.agents.get(agentId)?.generation ?? 0;

async function end(
  agentId: string,
  exit: { signal?: string | null; expected?: boolean } = {},
): Promise<void> {
  const { signal = 'SIGKILL', expected = false } = exit;
  await running.database.transaction((tx) =>
    running.fleet.generations.recordExit(tx, {
      agentId,
      generation: generationOf(agentId),
      exitCode: null,
      signal,
      asked: expected ? 'replaced' : null,
      once: false,
      traceparent: null,
    }),
  );
}

async function enqueue(count = 1, more = {}): Promise<string[]> {
  const made = await running.fleet.tasks.enqueue(
    Array.from({ length: count }, () => task(more)),
    null,
  );
  return made.map(({ task: { task_id: taskId } }) => taskId);
}

const claim = (agentId: string, more: Partial<ClaimRequest> = {}): Promise<readonly TaskRow[]> =>
  running.fleet.tasks.claim(
    claimOf(agentId, { generation: generationOf(agentId), leaseMs: 60_000, ...more }),
  );

const get = (taskId: string): Promise<TaskRow> => running.fleet.tasks.get(taskId);

it('parks a task whose handler ends its process, after its attempts and with a pause before each', async () => {
  await start(...workers);
  const [poison = ''] = await enqueue();
  const pauses: number[] = [];
  for (const agentId of workers.slice(0, 3)) {
    const [claimed] = await claim(agentId);
    expect(claimed?.task_id).toBe(poison);
    await end(agentId);
    const { available_at_ms: availableAtMs, state } = await get(poison);
    if (state === 'queued') pauses.push(availableAtMs - running.clock.wallMs());
    expect(await claim('w4')).toEqual([]);
    await running.clock.advance(5_000);
  }
  expect(await get(poison)).toMatchObject({
    state: 'parked',
    counted_losses: 3,
    failures: 0,
    error: expect.stringContaining('3 of 3 attempts used up: agent w3 generation 1 was ended by SIGKILL'),
  });
  expect(pauses).toHaveLength(2);
  for (const pauseMs of pauses) expect(pauseMs).toBeGreaterThan(0);
  expect(await running.events('fleet.task.parked')).toEqual([
    expect.objectContaining({ task_id: poison, reason: 'holder_ended', attempts: 3, max_attempts: 3 }),
  ]);
  await running.clock.advance(600_000);
  expect(await claim('w4')).toEqual([]);
});

it('takes at most one other task with it, once, whatever the workers hold', async () => {
  await start(...workers);
  const [poison = ''] = await enqueue();
  await enqueue(1);
  expect(await claim('w1', { maxTasks: 2 })).toHaveLength(2);
  await end('w1');
  // What was lost beside it counts too: nobody knows which of the two it was.
  await running.clock.advance(5_000);
  const [alone, ...more] = await claim('w2', { maxTasks: 5 });
  expect(alone?.task_id).toBe(poison);
  expect(more).toEqual([]);
  await enqueue(3);
  expect(await claim('w2', { maxTasks: 5 })).toEqual([]);
  expect(await claim('w3', { maxTasks: 1 })).toHaveLength(1);
});

it('keeps a busy agent free for a task that no free agent takes', async () => {
  await start('w1', 'w2');
  const [poison = ''] = await enqueue();
  await claim('w1');
  await end('w1');
  const [other = ''] = await enqueue();
  expect(await claim('w2')).toMatchObject([{ task_id: other }]);
  await running.clock.advance(5_000);
  await enqueue(2);
  expect(await claim('w2')).toEqual([]);
  const waiting = claim('w2', { waitMs: 30_000 });
  await running.fleet.tasks.complete(heldBy('w2', other), null);
  expect(await waiting).toMatchObject([{ task_id: poison }]);
});

it('holds nothing against a task whose holder was asked to leave, or replaced by order', async () => {
  await start(...workers);
  const [drained = '', restarted = ''] = await enqueue(2);
  await claim('w1');
  await claim('w2');
  await end('w1', { expected: true });
  await start('w2');
  for (const taskId of [drained, restarted]) {
    expect(await get(taskId)).toMatchObject({ state: 'queued', counted_losses: 0 });
  }
});

it('holds nothing against the tasks of a pool that goes at once, not even against the first', async () => {
  await start(...workers);
  const taskIds = await enqueue(4, { maxAttempts: 1 });
  for (const agentId of workers) expect(await claim(agentId)).toHaveLength(1);
  for (const agentId of workers) await end(agentId);
  for (const taskId of taskIds) {
    expect(await get(taskId)).toMatchObject({ state: 'queued', counted_losses: 0, leases_lost: 1 });
  }
  expect(running.fleet.feed.snapshot().parked).toEqual([]);
  await start('w1');
  await running.clock.advance(5_000);
  expect(await claim('w1', { maxTasks: 10 })).toHaveLength(4);
});

it('holds nothing against a task whose holder was lost when Omoi had just begun to listen', async () => {
  await start('w1');
  const [taskId = ''] = await enqueue(1, { maxAttempts: 1 });
  await claim('w1');
  await running.stop();
  await running.start();
  await end('w1');
  expect(await get(taskId)).toMatchObject({ state: 'queued', counted_losses: 0 });
});

describe('a pool that goes at once while Omoi is started again', () => {
  /** The first goes under the server before, and what it held is given up at once; the others are found gone afterwards. */
  async function endAroundRestart(pauseSeconds: number): Promise<TaskRow> {
    await start(...workers);
    const [first = ''] = await enqueue(4, { maxAttempts: 1 });
    for (const agentId of workers) expect(await claim(agentId)).toHaveLength(1);
    await end('w1');
    expect(await get(first)).toMatchObject({ state: 'parked', counted_losses: 1 });
    for (let second = 0; second < pauseSeconds; second++) {
      await running.clock.advance(1000);
      for (const agentId of workers.slice(1)) running.fleet.heartbeats.seen({ agentId, generation: 1 });
    }
    await running.stop();
    await running.start();
    for (const agentId of workers.slice(1)) await end(agentId);
    return get(first);
  }

  it('holds nothing against the task of the first either, which was lost before', async () => {
    expect(await endAroundRestart(1)).toMatchObject({ state: 'queued', counted_losses: 0, error: null });
    expect(await running.events('fleet.task.retried')).toHaveLength(1);
  });

  it('holds it against one whose holder had gone some time before', async () => {
    expect(await endAroundRestart(10)).toMatchObject({ state: 'parked', counted_losses: 1 });
  });
});

it('takes a task away at its time limit, though its lease is renewed', async () => {
  await start(...workers);
  const [slow = ''] = await enqueue(1, { timeLimitMs: 2_000, maxAttempts: 1 });
  const [other = ''] = await enqueue(1);
  expect(await claim('w1', { maxTasks: 2 })).toHaveLength(2);
  for (let step = 0; step < 3; step++) {
    await running.clock.advance(600);
    await running.fleet.tasks.renew(heldBy('w1', slow));
  }
  await running.clock.advance(400);
  expect(await get(slow)).toMatchObject({ state: 'parked', counted_losses: 1 });
  await expect(running.fleet.tasks.renew(heldBy('w1', slow))).rejects.toMatchObject({ code: 'lease_lost' });
  await running.fleet.tasks.renew(heldBy('w1', other));
  expect(await running.events('fleet.task.released')).toEqual([
    expect.objectContaining({ task_id: slow, reason: 'time_limit', counted: true }),
  ]);
  expect(await running.events('fleet.task.parked')).toEqual([
    expect.objectContaining({ task_id: slow, reason: 'time_limit' }),
  ]);
});

it('waits for no work on a task that was taken away at its time limit', async () => {
  await start(...workers);
  const workAgoMs = (): number | null | undefined => running.fleet.agents.get('w1')?.workAfterBeatMs;
  const [slow = ''] = await enqueue(1, { timeLimitMs: 2_000 });
  const [other = ''] = await enqueue(1, { timeLimitMs: 3_000 });
  await claim('w1', { maxTasks: 2 });
  await running.clock.advance(1_900);
  await running.fleet.tasks.renew(heldBy('w1', slow));
  await running.clock.advance(200);
  expect(await get(slow)).toMatchObject({ state: 'queued' });
  // It may be work on the other one that was seen.
  expect(workAgoMs()).toBe(200);
  await running.fleet.tasks.renew(heldBy('w1', other));
  await running.clock.advance(1_000);
  expect(await get(other)).toMatchObject({ state: 'queued' });
  expect(workAgoMs()).toBeNull();
});

it('explains the end of an agent by the task that it was lost with alone, until the agent starts over', async () => {
  await start(...workers);
  const blamed = (agentId: string): string | null => {
    const agent = running.fleet.agents.get(agentId);
    return agent ? running.fleet.tasks.blamedFor(agent) : null;
  };
  const [poison = ''] = await enqueue();
  await claim('w1');
  await end('w1');
  // One loss is no evidence against a task.
  expect(blamed('w1')).toBeNull();
  await running.clock.advance(5_000);
  await claim('w2');
  await end('w2');
  expect(blamed('w2')).toBe(poison);
  await start('w2');
  expect(blamed('w2')).toBeNull();
});

it('leaves it open for a while whether it ended the agent that it was lost with', async () => {
  await start(...workers);
  const leftMs = (agentId: string): number => {
    const agent = running.fleet.agents.get(agentId);
    return agent ? running.fleet.tasks.suspicionLeftMs(agent) : -1;
  };
  await enqueue();
  await end('w3');
  await claim('w1');
  await end('w1');
  await running.clock.advance(5_000);
  expect([leftMs('w1'), leftMs('w2'), leftMs('w3')]).toEqual([25_000, 0, 0]);
  await claim('w2');
  await end('w2');
  // Now it is known.
  expect([leftMs('w1'), leftMs('w2')]).toEqual([0, 0]);
});

it('tells whose end it explains after all, when another is lost with it: once, and not of those after it', async () => {
  await start(...workers);
  const [poison = ''] = await enqueue();
  const told = async (): Promise<readonly unknown[]> => running.events('fleet.task.blamed');
  for (const [agentId, expected] of [
    ['w1', []],
    ['w2', [expect.objectContaining({ task_id: poison, agent_id: 'w1', generation: 1 })]],
    ['w3', [expect.objectContaining({ task_id: poison, agent_id: 'w1', generation: 1 })]],
  ] as const) {
    await claim(agentId);
    await end(agentId);
    await running.clock.advance(5_000);
    expect(await told()).toEqual(expected);
  }
  const first = running.fleet.agents.get('w1');
  // It has not been started again: what is decided about it knows whose fault it is.
  expect(first && running.fleet.tasks.blamedFor(first)).toBe(poison);
});

describe('several tasks that end their holders at once', () => {
  const pool = ['w1', 'w2', 'w3', 'w4', 'w5'];
  const poisoned = pool.slice(0, 3);

  /** Most of the pool ends, each with a task, and starts over. */
  async function endTogether(): Promise<void> {
    for (const agentId of poisoned) expect(await claim(agentId)).toHaveLength(1);
    for (const agentId of poisoned) await end(agentId);
    await start(...poisoned);
    await running.clock.advance(5_000);
  }

  it('are found where the pool has done other work between', async () => {
    await start(...pool);
    const taskIds = await enqueue(3);
    await endTogether();
    for (const taskId of taskIds) expect(await get(taskId)).toMatchObject({ counted_losses: 0 });
    const [good = ''] = await enqueue(1, { priority: 9 });
    expect(await claim('w5')).toMatchObject([{ task_id: good }]);
    await running.clock.advance(10);
    await running.fleet.tasks.complete(heldBy('w5', good), null);
    await endTogether();
    for (const taskId of taskIds) {
      expect(await get(taskId)).toMatchObject({ state: 'queued', counted_losses: 1, leases_lost: 2 });
    }
    const told = await running.events('fleet.task.blamed');
    expect(told).toHaveLength(3);
    expect(told).toEqual(
      expect.arrayContaining(
        poisoned.map((agentId) => expect.objectContaining({ agent_id: agentId, generation: 1 })),
      ),
    );
  });

  it('are found as well where Omoi was started again between', async () => {
    await start(...pool);
    const taskIds = await enqueue(3);
    await endTogether();
    expect(await running.events('fleet.task.released')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ counted: true }),
        expect.objectContaining({ counted: false, excused_by: 'many_at_once' }),
      ]),
    );
    await running.stop();
    await running.start();
    await running.clock.advance(10_000);
    const [good = ''] = await enqueue(1, { priority: 9 });
    expect(await claim('w5')).toMatchObject([{ task_id: good }]);
    await running.clock.advance(10);
    await running.fleet.tasks.complete(heldBy('w5', good), null);
    await endTogether();
    // Those of the first too, whose losses were counted until the others went.
    for (const taskId of taskIds)
      expect(await get(taskId)).toMatchObject({ state: 'queued', counted_losses: 1 });
    expect(await running.events('fleet.task.blamed')).toHaveLength(3);
  });

  it('are not to blame where nothing is done between: what they need may be away', async () => {
    await start(...pool);
    const taskIds = await enqueue(3, { maxAttempts: 1 });
    for (let time = 0; time < 3; time++) await endTogether();
    for (const taskId of taskIds) {
      expect(await get(taskId)).toMatchObject({ state: 'queued', counted_losses: 0 });
    }
    expect(await running.events('fleet.task.blamed')).toEqual([]);
  });
});

it('explains the silence of an agent by the task that it holds alone', async () => {
  await start(...workers);
  const [poison = ''] = await enqueue();
  await claim('w1');
  await end('w1');
  await running.clock.advance(5_000);
  // All but w2 beat.
  await claim('w2');
  for (let second = 0; second < 10; second++) {
    await running.clock.advance(1000);
    for (const agentId of ['w3', 'w4']) {
      running.fleet.heartbeats.seen({ agentId, generation: generationOf(agentId) });
    }
  }
  const agent = running.fleet.agents.get('w2');
  expect(agent?.status).toBe('UNRESPONSIVE');
  expect(agent && running.fleet.tasks.blamedFor(agent)).toBe(poison);
});

it('is given to a claim that an earlier one had passed over while its agent was busy', async () => {
  await start(...workers);
  const [first = '', second = '', other = ''] = await enqueue(3);
  for (const agentId of ['w1', 'w3', 'w2']) expect(await claim(agentId)).toHaveLength(1);
  const waiting = claim('w2', { waitMs: 60_000 });
  await end('w1');
  await running.clock.advance(5_000);
  expect(await claim('w4')).toMatchObject([{ task_id: first }]);
  await running.fleet.tasks.complete(heldBy('w4', first), null);
  await running.fleet.tasks.complete(heldBy('w2', other), null);
  await end('w3');
  await running.clock.advance(5_000);
  expect(await waiting).toMatchObject([{ task_id: second, agent_id: 'w2' }]);
});
