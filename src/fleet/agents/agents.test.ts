import { describe, expect, test, vi } from 'vitest';
import type { AgentStatus } from '#telemetry';
import { claimOf, generationOrder, heldBy, registration, task, useTestFleet } from '../fleet.test-support.ts';

const running = useTestFleet();

function beat(agentId: string, sequence: number, more: object = {}) {
  return running.fleet.heartbeats.take({
    agentId,
    generation: 1,
    sequence,
    degraded: false,
    reason: null,
    inFlight: 0,
    nonce: null,
    ...more,
  });
}

function statusOf(agentId: string): AgentStatus | undefined {
  return running.fleet.agents.get(agentId)?.status;
}

/** Commits run on real threads, so the clock stands still until they are through. */
function eventually(check: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(check, { timeout: 60_000, interval: 2 });
}

async function openGeneration(agentId: string, nonce: string): Promise<number> {
  return running.database.transaction((tx) =>
    running.fleet.generations.openGeneration(tx, generationOrder(agentId, { nonce, poolId: 'coders' })),
  );
}

const drainOf = (agentId: string) => ({
  agentId,
  reason: 'the machine goes',
  requestedBy: 'ada',
  traceparent: null,
});

describe('registration', () => {
  test('opens generation 1, and a repetition by the same process changes nothing', async () => {
    const first = await running.fleet.agents.register(registration('a'));
    const again = await running.fleet.agents.register(registration('a'));
    expect([first.fresh, again.fresh, again.agent.generation]).toEqual([true, false, 1]);
    expect(await running.events('fleet.agent.registered')).toHaveLength(1);
  });

  test('a process that registers again and says what it can do is believed, also by a server that is started again', async () => {
    const { agents } = running.fleet;
    const can = async (capabilities: readonly string[]): Promise<unknown> => {
      const { fresh, agent } = await agents.register(registration('a', { capabilities }));
      return [fresh, agent.capabilities];
    };
    expect(await can(['build'])).toEqual([true, ['build']]);
    expect(await can(['test', 'lint'])).toEqual([false, ['test', 'lint']]);
    expect(await can([])).toEqual([false, ['test', 'lint']]);
    await running.fleet.tasks.enqueue([task(), task({ taskType: 'lint' })], null);
    const claimed = await running.fleet.tasks.claim(claimOf('a'));
    expect(claimed.map((one) => one.task_type)).toEqual(['lint']);
    await running.stop();
    await running.start();
    expect(running.fleet.agents.get('a')?.capabilities).toEqual(['test', 'lint']);
  });

  test('a process that registers after Omoi has done so in its place says what it can do', async () => {
    const { agents } = running.fleet;
    await openGeneration('m', 'spawn nonce');
    expect(await agents.standIn({ agentId: 'm', generation: 1 })).toBe(true);
    await agents.register(
      registration('m', { generation: 1, nonce: 'spawn nonce', capabilities: ['review'] }),
    );
    expect(agents.get('m')?.capabilities).toEqual(['review']);
  });

  test('refuses another process while the first one lives, and takes it when asked to', async () => {
    const { agents } = running.fleet;
    await agents.register(registration('a'));
    const other = registration('a', { nonce: 'another nonce' });
    await expect(agents.register(other)).rejects.toMatchObject({ code: 'generation_taken' });
    await expect(agents.register({ ...other, generation: 1 })).rejects.toMatchObject({
      code: 'generation_taken',
    });
    const taken = await agents.register({ ...other, newGeneration: true });
    expect(taken.agent.generation).toBe(2);
    expect(() => beat('a', 1)).toThrow(expect.objectContaining({ code: 'generation_superseded' }));
  });

  test('an agent that ended starts anew as the next generation', async () => {
    const { agents } = running.fleet;
    await agents.register(registration('a'));
    await agents.deregister({ agentId: 'a', generation: 1, reason: 'done', exit: null, traceparent: null });
    expect(statusOf('a')).toBe('TERMINATED');
    expect(() => beat('a', 1)).toThrow(expect.objectContaining({ code: 'agent_gone' }));
    const anew = await agents.register(registration('a', { nonce: 'second process' }));
    expect([anew.agent.generation, anew.agent.status]).toEqual([2, 'IDLE']);
  });

  test('two processes that register at once become one agent', async () => {
    const { agents } = running.fleet;
    const outcomes = await Promise.allSettled(
      ['one process', 'two process'].map((nonce) => agents.register(registration('a', { nonce }))),
    );
    expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  test.each([['an unknown agent’s later generation', { generation: 3 }, 'unknown_generation']])(
    'refuses %s',
    async (_, more, code) => {
      await expect(running.fleet.agents.register(registration('a', more))).rejects.toMatchObject({ code });
      expect(running.fleet.agents.get('a')).toBeUndefined();
    },
  );

  test('of a managed agent only the process that Omoi started may register', async () => {
    const { agents } = running.fleet;
    await openGeneration('m', 'spawn nonce');
    expect(statusOf('m')).toBe('SPAWNING');
    await expect(agents.register(registration('m'))).rejects.toMatchObject({ code: 'agent_is_managed' });
    await expect(agents.register(registration('m', { generation: 1 }))).rejects.toMatchObject({
      code: 'generation_taken',
    });
    await agents.register(registration('m', { generation: 1, nonce: 'spawn nonce', poolId: 'elsewhere' }));
    expect(statusOf('m')).toBe('IDLE');
    expect(agents.get('m')?.poolId).toBe('coders');
  });

  test('an external agent that is drained is asked to leave by its next heartbeat, and gets no more work', async () => {
    const { agents, tasks } = running.fleet;
    await agents.register(registration('a'));
    await agents.drainExternal(drainOf('a'));
    await tasks.enqueue([task()], null);
    expect(beat('a', 1)).toMatchObject({ desired: 'drain' });
    expect(await tasks.claim(claimOf('a'))).toEqual([]);
    await agents.deregister({ agentId: 'a', generation: 1, reason: 'done', exit: null, traceparent: null });
    await expect(agents.drainExternal(drainOf('a'))).rejects.toMatchObject({ code: 'agent_gone' });
  });

  test('that it is drained outlives the server, and ends with its generation', async () => {
    await running.fleet.agents.register(registration('a'));
    await running.fleet.agents.drainExternal(drainOf('a'));
    await running.fleet.agents.drainExternal(drainOf('a'));
    expect(await running.events('fleet.agent.drain_requested')).toMatchObject([
      { agent_id: 'a', generation: 1, reason: 'the machine goes', requested_by: 'ada' },
    ]);
    await running.stop();
    await running.start();
    const { agents, tasks } = running.fleet;
    // Its process registers again, as it does with a server that it has lost.
    expect((await agents.register(registration('a'))).agent).toMatchObject({
      desired: 'drain',
      leaves: true,
    });
    await tasks.enqueue([task()], null);
    expect(beat('a', 1)).toMatchObject({ desired: 'drain' });
    expect(await tasks.claim(claimOf('a'))).toEqual([]);
    await agents.deregister({ agentId: 'a', generation: 1, reason: 'done', exit: null, traceparent: null });

    const next = registration('a', { nonce: 'second process' });
    expect((await agents.register(next)).agent).toMatchObject({
      generation: 2,
      desired: 'run',
      leaves: false,
    });
    await running.stop();
    await running.start();
    expect(running.fleet.agents.get('a')).toMatchObject({ generation: 2, desired: 'run', leaves: false });
    expect(await running.fleet.tasks.claim({ ...claimOf('a'), generation: 2 })).toHaveLength(1);
  });

  test('one that Omoi starts is stopped instead', async () => {
    await openGeneration('m', 'spawn nonce');
    await expect(running.fleet.agents.drainExternal(drainOf('m'))).rejects.toMatchObject({
      code: 'agent_is_managed',
    });
  });
});

test.each([
  ['omoi', 'pool_converged', 'pool_converged'],
  ['watchdog:restart-hung', 'restart-hung for Silent', 'watchdog'],
  ['erika', 'it looked odd since the deployment of 14:03', 'asked'],
])('a restart by %s because of "%s" counts with a reason of which there are few', async (by, why, reason) => {
  const { generations, feed } = running.fleet;
  await openGeneration('m', 'first');
  const told: unknown[] = [];
  feed.onActivity((activity) => {
    if (activity.kind === 'agent_restarted') told.push(activity.reason);
  });
  const order = { ...generationOrder('m', { nonce: 'second' }), reason: why, requestedBy: by };
  await running.database.transaction((tx) => generations.openGeneration(tx, order));
  expect(told).toEqual([reason]);
});

describe('the heartbeat ladder', () => {
  test('the time that a process takes to start is no missed heartbeat of the agent', async () => {
    const { agents, feed } = running.fleet;
    await openGeneration('slow', 'spawn nonce');
    await running.clock.advance(10_000);
    const told: number[] = [];
    feed.onActivity(() => told.push(agents.get('slow')?.heartbeatsMissed ?? -1));
    await agents.register(registration('slow', { generation: 1, nonce: 'spawn nonce' }));
    expect(told.length).toBeGreaterThan(0);
    expect(new Set(told)).toEqual(new Set([0]));
  });

  test('one missed warns, two degrade, three make unresponsive; a beat brings back', async () => {
    await running.fleet.agents.register(registration('a'));
    await running.clock.advance(1300);
    await eventually(async () =>
      expect(await running.events('fleet.agent.heartbeat_missed')).toMatchObject([{ missed: 1 }]),
    );
    expect(statusOf('a')).toBe('IDLE');
    await running.clock.advance(1200);
    await eventually(() => expect(statusOf('a')).toBe('DEGRADED'));
    await running.clock.advance(1200);
    await eventually(() => expect(statusOf('a')).toBe('UNRESPONSIVE'));
    expect(await running.events('fleet.agent.heartbeat_missed')).toHaveLength(1);
    beat('a', 1);
    await eventually(() => expect(statusOf('a')).toBe('IDLE'));
    const changes = await running.events('fleet.agent.status_changed');
    expect(changes.map((change) => (change as { to: string }).to)).toEqual([
      'IDLE',
      'DEGRADED',
      'UNRESPONSIVE',
      'IDLE',
    ]);
  });

  test('a request about tasks counts as a beat, of the present generation alone', async () => {
    const { agents, heartbeats } = running.fleet;
    await agents.register(registration('a'));
    await running.clock.advance(3400);
    await eventually(() => expect(statusOf('a')).toBe('DEGRADED'));
    expect(heartbeats.seen({ agentId: 'a', generation: 2 })).toBe(false);
    expect(agents.get('a')?.heartbeatAgeMs).toBeNull();
    expect(heartbeats.seen({ agentId: 'a', generation: 1 })).toBe(true);
    expect(agents.get('a')).toMatchObject({ heartbeatAgeMs: 0, lastHeartbeatAtMs: running.clock.wallMs() });
    await eventually(() => expect(statusOf('a')).toBe('IDLE'));
    expect(beat('a', 1).acknowledged).toBe(1);
    await agents.deregister({ agentId: 'a', generation: 1, reason: 'done', exit: null, traceparent: null });
    expect(heartbeats.seen({ agentId: 'a', generation: 1 })).toBe(false);
    expect(heartbeats.seen({ agentId: 'nobody', generation: 1 })).toBe(false);
  });

  test('a late or repeated beat is acknowledged and changes nothing', async () => {
    await running.fleet.agents.register(registration('a'));
    expect(beat('a', 5).acknowledged).toBe(5);
    await running.clock.advance(500);
    expect(beat('a', 4).acknowledged).toBe(5);
    expect(running.fleet.agents.get('a')?.heartbeatAgeMs).toBe(500);
  });

  test('a jump of the wall clock makes nobody late', async () => {
    await running.fleet.agents.register(registration('a'));
    beat('a', 1);
    running.clock.stepWallClock(86_400_000);
    await running.clock.advance(200);
    expect(running.fleet.agents.get('a')?.heartbeatsMissed).toBe(0);
  });

  test('who has ended is listed for an hour, however the wall clock steps', async () => {
    const { agents } = running.fleet;
    await agents.register(registration('a'));
    await agents.deregister({ agentId: 'a', generation: 1, reason: 'done', exit: null, traceparent: null });
    running.clock.stepWallClock(7_200_000);
    await running.clock.advance(3_500_000);
    expect(statusOf('a')).toBe('TERMINATED');
    running.clock.stepWallClock(-7_200_000);
    await running.clock.advance(800_000);
    expect(agents.get('a')).toBeUndefined();
  });

  test('after a restart of the server ages start afresh, and only a beat recovers', async () => {
    await running.fleet.agents.register(registration('a'));
    await running.fleet.agents.register(registration('b'));
    beat('b', 1);
    await running.clock.advance(3600);
    await eventually(() => expect([statusOf('a'), statusOf('b')]).toEqual(['UNRESPONSIVE', 'UNRESPONSIVE']));
    await running.stop();
    await running.clock.advance(60_000);
    await running.start();
    await running.clock.advance(1000);
    expect([statusOf('a'), statusOf('b')]).toEqual(['UNRESPONSIVE', 'UNRESPONSIVE']);
    expect(running.fleet.agents.get('b')?.heartbeatAgeMs).toBe(1000);
    beat('b', 2);
    await eventually(() => expect(statusOf('b')).toBe('IDLE'));
    expect(statusOf('a')).toBe('UNRESPONSIVE');
  });

  test('an agent that says it is not well is DEGRADED until it says otherwise', async () => {
    await running.fleet.agents.register(registration('a'));
    beat('a', 1, { degraded: true, reason: 'disk is full' });
    await eventually(() => expect(statusOf('a')).toBe('DEGRADED'));
    expect(running.fleet.agents.get('a')?.row.status_reason).toBe('disk is full');
    beat('a', 2);
    await eventually(() => expect(statusOf('a')).toBe('IDLE'));
  });

  test('an override of the TTL counts for its agent alone', async () => {
    await running.fleet.agents.register(
      registration('slow', { heartbeatIntervalMs: 20_000, heartbeatTtlMs: 60_000 }),
    );
    await running.fleet.agents.register(registration('fast'));
    await running.clock.advance(4000);
    await eventually(() => expect(statusOf('fast')).toBe('UNRESPONSIVE'));
    expect(statusOf('slow')).toBe('IDLE');
  });

  test('a spawned agent has its grace before its silence counts', async () => {
    await openGeneration('m', 'spawn nonce');
    await running.clock.advance(15_000);
    expect(statusOf('m')).toBe('SPAWNING');
    await running.clock.advance(3600);
    await eventually(() => expect(statusOf('m')).toBe('UNRESPONSIVE'));
  });
});

describe('generations', () => {
  test('an exit is recorded once, fails the agent and frees what it held', async () => {
    const { agents, generations, tasks } = running.fleet;
    await openGeneration('m', 'spawn nonce');
    await agents.register(registration('m', { generation: 1, nonce: 'spawn nonce' }));
    await tasks.enqueue([task()], null);
    const [claimed] = await tasks.claim(claimOf('m'));
    expect(statusOf('m')).toBe('RUNNING');
    const exit = { agentId: 'm', generation: 1, exitCode: null, signal: 'SIGKILL', asked: null, once: false };
    for (let times = 0; times < 2; times++) {
      await running.database.transaction((tx) => generations.recordExit(tx, { ...exit, traceparent: null }));
    }
    expect(statusOf('m')).toBe('FAILED');
    expect(await running.events('fleet.agent.exited')).toHaveLength(1);
    expect((await tasks.get(claimed?.task_id ?? '')).state).toBe('queued');
  });

  test('n+1 takes the tasks of n, whose late completion is refused with who has it now', async () => {
    const { agents, generations, tasks } = running.fleet;
    await openGeneration('m', 'nonce one');
    await agents.register(registration('m', { generation: 1, nonce: 'nonce one' }));
    await tasks.enqueue([task()], null);
    const [claimed] = await tasks.claim(claimOf('m'));
    const taskId = claimed?.task_id ?? '';
    expect(await openGeneration('m', 'nonce two')).toBe(2);
    await agents.register(registration('m', { generation: 2, nonce: 'nonce two' }));
    await tasks.claim(claimOf('m', { generation: 2 }));
    await expect(tasks.complete(heldBy('m', taskId), null)).rejects.toMatchObject({
      code: 'generation_superseded',
      details: { held_by: 'm', held_by_generation: 2, current_generation: 2 },
    });
    expect(await running.events('fleet.task.refused')).toMatchObject([
      { task_id: taskId, agent_id: 'm', generation: 1, operation: 'complete' },
    ]);
    await tasks.complete(heldBy('m', taskId, 2), '"done"');
    expect(await running.events('fleet.task.completed')).toHaveLength(1);
    const old = { agentId: 'm', generation: 1, exitCode: 0, signal: null, asked: 'replaced', once: false };
    await running.database.transaction((tx) => generations.recordExit(tx, { ...old, traceparent: null }));
    expect(statusOf('m')).toBe('IDLE');
  });

  test('a quarantined agent is given nothing, is not restarted, and can be released', async () => {
    const { agents, tasks } = running.fleet;
    await openGeneration('m', 'nonce one');
    await agents.register(registration('m', { generation: 1, nonce: 'nonce one' }));
    const order = { agentId: 'm', reason: 'looks odd', traceparent: null };
    await agents.quarantine(order);
    await expect(tasks.claim(claimOf('m'))).rejects.toMatchObject({ code: 'agent_not_claiming' });
    await expect(openGeneration('m', 'nonce two')).rejects.toMatchObject({ code: 'transition_not_allowed' });
    await agents.release(order);
    expect(statusOf('m')).toBe('IDLE');
    await expect(agents.release(order)).rejects.toMatchObject({ code: 'transition_not_allowed' });
  });

  test.each([
    ['by a person', (number: number) => openGeneration('m', `nonce ${number}`)],
    [
      'by itself',
      (number: number) =>
        running.fleet.agents.register(registration('m', { newGeneration: true, nonce: `nonce ${number}` })),
    ],
  ])('an agent restarted %s for long keeps its newest hundred generations on record', async (_, restart) => {
    for (let number = 1; number <= 105; number++) await restart(number);
    const kept = (await running.fleet.directory.generations('m', 1000)).map(({ generation }) => generation);
    expect(kept).toEqual(Array.from({ length: 100 }, (_one, at) => 105 - at));
  });

  test('who watched an external process tells how it ended', async () => {
    const { agents } = running.fleet;
    await agents.register(registration('x'));
    const order = { agentId: 'x', generation: 1, reason: 'exited', traceparent: null };
    await agents.deregister({ ...order, exit: { exitCode: 3, signal: null, asked: null, expect: 'once' } });
    expect(statusOf('x')).toBe('FAILED');
    const [generation] = await running.fleet.directory.generations('x', 1);
    expect(generation).toMatchObject({ state: 'ended', exit_code: 3 });
  });

  test.each([
    ['was done', { exitCode: 0, signal: null, asked: null }, 'TERMINATED', 'finished'],
    ['was ended by Ctrl-C', { exitCode: null, signal: 'SIGINT', asked: null }, 'TERMINATED', 'SIGINT'],
    ['failed', { exitCode: 14, signal: null, asked: null }, 'FAILED', 'exit 14'],
    ['was killed', { exitCode: null, signal: 'SIGKILL', asked: null }, 'FAILED', 'SIGKILL'],
    [
      'failed as it was stopped',
      { exitCode: 1, signal: null, asked: 'stopped by SIGINT' },
      'TERMINATED',
      'stopped by SIGINT',
    ],
  ] as const)('an external process that %s', async (_, exit, status, reason) => {
    const { agents } = running.fleet;
    await agents.register(registration('x'));
    await agents.deregister({
      agentId: 'x',
      generation: 1,
      reason: 'exited',
      traceparent: null,
      exit: { ...exit, expect: 'once' },
    });
    expect(agents.get('x')?.row).toMatchObject({ status, status_reason: reason });
    expect(await running.events('fleet.agent.exited')).toMatchObject([{ expected: status === 'TERMINATED' }]);
  });
});

test('what heartbeats said is written in batches and survives a restart', async () => {
  await running.fleet.agents.register(registration('a'));
  beat('a', 1, { inFlight: 2 });
  const saidAtMs = running.clock.wallMs();
  expect(statusOf('a')).toBe('RUNNING');
  await running.stop();
  await running.start();
  expect(running.fleet.agents.get('a')).toMatchObject({
    lastHeartbeatAtMs: saidAtMs,
    workSeenAtMs: saidAtMs,
    status: 'RUNNING',
  });
});

test('a lease that is renewed is a sign of work, also of one of which no beat has ever come', async () => {
  await running.fleet.agents.register(registration('a'));
  await running.fleet.tasks.enqueue([task()], null);
  const [claimed] = await running.fleet.tasks.claim(claimOf('a'));
  await running.clock.advance(1000);
  await running.fleet.tasks.renew(heldBy('a', claimed?.task_id ?? ''));
  await running.clock.advance(500);
  expect(running.fleet.agents.get('a')).toMatchObject({ lastHeartbeatAtMs: null, workAfterBeatMs: 500 });
});
