import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { definePool, type ProcessActivity } from '#telemetry';
import { claimOf, task, useTestFleet } from '../fleet.test-support.ts';
import { MemoryMachine } from '../runtimes/memory-runtime.test-support.ts';
import type { Pools } from './pools.ts';
import { openTestPools, untilTrue } from './pools.test-support.ts';

const AGENT = 'coders-1';
const HOLDER = { agentId: AGENT, generation: 1 };
const TTL_MS = 3500;
const LEASE_MS = 30_000;
const ASKED = { reason: 'test', by: 'tester', traceparent: null };

const test = useTestFleet({ threads: 'one' });
let machine: MemoryMachine;
let pools: Pools;
let sequence: number;

const status = (): string => {
  const row = test.fleet.agents.get(AGENT)?.row;
  return `${row?.status} ${row?.status_reason}`;
};

const until = (condition: () => boolean | Promise<boolean>): Promise<void> =>
  untilTrue(test.clock, condition);

/** Time passes in ticks, and what each starts comes to its end. */
async function pass(ms: number): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += 100) {
    await test.clock.advance(100);
    await until(() => test.fleet.agents.get(AGENT)?.moving === false);
  }
}

function beat(inFlight = 0): void {
  const quiet = { degraded: false, reason: null, nonce: null };
  test.fleet.heartbeats.take({ ...HOLDER, sequence: ++sequence, inFlight, ...quiet });
}

const shows = (activity: ProcessActivity | null): void => machine.shows(machine.pidOf(AGENT), activity);

async function claim(): Promise<string> {
  await test.fleet.tasks.enqueue([task()], null);
  const [claimed] = await test.fleet.tasks.claim(claimOf(AGENT, { leaseMs: LEASE_MS }));
  return claimed?.task_id ?? '';
}

beforeEach(async () => {
  sequence = 0;
  machine = new MemoryMachine();
  pools = openTestPools(test, { machine });
  await pools.start();
  await pools.create(definePool({ id: 'coders', command: ['run'], desired: 1, max: 1 }), ASKED);
  await until(() => machine.running.length === 1);
  beat();
  await until(() => status() === 'IDLE heartbeat_returned');
});

afterEach(() => pools.close());

describe('an agent that falls silent', () => {
  it('is UNRESPONSIVE where nothing is seen of its processes', async () => {
    await pass(TTL_MS + 200);
    expect(status()).toBe('UNRESPONSIVE heartbeats_missed');
  });

  it('is UNRESPONSIVE only after two TTLs where it holds work, and nothing is seen of its processes', async () => {
    await claim();
    await pass(2 * TTL_MS - 200);
    expect(status()).toBe('DEGRADED heartbeats_missed');
    await pass(400);
    expect(status()).toBe('UNRESPONSIVE heartbeats_missed');
  });

  it('is STALLED within two TTLs where they are stopped, and back with its next beat', async () => {
    shows('stopped');
    await pass(2 * TTL_MS);
    expect(status()).toBe('STALLED stopped');
    beat();
    await until(() => status() === 'IDLE heartbeat_returned');
    // It is looked at no more: what was seen before says nothing of it now.
    await pass(1000);
    expect(status()).toBe('IDLE heartbeat_returned');
  });

  it('is left alone while a debugger holds it, and has its whole time when that lets it go', async () => {
    await claim();
    shows('traced');
    await pass(3 * TTL_MS);
    expect(test.fleet.agents.get(AGENT)).toMatchObject({ status: 'DEGRADED', evidence: 'traced' });
    shows('idle');
    await pass(TTL_MS - 500);
    expect(test.fleet.agents.get(AGENT)?.status).toBe('DEGRADED');
    await pass(1000);
    expect(status()).toBe('STALLED no_progress');
  });

  it('keeps its task and is not given up while it computes under its lease', async () => {
    const taskId = await claim();
    const workSeenBefore = test.fleet.agents.get(AGENT)?.workSeenAtMs ?? null;
    shows('active');
    await pass(8000);
    expect(status()).toBe('DEGRADED heartbeats_missed');
    expect(test.fleet.agents.get(AGENT)?.workSeenAtMs).toBeGreaterThan(workSeenBefore ?? 0);
    expect(await test.fleet.tasks.get(taskId)).toMatchObject({ state: 'claimed', agent_id: AGENT });
    expect(machine.starts).toHaveLength(1);
  });

  it('is STALLED within two TTLs where its processes do nothing for the task that it holds', async () => {
    await claim();
    shows('idle');
    await pass(2 * TTL_MS);
    expect(status()).toBe('STALLED no_progress');
  });

  it('is STALLED a TTL after its processes stopped doing anything for it', async () => {
    await claim();
    shows('active');
    await pass(2 * TTL_MS);
    shows('idle');
    await pass(TTL_MS + 1000);
    expect(status()).toBe('STALLED no_progress');
  });

  it('is UNRESPONSIVE, and not said to stand still, where its processes are seen no more', async () => {
    await claim();
    shows('active');
    await pass(2 * TTL_MS);
    shows(null);
    await pass(TTL_MS + 1000);
    expect(status()).toBe('UNRESPONSIVE heartbeats_missed');
  });

  it('is UNRESPONSIVE where its processes are busy, and it holds no work', async () => {
    shows('active');
    await pass(2 * TTL_MS);
    expect(status()).toBe('UNRESPONSIVE heartbeats_missed');
    expect(test.fleet.agents.get(AGENT)?.workSeenAtMs).toBeNull();
  });

  it('is UNRESPONSIVE once its lease has run out, however busy it is', async () => {
    await claim();
    shows('active');
    await pass(LEASE_MS + 100);
    await until(() => test.fleet.agents.get(AGENT)?.tasksHeld === 0);
    await pass(1000);
    expect(status()).toBe('UNRESPONSIVE heartbeats_missed');
  });

  it('is not looked at while it beats', async () => {
    shows('stopped');
    for (let second = 0; second < 10; second++) {
      beat();
      await pass(1000);
    }
    expect(status()).toBe('IDLE heartbeat_returned');
  });
});

describe('an agent whose wrapper beats for its processes', () => {
  async function told(activity: ProcessActivity, ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += 500) {
      const quiet = { degraded: false, reason: null, nonce: null };
      const inFlight = activity === 'active' ? 1 : 0;
      test.fleet.heartbeats.take({ ...HOLDER, sequence: ++sequence, inFlight, activity, ...quiet });
      await pass(500);
    }
  }

  it('is STALLED while they are stopped, and IDLE when they go on', async () => {
    await told('stopped', 2000);
    expect(status()).toBe('STALLED stopped');
    await told('idle', 1000);
    expect(status()).toBe('IDLE heartbeat_returned');
  });

  it('is at work while they are active, and waits where they are idle', async () => {
    await told('active', 1000);
    expect(test.fleet.agents.get(AGENT)?.status).toBe('RUNNING');
    await told('idle', 2 * TTL_MS);
    expect(test.fleet.agents.get(AGENT)?.status).toBe('IDLE');
  });

  it('is STALLED where they are idle for too long, though it holds nothing, until they do something', async () => {
    await told('idle_too_long', 1000);
    expect(status()).toBe('STALLED no_activity');
    await told('active', 1000);
    expect(test.fleet.agents.get(AGENT)?.status).toBe('RUNNING');
  });

  it('is STALLED where they do nothing for a TTL while it holds a task', async () => {
    await claim();
    await told('idle', TTL_MS - 500);
    expect(test.fleet.agents.get(AGENT)?.status).toBe('RUNNING');
    await told('idle', 1500);
    expect(status()).toBe('STALLED no_progress');
    await told('active', 1000);
    expect(test.fleet.agents.get(AGENT)?.status).toBe('RUNNING');
  });
});
