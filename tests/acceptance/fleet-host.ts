// The fleet part of a server as a process of its own, so that a test can kill it: pools, the process runtime and a
// database in the directory given. Orders come as JSON lines on stdin; answers and events go out on stdout.
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createEventBus } from '#eventbus';
import {
  createFleet,
  createProcessTable,
  findUnitGroups,
  LogFiles,
  Pools,
  ProcessRuntime,
  UnitStarter,
  type Runtime,
} from '#fleet';
import { openStateDatabase } from '#storage';
import {
  createSystemClock,
  createSystemRandom,
  messageOf,
  SelfMetrics,
  silentLogger,
  type Tracing,
} from '#telemetry';
import { silentSpan } from '../../src/telemetry/tracing/tracing.test-support.ts';

const directory = process.argv[2] ?? '';
const tracing: Tracing = {
  startSpan: (_, { parent }) =>
    silentSpan(parent ?? '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
};

const clock = createSystemClock();
const common = { clock, random: createSystemRandom(), logger: silentLogger, metrics: new SelfMetrics() };
const database = await openStateDatabase({ directory, clock, logger: silentLogger, role: 'server' });
const bus = createEventBus({ ...common, database });
bus.listen((event) => say({ event }));
const fleet = createFleet({ ...common, database, bus });
await fleet.start();
const processes = new ProcessRuntime({
  clock,
  logger: silentLogger,
  table: createProcessTable(),
  starter: new UnitStarter(silentLogger),
  logs: new LogFiles(join(directory, 'logs')),
  groups: findUnitGroups(directory),
});
const pools = new Pools(
  {
    ...common,
    database,
    bus,
    host: null,
    tracing,
    generations: fleet.generations,
    drains: fleet.heartbeats,
    agents: fleet.agents,
    activity: fleet.feed,
    silence: fleet.heartbeats,
    tasks: fleet.tasks,
    runtimes: [process.env['HOST_DIES_AFTER_SPAWN'] ? dyingAfterSpawn(processes) : processes],
    agentTokens: { mint: () => Promise.resolve('token'), end: () => Promise.resolve() },
    maxAgents: fleet.limits.maxAgents,
  },
  {
    url: process.env['HOST_SERVER_URL'] ?? 'http://127.0.0.1:9',
    otlpUrl: null,
    inheritedEnv: { PATH: process.env['PATH'] ?? '' },
  },
);
await pools.start();
say({ ready: true });

for await (const line of createInterface({ input: process.stdin })) {
  const { id, call, args } = JSON.parse(line) as {
    id: number;
    call: 'create' | 'update' | 'get' | 'restart' | 'setScaleOverride' | 'stopAll';
    args: never[];
  };
  try {
    say({ id, result: (await (pools[call] as (...args: never[]) => Promise<unknown>)(...args)) ?? null });
  } catch (error) {
    say({ id, error: messageOf(error) });
  }
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** The worst moment: the process runs, and nobody has written that down. */
function dyingAfterSpawn(runtime: Runtime): Runtime {
  return {
    name: runtime.name,
    async start(spec) {
      const result = await runtime.start(spec);
      process.kill(process.pid, 'SIGKILL');
      return result;
    },
    capabilities: runtime.capabilities,
    discover: (nonce) => runtime.discover(nonce),
    watch: (handle) => runtime.watch(handle),
    observe: (handle) => runtime.observe(handle),
    activity: (handles) => runtime.activity(handles),
    stop: (handle, order) => runtime.stop(handle, order),
    logs: (unit, maxBytes) => runtime.logs(unit, maxBytes),
    onEnd: (listener) => runtime.onEnd(listener),
    close: () => runtime.close(),
  };
}
