import { messageOf, type FleetFeed, type Timer } from '#telemetry';
import { AgentDirectory } from './agents/agent-directory.ts';
import { AgentIndex } from './agents/agent-index.ts';
import { AgentRegistrations } from './agents/agent-registrations.ts';
import { AgentRegistry } from './agents/agent-registry.ts';
import { FleetActivityFeed } from './fleet-activity-feed.ts';
import type { FleetOptions, FleetParts } from './fleet-parts.ts';
import { StoredGenerations, type GenerationStore, type WorkRelease } from './agents/generation-store.ts';
import { HeartbeatIntake } from './agents/heartbeat-intake.ts';
import { HeartbeatWatch } from './agents/heartbeat-watch.ts';
import { HostDelayReport, type HostDelay } from './agents/host-delay.ts';
import { DEFAULT_FLEET_LIMITS, type FleetLimits } from './limits.ts';
import { LockRegistry } from './locks/lock-registry.ts';
import { StallWatch } from './leases/stall-watch.ts';
import { TaskQueue } from './tasks/task-queue.ts';

export interface Fleet {
  readonly agents: AgentRegistry;
  readonly heartbeats: HeartbeatIntake;
  readonly generations: GenerationStore;
  readonly directory: AgentDirectory;
  readonly tasks: TaskQueue;
  readonly locks: LockRegistry;
  readonly feed: FleetFeed & Pick<FleetActivityFeed, 'setPoolSize'>;
  readonly limits: FleetLimits;
  /** How far the host is behind, so that agents are given more time to beat; null while it is not. */
  hostDelay(): HostDelay | null;
  /** Reads the fleet from the database and starts to judge silence, leases and locks. */
  start(): Promise<void>;
  /** Ends all waits and writes what memory alone knows of heartbeats. */
  stop(): Promise<void>;
}

/** At least so often those are looked for that have ended a while ago. */
const MAX_FORGET_EVERY_MS = 60_000;

/** Agents, tasks and locks over one database. Exactly one fleet runs on a database. */
export function createFleet(options: FleetOptions): Fleet {
  const { clock, logger, metrics, host = null, listens = () => true } = options;
  const limits: FleetLimits = { ...DEFAULT_FLEET_LIMITS, ...options.limits };
  const stall = new StallWatch(clock, limits);
  const agentIndex = new AgentIndex(clock, stall, limits, host);
  const activity = new FleetActivityFeed(agentIndex);
  const parts: FleetParts = { ...options, limits, stall, agentIndex, activity };
  const tasks = new TaskQueue(parts);
  const locks = new LockRegistry(parts);
  const watch = new HeartbeatWatch(parts);
  const hostDelay = new HostDelayReport(parts);
  const directory = new AgentDirectory(parts);
  const work: WorkRelease = {
    reassign: (tx, order) => tasks.reassign(tx, order),
    releaseLocks: (tx, holder) => locks.releaseLocks(tx, holder),
  };
  const generations = new StoredGenerations(parts, work);
  const registrations = new AgentRegistrations(parts, work);
  const agents = new AgentRegistry(parts, { registrations, generations, work, watch });
  const stalls = metrics.counter(
    'omoi_fleet_stalls_total',
    'Stalls of the server after which all ages started afresh.',
  );
  metrics.gauge('omoi_fleet_waiting_claims', 'Claims that wait for a task.', () => tasks.waitingClaims);

  const tick = (): void => {
    if (!listens()) {
      stall.restart();
      return;
    }
    const stalledMs = stall.tick();
    if (stalledMs > 0) {
      stalls.add(1);
      logger.warn(
        { stalled_ms: Math.round(stalledMs) },
        'The server stalled: heartbeat ages and leases count anew from now.',
      );
    }
    hostDelay.tick();
    watch.tick();
    void tasks.tick();
    void locks.tick();
  };
  const sweep = async (): Promise<void> => {
    try {
      await locks.deleteOld(stopping.signal);
      await directory.forgetOld(stopping.signal);
    } catch (thrown) {
      logger.warn({ error: messageOf(thrown) }, 'Old locks and agents not deleted; tried again later.');
    }
  };
  const stopping = new AbortController();
  let timers: readonly Timer[] = [];

  return {
    agents,
    heartbeats: new HeartbeatIntake(parts, watch),
    generations,
    directory,
    tasks,
    locks,
    limits,
    feed: activity,
    hostDelay: () => hostDelay.current(),
    async start() {
      await directory.start();
      await tasks.start();
      await locks.start();
      stall.restart();
      timers = [
        clock.every(limits.tickMs, tick),
        clock.every(limits.beatFlushMs, () => {
          if (listens()) void watch.flush();
        }),
        clock.every(limits.retentionSweepMs, () => void sweep()),
        clock.every(Math.min(MAX_FORGET_EVERY_MS, limits.endedAgentShownMs), () => directory.forgetEnded()),
      ];
    },
    async stop() {
      stopping.abort();
      for (const timer of timers) timer.cancel();
      tasks.stop();
      locks.stop();
      await watch.flush();
    },
  };
}
