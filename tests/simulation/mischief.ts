import { between, happens, oneOf } from './chance.ts';
import { OPERATIONS } from './operators.ts';
import type { World } from './world.ts';

/** What may go wrong, each a name for a scenario's weights. */
const FAULTS = {
  nothing: () => {},
  agent_hangs: (world) => {
    const process = oneOf(world.random, world.machine.processes);
    if (!process) return;
    process.worker.hang();
    world.clock.after(between(world.random, 1000, 25_000), () => process.worker.wake());
  },
  agent_crashes: (world) => {
    const process = oneOf(world.random, world.machine.processes);
    if (process) world.machine.end(process.handle, { exitCode: 1, signal: null });
  },
  /** Most at once: a storm, whose cause is hardly in the agents. */
  agents_hang_together: (world) => {
    const hanging = world.machine.processes.slice(1);
    for (const { worker } of hanging) worker.hang();
    world.clock.after(between(world.random, 5000, 15_000), () => {
      for (const { worker } of hanging) worker.wake();
    });
  },
  /** More than a policy may repair in parallel, and fewer than a storm. */
  agents_crash_together: (world) => {
    for (const { handle } of world.machine.processes.slice(0, 3))
      world.machine.end(handle, { exitCode: 1, signal: null });
  },
  agent_is_slow: (world) => {
    const process = oneOf(world.random, world.machine.processes);
    if (process) process.worker.slowness = between(world.random, 2, 10);
  },
  agent_is_cut_off: (world) => {
    const process = oneOf(world.random, world.machine.processes);
    if (process) world.network.partition(process.agentId, between(world.random, 500, 9000));
  },
  stranger_crashes: (world) => world.strangers.crashOne(),
  network_loses: (world) => {
    world.network.lossShare = 0.2;
    world.clock.after(between(world.random, 500, 5000), () => {
      world.network.lossShare = 0;
    });
  },
  starts_fail: (world) => {
    world.machine.refusalShare = 0.8;
    world.clock.after(between(world.random, 500, 6000), () => {
      world.machine.refusalShare = 0;
    });
  },
  server_is_killed: (world) => world.server?.crash(),
  server_dies_in_transaction: (world) => {
    const how = happens(world.random, 0.5) ? 'before_commit' : 'after_commit';
    world.disk.killIn(between(world.random, 0, 6), how);
  },
  server_is_stopped: (world) => {
    world.stopWanted = true;
  },
  server_stalls: (world) => world.stallServer(between(world.random, 200, 8000)),
  disk_fails: (world) => world.breakDisk('failing', between(world.random, 100, 6000)),
  disk_is_full: (world) => world.breakDisk('full', between(world.random, 100, 6000)),
  wall_clock_steps: (world) => world.stepWallClock(between(world.random, -20_000, 20_000)),
  ...OPERATIONS,
} as const satisfies Readonly<Record<string, (world: World) => void>>;

export type Mischief = keyof typeof FAULTS;

export function commit(mischief: Mischief, world: World): void {
  FAULTS[mischief](world);
}
