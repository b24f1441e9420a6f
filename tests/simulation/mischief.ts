import { between, happens, oneOf } from './chance.ts';
import { OPERATIONS } from './operators.ts';
import type { World } from './world.ts';

/** Long enough for a task that its lease has to be renewed. */
const SLOW = 8;

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
    if (process) world.machine.crash(process);
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
    for (const process of world.machine.processes.slice(0, 3)) world.machine.crash(process);
  },
  /** A program that ends whenever it is started, until somebody repairs it. */
  program_breaks: (world) => {
    const process = oneOf(world.random, world.machine.processes);
    if (!process) return;
    const forMs = between(world.random, 5000, 150_000);
    world.machine.breakProgram(process.agentId, { forMs, runForMs: between(world.random, 200, 4000) });
  },
  /** What all of a pool need to run is away: they end, and end again until it is back. */
  dependency_is_away: (world) => {
    const pool = oneOf(world.random, world.pools);
    const forMs = between(world.random, 1000, 45_000);
    if (pool) world.machine.breakProgram(pool.id, { forMs, runForMs: 500 });
  },
  machine_reboots: (world) => world.reboot(),
  /** Those that ended last are not there any more, and others have their pids. */
  pids_are_given_again: (world) =>
    world.machine.giveFreedPidsToStrangers(between(world.random, 5000, 60_000)),
  one_shot_runs: (world) =>
    world.oneShots.run(oneOf(world.random, ['done', 'fails', 'interrupted'] as const)),
  agent_is_slow: (world) => {
    const process = oneOf(world.random, world.machine.processes);
    if (process) process.worker.slowness = between(world.random, 2, 10);
  },
  agent_is_cut_off: (world) => {
    const process = oneOf(world.random, world.machine.processes);
    if (process) world.network.partition(process.agentId, between(world.random, 500, 9000));
  },
  /** Beats alone are lost, and nobody can see what the process does: its leases are all that is known of it. */
  beats_are_lost: (world) => {
    const process = oneOf(world.random, world.machine.processes);
    if (!process) return;
    const { worker } = process;
    worker.isUnseen = true;
    worker.slowness = Math.max(worker.slowness, SLOW);
    world.clock.after(between(world.random, 4000, 15_000), () => {
      worker.isUnseen = false;
    });
  },
  /** A switch fails: most of the fleet is silent, and well. */
  network_splits: (world) => {
    const forMs = between(world.random, 4000, 15_000);
    for (const { agentId } of world.machine.processes.slice(1)) world.network.partition(agentId, forMs);
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
