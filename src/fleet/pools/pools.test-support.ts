import { afterEach, beforeEach } from 'vitest';
import {
  createSeededRandom,
  definePool,
  SelfMetrics,
  silentLogger,
  type EventType,
  type SystemEvent,
  type Tracing,
  type VirtualClock,
} from '#telemetry';
import { silentSpan } from '../../telemetry/tracing/tracing.test-support.ts';
import { useTestFleet, type TestFleet } from '../fleet.test-support.ts';
import { MemoryMachine, MemoryRuntime } from '../runtimes/memory-runtime.test-support.ts';
import type { PoolParts } from './pool-parts.ts';
import { Pools } from './pools.ts';

export const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** Pools of a fleet whose units run in the memory of a machine. For tests. */
export function openTestPools(
  { database, bus, stateClock: clock, fleet }: Pick<TestFleet, 'database' | 'bus' | 'stateClock' | 'fleet'>,
  {
    machine,
    ...more
  }: { readonly machine: MemoryMachine } & Partial<
    Pick<PoolParts, 'tracing' | 'agentTokens' | 'host' | 'maxAgents'>
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
      agentTokens: { mint: () => Promise.resolve('token'), end: () => Promise.resolve() },
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

export const ASKED = { reason: 'test', by: 'tester', traceparent: null };
export const GRACE_MS = 5000;

/** Two agents of at most six. */
export const POOL = definePool({
  id: 'coders',
  phaseId: 'PHASE_IMPLEMENTATION',
  command: ['run'],
  env: { COLOUR: 'green', OMOI_AGENT_ID: 'somebody-else' },
  desired: 2,
  max: 6,
  graceMs: GRACE_MS,
  orphanTimeoutMs: 60_000,
});

/** Spans whose traceparent tells their parent: the trace stays, the span id is new. */
const tracing: Tracing = {
  startSpan: (_, { parent }) =>
    silentSpan(parent === null ? TRACE : parent.replace(/-[0-9a-f]{16}-/, '-00000000000000aa-')),
};

/** The pools of a server, the machine that their units run on, and what is to be seen of the pool `coders`. */
export interface PoolStage {
  readonly test: TestFleet;
  readonly machine: MemoryMachine;
  readonly pools: Pools;
  /** `AGENT/GENERATION` of each whose token was ended, `, the last` where no other generation of it ran. */
  readonly endedTokens: readonly string[];
  /** A server that starts on the same database and machine. */
  openPools(around?: Pick<TestFleet, 'database'>): Promise<void>;
  /** @param beforeStart called with the new server's pools, which look after nothing yet */
  restart(beforeStart?: (pools: Pools) => Promise<void>): Promise<void>;
  /** The machine boots anew with its clock set back by an hour, and Omoi starts again. */
  rebootSetBack(): Promise<void>;
  readonly until: (condition: () => boolean | Promise<boolean>) => Promise<void>;
  /** `AGENT/GENERATION` of each unit that runs. */
  readonly runningAgents: () => readonly string[];
  /** `UNIT DESIRED` by agent, as in `running run`. */
  readonly processes: () => Promise<Record<string, string>>;
  /** Resolves when these run, and that is recorded. */
  readonly runs: (...agents: string[]) => Promise<void>;
  readonly events: (type: EventType) => Promise<readonly SystemEvent[]>;
  readonly status: (agentId: string) => string | undefined;
}

interface Opening {
  readonly database?: TestFleet['database'] | undefined;
  readonly beforeStart?: ((pools: Pools) => Promise<void>) | undefined;
}

/** A stage of its own for each test of a file; what agents do not say is nothing there. */
export function useTestPools(): PoolStage {
  const test = useTestFleet({ threads: 'one', ticks: 'none' });
  let opened: { readonly machine: MemoryMachine; pools: Pools } | null = null;
  const endedTokens: string[] = [];
  const present = () => {
    if (!opened) throw new Error('the stage is open within a test');
    return opened;
  };
  const open = async (
    machine: MemoryMachine,
    { database = test.database, beforeStart }: Opening = {},
  ): Promise<Pools> => {
    const { bus, stateClock, fleet } = test;
    const agentTokens: PoolParts['agentTokens'] = {
      mint: async (_, { agentId }) => `token of ${agentId}`,
      end: async (_, { agentId, generation, isLast }) =>
        void endedTokens.push(`${agentId}/${generation}${isLast ? ', the last' : ''}`),
    };
    const pools = openTestPools({ database, bus, stateClock, fleet }, { machine, tracing, agentTokens });
    await beforeStart?.(pools);
    await pools.start();
    return pools;
  };
  beforeEach(async () => {
    const machine = new MemoryMachine();
    endedTokens.length = 0;
    opened = { machine, pools: await open(machine) };
  });
  afterEach(() => present().pools.close());
  const stage: PoolStage = {
    test,
    endedTokens,
    get machine() {
      return present().machine;
    },
    get pools() {
      return present().pools;
    },
    async openPools(around) {
      present().pools = await open(present().machine, { database: around?.database });
    },
    async restart(beforeStart) {
      await present().pools.close();
      present().pools = await open(present().machine, { beforeStart });
    },
    async rebootSetBack() {
      await present().pools.close();
      await test.stop();
      test.clock.reboot();
      test.clock.stepWallClock(-3_600_000);
      await test.start();
      await stage.openPools();
    },
    until: (condition) => untilTrue(test.clock, condition),
    runningAgents: () =>
      present()
        .machine.running.map((spec) => `${spec.agentId}/${spec.generation}`)
        .sort(),
    async processes() {
      const { replicas } = await present().pools.get('coders');
      return Object.fromEntries(
        replicas.map(({ agentId, unit, desiredState }) => [agentId, `${unit} ${desiredState}`]),
      );
    },
    runs: (...agents) =>
      stage.until(async () => {
        const { replicas } = await present().pools.get('coders');
        const recorded = replicas.filter(({ unit }) => unit === 'running').length;
        const names = new Set(agents.map((agent) => agent.split('/')[0]));
        return stage.runningAgents().join() === agents.toSorted().join() && recorded >= names.size;
      }),
    events: (type) => test.bus.list({ types: [type], limit: 100 }),
    status: (agentId) => test.fleet.agents.get(agentId)?.status,
  };
  return stage;
}
