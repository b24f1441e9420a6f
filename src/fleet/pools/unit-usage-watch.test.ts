import { afterEach, beforeEach, expect, it } from 'vitest';
import { definePool } from '#telemetry';
import { registration, useTestFleet } from '../fleet.test-support.ts';
import { MemoryMachine } from '../runtimes/memory-runtime.test-support.ts';
import type { Pools } from './pools.ts';
import { ASKED, openTestPools, untilTrue } from './pools.test-support.ts';

const test = useTestFleet({ threads: 'one' });
let machine: MemoryMachine;
let pools: Pools;

const usage = (agentId: string) => test.fleet.agents.get(agentId)?.usage;
const handleOf = (agentId: string) => `memory/${machine.pidOf(agentId)}`;

async function pass(ms: number): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += 250) await test.clock.advance(250);
}

async function create(id: string, heartbeat: 'sdk' | 'process', desired: number): Promise<void> {
  await pools.create(
    definePool({ id, command: ['run'], desired, max: desired, heartbeat, startWithinMs: 60_000 }),
    ASKED,
  );
  await untilTrue(test.clock, () => machine.pidOf(`${id}-${desired}`) > 0);
}

beforeEach(async () => {
  machine = new MemoryMachine();
  pools = openTestPools(test, { machine });
  await pools.start();
});

afterEach(() => pools.close());

it('looks every 15 s, all at once, at what agents use that nobody else looks at', async () => {
  await create('coders', 'sdk', 2);
  machine.uses(handleOf('coders-1'), { cpuSeconds: 2, memoryBytes: 4096 });
  machine.uses(handleOf('coders-2'), { cpuSeconds: 3, memoryBytes: 8192 });
  expect(usage('coders-1')).toBeNull();
  const looks = machine.measured.length;
  await pass(30_000);
  expect(machine.measured.slice(looks)).toEqual([
    [handleOf('coders-1'), handleOf('coders-2')],
    [handleOf('coders-1'), handleOf('coders-2')],
  ]);
  expect([usage('coders-1'), usage('coders-2')]).toEqual([
    { cpuSeconds: 2, memoryBytes: 4096 },
    { cpuSeconds: 3, memoryBytes: 8192 },
  ]);
});

it('looks again while what was seen is still shown, however long a look has waited', async () => {
  await create('coders', 'sdk', 1);
  machine.uses(handleOf('coders-1'), { cpuSeconds: 2, memoryBytes: 4096 });
  // One that is silent would be looked at for that.
  const pace = { heartbeatIntervalMs: 18_000, heartbeatTtlMs: 60_000 };
  const nonce = machine.starts[0]?.nonce ?? '';
  await test.fleet.agents.register(registration('coders-1', { generation: 1, nonce, ...pace }));
  const gate = Promise.withResolvers<void>();
  machine.beforeMeasured = gate.promise;
  const looks = machine.measured.length;
  await pass(17_000);
  expect(machine.measured.length).toBe(looks + 1);
  gate.resolve();
  await test.clock.advance(0);
  expect(usage('coders-1')).not.toBeNull();
  const beat = { agentId: 'coders-1', generation: 1, inFlight: 0, degraded: false, reason: null, nonce };
  for (let sequence = 1; sequence <= 24; sequence++) {
    await pass(5000);
    test.fleet.heartbeats.take({ ...beat, sequence });
    expect(usage('coders-1')).toEqual({ cpuSeconds: 2, memoryBytes: 4096 });
  }
});

it('takes along what others see, and looks at nobody for it', async () => {
  await create('mailers', 'process', 1);
  await untilTrue(test.clock, async () => {
    await pass(250);
    return test.fleet.agents.get('mailers-1')?.status === 'IDLE';
  });
  machine.uses(handleOf('mailers-1'), { cpuSeconds: 5, memoryBytes: 4096 });
  machine.shows(machine.pidOf('mailers-1'), 'active');
  await pass(2000);
  expect(usage('mailers-1')).toEqual({ cpuSeconds: 5, memoryBytes: 4096 });
  const looks = machine.measured.length;
  await pass(30_000);
  expect(machine.measured.length).toBe(looks);
});

it('shows nothing of a generation that has ended', async () => {
  await create('coders', 'sdk', 1);
  machine.uses(handleOf('coders-1'), { cpuSeconds: 2, memoryBytes: 4096 });
  await pass(15_000);
  expect(usage('coders-1')).not.toBeNull();
  machine.end(machine.pidOf('coders-1'), { exitCode: 1 });
  await untilTrue(test.clock, () => test.fleet.agents.get('coders-1')?.row.status === 'FAILED');
  expect(usage('coders-1')).toBeNull();
});

it('shows for a minute what the beat of an external agent has said of its processes', async () => {
  const pace = { heartbeatIntervalMs: 1000, heartbeatTtlMs: 3500 };
  await test.fleet.agents.register(registration('outside', pace));
  const beat = { agentId: 'outside', generation: 1, inFlight: 0, degraded: false, reason: null, nonce: null };
  const used = { cpuSeconds: 1.5, memoryBytes: 4096 };
  test.fleet.heartbeats.take({ ...beat, sequence: 1, activity: 'idle', usage: used });
  expect(usage('outside')).toEqual(used);
  for (let sequence = 2; sequence <= 120; sequence++) {
    await pass(500);
    test.fleet.heartbeats.take({ ...beat, sequence });
  }
  expect(usage('outside')).toEqual(used);
  await pass(1000);
  expect(usage('outside')).toBeNull();
});
