import { afterEach, expect, it } from 'vitest';
import { definePool } from '#telemetry';
import { claimOf, registration, task, useTestFleet } from '../fleet.test-support.ts';
import { MemoryMachine } from '../runtimes/memory-runtime.test-support.ts';
import type { Pools } from './pools.ts';
import { openTestPools, untilTrue } from './pools.test-support.ts';

// Of a worker that an earlier server has started it is seen that it ends, and not how: a task may have ended it all the same.

const AGENT = 'coders-1';
const ASKED = { reason: 'test', by: 'tester', traceparent: null };

const test = useTestFleet({ threads: 'one' });
let pools: Pools | null = null;
afterEach(() => pools?.close());

const until = (condition: () => boolean | Promise<boolean>): Promise<void> =>
  untilTrue(test.clock, condition);

async function startPools(machine: MemoryMachine): Promise<void> {
  await pools?.close();
  pools = openTestPools(test, { machine });
  await pools.start();
}

it.each([
  ['ends while it is watched', 1],
  ['has ended while no server was there', 0],
])('of a worker that %s a loss counts for its task so often: %i', async (when, counted) => {
  const machine = new MemoryMachine();
  const end = (): void => machine.end(machine.pidOf(AGENT), { exitCode: 1 });
  await startPools(machine);
  await pools?.create(definePool({ id: 'coders', command: ['run'], desired: 1, max: 1 }), ASKED);
  await until(async () => (await test.events('fleet.agent.spawned')).length === 1);
  const nonce = machine.starts[0]?.nonce ?? '';
  await test.fleet.agents.register(registration(AGENT, { generation: 1, nonce, heartbeatTtlMs: 600_000 }));
  const [queued] = await test.fleet.tasks.enqueue([task()], null);
  await test.fleet.tasks.claim(claimOf(AGENT, { leaseMs: 600_000 }));
  // Losses right after the start of a fleet are held against nobody.
  await test.clock.advance(10_000);
  if (when === 'ends while it is watched') {
    await startPools(machine);
    await test.clock.advance(10_000);
    end();
  } else {
    await pools?.close();
    end();
    await startPools(machine);
  }
  await until(() => test.fleet.agents.get(AGENT)?.status === 'FAILED');
  const { state, counted_losses: losses } = await test.fleet.tasks.get(queued?.task.task_id ?? '');
  expect({ state, losses }).toEqual({ state: 'queued', losses: counted });
});
