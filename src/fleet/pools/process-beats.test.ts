import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { definePool, silentLogger, type PoolChange } from '#telemetry';
import { useTestFleet } from '../fleet.test-support.ts';
import { MemoryMachine } from '../runtimes/memory-runtime.test-support.ts';
import type { Pools } from './pools.ts';
import { ProcessBeats } from './process-beats.ts';
import { openTestPools, untilTrue } from './pools.test-support.ts';

// Who beats for programs that do not do it by themselves.

const AGENT = 'mailers-1';
const ASKED = { reason: 'test', by: 'tester', traceparent: null };
const PACE = { heartbeatIntervalMs: 1000, startWithinMs: 5000 };

const test = useTestFleet({ threads: 'one' });
let machine: MemoryMachine;
let pools: Pools;

const agent = () => test.fleet.agents.get(AGENT);
const status = (): string | undefined => agent()?.status;
const until = (condition: () => boolean | Promise<boolean>): Promise<void> =>
  untilTrue(test.clock, condition);

/** Time passes in ticks, and what each starts comes to its end. */
async function pass(ms: number): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += 100) {
    await test.clock.advance(100);
    await until(() => agent()?.moving === false);
  }
}

async function passUntil(condition: () => boolean): Promise<void> {
  for (let passes = 0; passes < 1000 && !condition(); passes++) await pass(100);
  expect(condition()).toBe(true);
}

async function create(more: PoolChange = {}): Promise<void> {
  const pool = { id: 'mailers', command: ['run', 'mailer.js'], desired: 1, max: 1, ...PACE, ...more };
  await pools.create(definePool(pool), ASKED);
  await until(() => machine.pidOf(AGENT) > 0);
}

/** As the SDK registers. */
async function register(generation = 1, agentId = AGENT): Promise<void> {
  const isIt = (spec: (typeof machine.running)[number]): boolean =>
    spec.generation === generation && spec.agentId === agentId;
  const nonce = machine.running.find(isIt)?.nonce ?? '';
  await test.fleet.agents.register({
    agentId,
    agentType: 'worker',
    poolId: 'mailers',
    phaseId: null,
    generation,
    nonce,
    newGeneration: false,
    labels: {},
    capabilities: [],
    heartbeatIntervalMs: null,
    heartbeatTtlMs: null,
    traceparent: null,
  });
}

beforeEach(async () => {
  machine = new MemoryMachine();
  pools = openTestPools(test, { machine });
  await pools.start();
});

afterEach(() => pools.close());

describe('a program that says nothing', () => {
  it('is taken for well as soon as it runs, where its pool says so', async () => {
    await create({ heartbeat: 'process' });
    await passUntil(() => status() === 'IDLE');
    expect(agent()?.row.status_reason).toBe('process_watched');
    await pass(30_000);
    expect(status()).toBe('IDLE');
  });

  it('is found out when it has not registered in time, and is well then', async () => {
    await create();
    await pass(4000);
    expect(status()).toBe('SPAWNING');
    await passUntil(() => status() === 'IDLE');
    await pass(30_000);
    expect(status()).toBe('IDLE');
  });

  it('is RUNNING while its process works, and STALLED where that is stopped', async () => {
    await create({ heartbeat: 'process' });
    await passUntil(() => status() === 'IDLE');
    machine.shows(machine.pidOf(AGENT), 'active');
    await passUntil(() => status() === 'RUNNING');
    machine.shows(machine.pidOf(AGENT), 'stopped');
    await passUntil(() => agent()?.row.status === 'STALLED');
    machine.shows(machine.pidOf(AGENT), 'active');
    await passUntil(() => status() === 'RUNNING');
  });

  it('has FAILED when its process has ended', async () => {
    await create({ heartbeat: 'process' });
    await passUntil(() => status() === 'IDLE');
    machine.end(machine.pidOf(AGENT), { exitCode: 3 });
    await until(() => agent()?.row.status === 'FAILED');
  });

  it('is beaten for by the next server at once', async () => {
    await create();
    await passUntil(() => status() === 'IDLE');
    await pools.close();
    pools = openTestPools(test, { machine });
    await pools.start();
    await pass(30_000);
    expect(status()).toBe('IDLE');
  });
});

it('is known of an earlier server only of what runs, until that is taken over or has ended', async () => {
  await create({ desired: 2, max: 2 });
  await until(() => machine.pidOf('mailers-2') > 0);
  await register();
  await register(1, 'mailers-2');
  machine.end(machine.pidOf(AGENT), { exitCode: 3 });
  await until(() => agent()?.row.status === 'FAILED');
  const beats = new ProcessBeats(
    {
      database: test.database,
      clock: test.clock,
      logger: silentLogger,
      agents: test.fleet.agents,
      silence: test.fleet.heartbeats,
    },
    () => undefined,
  );
  try {
    await beats.start();
    expect(beats.awaited).toBe(1);
    beats.ended({ agentId: AGENT, generation: 1 });
    expect(beats.awaited).toBe(1);
    beats.ended({ agentId: 'mailers-2', generation: 1 });
    expect(beats.awaited).toBe(0);
  } finally {
    beats.close();
  }
});

describe('a program that registers by itself', () => {
  it('has to beat by itself', async () => {
    await create();
    await register();
    expect(agent()?.row.status_reason).toBe('registered');
    await passUntil(() => agent()?.row.status === 'UNRESPONSIVE');
  });

  it('is waited for in its next generation, over a restart of the server too', async () => {
    await create();
    await register();
    await pass(1000);
    await pools.close();
    pools = openTestPools(test, { machine });
    await pools.start();
    await pools.restart({ agentId: AGENT, ...ASKED });
    await until(() => machine.running.some(({ generation }) => generation === 2));
    await passUntil(() => agent()?.row.status === 'UNRESPONSIVE');
  });

  it('late, has to beat by itself from its first beat on', async () => {
    await create();
    await passUntil(() => status() === 'IDLE');
    await register();
    test.fleet.heartbeats.take({
      agentId: AGENT,
      generation: 1,
      sequence: 0,
      degraded: false,
      reason: null,
      inFlight: 0,
      nonce: null,
    });
    await passUntil(() => agent()?.row.status === 'UNRESPONSIVE');
  });

  it('says nothing of the program of another pool that is called like it when that is gone', async () => {
    await create();
    await register();
    await pass(1000);
    await pools.remove('mailers', ASKED);
    await until(async () => (await pools.list({ afterPoolId: null, limit: 10 })).length === 0);
    await create({ command: ['run', 'plain'] });
    await passUntil(() => agent()?.generation === 2 && status() === 'IDLE');
    expect(agent()?.row.status_reason).toBe('process_watched');
  });

  it('says nothing of it to the next server either', async () => {
    await create();
    await register();
    await pass(1000);
    await pools.remove('mailers', ASKED);
    await until(async () => (await pools.list({ afterPoolId: null, limit: 10 })).length === 0);
    await pass(1000);
    await create({ command: ['run', 'plain'] });
    await until(() => machine.running.some(({ generation }) => generation === 2));
    await pools.close();
    pools = openTestPools(test, { machine });
    await pools.start();
    await passUntil(() => agent()?.generation === 2 && status() === 'IDLE');
    expect(agent()?.row.status_reason).toBe('process_watched');
  });

  it('says nothing of the command that its pool is on its way to, to the next server either', async () => {
    await create({ desired: 2, max: 2 });
    await until(() => machine.pidOf('mailers-2') > 0);
    await register();
    await register(1, 'mailers-2');
    await pass(1000);
    await pools.update('mailers', { command: ['run', 'plain'], graceMs: 0 }, ASKED);
    await until(() => machine.running.some(({ generation }) => generation === 2));
    await pools.close();
    pools = openTestPools(test, { machine });
    await pools.start();
    const rolled = (): boolean =>
      ['mailers-1', 'mailers-2'].some((agentId) => {
        const one = test.fleet.agents.get(agentId);
        return one?.generation === 2 && one.row.status_reason === 'process_watched';
      });
    await passUntil(rolled);
  });
});
