import { createSeededRandom, SelfMetrics, silentLogger, type VirtualClock } from '#telemetry';
import { silentSpan } from '../../telemetry/tracing/tracing.test-support.ts';
import type { TestFleet } from '../fleet.test-support.ts';
import { MemoryRuntime, type MemoryMachine } from '../runtimes/memory-runtime.test-support.ts';
import type { PoolParts } from './pool-parts.ts';
import { Pools } from './pools.ts';

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** Pools of a fleet whose units run in the memory of a machine. For tests. */
export function openTestPools(
  { database, bus, stateClock: clock, fleet }: Pick<TestFleet, 'database' | 'bus' | 'stateClock' | 'fleet'>,
  {
    machine,
    ...more
  }: { readonly machine: MemoryMachine } & Partial<
    Pick<PoolParts, 'tracing' | 'mintAgentToken' | 'host' | 'maxAgents'>
  >,
): Pools {
  return new Pools(
    {
      database,
      bus,
      clock,
      host: 'here',
      random: createSeededRandom(7),
      logger: silentLogger,
      metrics: new SelfMetrics(),
      tracing: { startSpan: () => silentSpan(TRACE) },
      generations: fleet.generations,
      drains: fleet.heartbeats,
      agents: fleet.agents,
      activity: fleet.feed,
      silence: fleet.heartbeats,
      tasks: fleet.tasks,
      runtimes: [new MemoryRuntime(machine)],
      mintAgentToken: () => Promise.resolve('token'),
      maxAgents: fleet.limits.maxAgents,
      // All that a test asks for start at once, without time.
      startLimits: { startsPerSecond: 10_000 },
      ...more,
    },
    { url: 'http://127.0.0.1:4600', otlpUrl: null, inheritedEnv: { PATH: '/bin' } },
  );
}

/** How long the machine may take for what a test waits for, ms: it may be busy with much else. */
const PATIENCE_MS = 60_000;

/** The database answers from a thread: real turns of the event loop pass until it has. */
export async function untilTrue(
  clock: VirtualClock,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error('it did not come true');
    await clock.advance(0);
  }
}
