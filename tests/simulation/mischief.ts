import { between, happens, oneOf } from './chance.ts';
import { bringPoison, OPERATIONS } from './operators.ts';
import type { World } from './world.ts';

/** Long enough for a task that its lease has to be renewed. */
const SLOW = 8;
const HOUR_MS = 3_600_000;

/**
 * What may go wrong, each a name for a scenario's weights. Each says whether there was anything to go wrong with: only
 * then it is counted as a fault.
 */
const FAULTS = {
  agent_hangs: (world) => {
    const process = oneOf(world.random, world.machine.processes);
    if (!process) return false;
    process.worker.hang();
    world.clock.after(between(world.random, 1000, 25_000), () => process.worker.wake());
    return true;
  },
  agent_crashes: (world) => {
    const process = oneOf(world.random, world.machine.processes);
    if (process) world.machine.crash(process);
    return process !== undefined;
  },
  /** Most at once: a storm, whose cause is hardly in the agents. */
  agents_hang_together: (world) => {
    const hanging = world.machine.processes.slice(1);
    for (const { worker } of hanging) worker.hang();
    world.clock.after(between(world.random, 5000, 15_000), () => {
      for (const { worker } of hanging) worker.wake();
    });
    return hanging.length > 0;
  },
  /** More than a policy may repair in parallel, and fewer than a storm. */
  agents_crash_together: (world) => {
    const crashing = world.machine.processes.slice(0, 3);
    for (const process of crashing) world.machine.crash(process);
    return crashing.length > 0;
  },
  /** A program that ends whenever it is started, until somebody repairs it. */
  program_breaks: (world) => {
    const process = oneOf(world.random, world.machine.processes);
    if (!process) return false;
    const forMs = between(world.random, 5000, 150_000);
    world.machine.breakProgram(process.agentId, { forMs, runForMs: between(world.random, 200, 4000) });
    return true;
  },
  /** What all of a pool need to run is away: they end, and end again until it is back. */
  dependency_is_away: (world) => {
    const pool = oneOf(world.random, world.pools);
    const forMs = between(world.random, 1000, 45_000);
    if (pool) world.machine.breakProgram(pool.id, { forMs, runForMs: 500 });
    return pool !== undefined;
  },
  machine_reboots: (world) => {
    world.reboot();
    return true;
  },
  /** Those that ended last are not there any more, and others have their pids. */
  pids_are_given_again: (world) =>
    world.machine.giveFreedPidsToStrangers(between(world.random, 5000, 60_000)) > 0,
  one_shot_runs: (world) => {
    world.oneShots.run(oneOf(world.random, ['done', 'fails', 'interrupted'] as const));
    return true;
  },
  poison_comes: (world) => {
    bringPoison(world);
    return true;
  },
  agent_is_slow: (world) => {
    const process = oneOf(world.random, world.machine.processes);
    if (process) process.worker.slowness = between(world.random, 2, 10);
    return process !== undefined;
  },
  agent_is_cut_off: (world) => {
    const process = oneOf(world.random, world.machine.processes);
    if (process) world.network.partition(process.agentId, between(world.random, 500, 9000));
    return process !== undefined;
  },
  /** Beats alone are lost, and nobody can see what the process does: its leases are all that is known of it. */
  beats_are_lost: (world) => {
    const process = oneOf(world.random, world.machine.processes);
    if (!process) return false;
    const { worker } = process;
    worker.isUnseen = true;
    worker.slowness = Math.max(worker.slowness, SLOW);
    world.clock.after(between(world.random, 4000, 15_000), () => {
      worker.isUnseen = false;
    });
    return true;
  },
  /** A switch fails, and its ports come back one by one: most of the fleet is silent, and well. */
  network_splits: (world) => {
    const cut = world.machine.processes.slice(1);
    for (const { agentId } of cut) world.network.partition(agentId, between(world.random, 4000, 30_000));
    return cut.length > 0;
  },
  /** Who has no token says of somebody else's agent that it is sick. */
  stranger_gossips: (world) => {
    const process = oneOf(world.random, world.machine.processes);
    if (process) world.gossip.speakOf(process.agentId, between(world.random, 2000, 20_000));
    return process !== undefined;
  },
  stranger_crashes: (world) => world.strangers.crashOne(),
  network_loses: (world) => {
    world.network.lossShare = 0.2;
    world.clock.after(between(world.random, 500, 5000), () => {
      world.network.lossShare = 0;
    });
    return true;
  },
  starts_fail: (world) => {
    world.machine.refusalShare = 0.8;
    world.clock.after(between(world.random, 500, 6000), () => {
      world.machine.refusalShare = 0;
    });
    return true;
  },
  server_is_killed: (world) => {
    world.server?.crash();
    return world.server !== null;
  },
  server_dies_in_transaction: (world) => {
    const how = happens(world.random, 0.5) ? 'before_commit' : 'after_commit';
    world.disk.killIn(between(world.random, 0, 6), how);
    return world.server !== null;
  },
  server_is_stopped: (world) => {
    world.stopWanted = true;
    return world.server !== null;
  },
  /** Others take the CPUs: the server and all agents get them late, by up to seconds and together. */
  host_is_busy: (world) =>
    world.host.begin(between(world.random, 10_000, 60_000), between(world.random, 200, 2000)),
  /** A collection of garbage, of the server or of one agent. */
  process_pauses: (world) => {
    const pauseMs = between(world.random, 50, 800);
    if (happens(world.random, 0.5)) return world.stallServer(pauseMs);
    const process = oneOf(world.random, world.machine.processes);
    process?.worker.starve(pauseMs);
    return process !== undefined;
  },
  server_stalls: (world) => world.stallServer(between(world.random, 200, 8000)),
  disk_fails: (world) => world.breakDisk('failing', between(world.random, 100, 6000)),
  disk_is_full: (world) => world.breakDisk('full', between(world.random, 100, 6000)),
  wall_clock_steps: (world) => {
    world.stepWallClock(between(world.random, -20_000, 20_000));
    return true;
  },
  /** As by hand, for summer time. */
  wall_clock_leaps: (world) => {
    world.stepWallClock(happens(world.random, 0.5) ? HOUR_MS : -HOUR_MS);
    return true;
  },
} as const satisfies Readonly<Record<string, (world: World) => boolean>>;

export type Fault = keyof typeof FAULTS;
export type Mischief = Fault | keyof typeof OPERATIONS | 'nothing';

export const FAULT_NAMES: readonly string[] = Object.keys(FAULTS);

const isFault = (mischief: Mischief): mischief is Fault => Object.hasOwn(FAULTS, mischief);

/** Lets something happen in the world, and counts it where it is a fault. */
export function commit(mischief: Mischief, world: World): void {
  if (mischief === 'nothing') return;
  if (!isFault(mischief)) OPERATIONS[mischief](world);
  else if (FAULTS[mischief](world)) world.ledger.injected(mischief);
}
