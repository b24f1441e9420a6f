import type { EventBus } from '#eventbus';
import type { StateDatabase, StateTransaction } from '#storage';
import type {
  AgentStatus,
  Clock,
  Logger,
  ProcessActivity,
  ProcessUsage,
  Random,
  SelfMetrics,
  Tracing,
} from '#telemetry';
import type { GenerationStore } from '../agents/generation-store.ts';
import type { FleetActivityFeed } from '../fleet-activity-feed.ts';
import type { Runtime } from '../runtimes/runtime.ts';
import type { StartLimits } from './start-rates.ts';

/** Where the workers find the server; known when it listens. */
export interface WorkerConnection {
  /** `http://127.0.0.1:4600` */
  readonly url: string;
  /** Where OTLP/HTTP goes; null where it is not served. */
  readonly otlpUrl: string | null;
  /** What every worker inherits: PATH, HOME … and none of the server's secrets. */
  readonly inheritedEnv: Readonly<Record<string, string>>;
}

/** The bearer tokens of managed agents. */
interface AgentTokens {
  /** Gives a generation its token, bound to the agent and its pool. */
  mint(
    tx: StateTransaction,
    agent: {
      readonly agentId: string;
      readonly generation: number;
      readonly poolId: string | null;
      readonly enqueueFor: readonly string[];
    },
  ): Promise<string>;
  /** The process of a generation has ended, and nobody uses its token any more. @param agent.isLast no other generation runs */
  end(
    tx: StateTransaction,
    agent: { readonly agentId: string; readonly generation: number; readonly isLast: boolean },
  ): Promise<void>;
}

/** Asks an agent by its next heartbeat's answer to finish its work and end. */
interface DrainSignal {
  drain(
    holder: { readonly agentId: string; readonly generation: number },
    order: { readonly leaves: boolean },
  ): void;
}

/** Where tasks learn for how long agents of a pool may hold them. */
interface TaskLimits {
  limitTimes(poolId: string, limitsMs: Readonly<Record<string, number>> | null): void;
}

/** Whose silence is judged: since when, and what their processes do meanwhile. */
export interface SilentAgents {
  /** The process of a generation runs: its time to register begins. */
  started(holder: { readonly agentId: string; readonly generation: number }): void;
  /** It could not be started, and is tried again. */
  couldNotStart(holder: { readonly agentId: string; readonly generation: number }, error: string): void;
  /** It has not been started because others are before it: that is no silence. */
  awaitsStart(holder: { readonly agentId: string; readonly generation: number }): void;
  silent(): readonly { readonly agentId: string; readonly generation: number }[];
  /** Tells what the processes of one of them were seen to do. */
  showed(holder: { readonly agentId: string; readonly generation: number }, activity: ProcessActivity): void;
  /** Takes what the processes of an agent do for its heartbeat: it sends none by itself. */
  beatFor(holder: { readonly agentId: string; readonly generation: number }, activity: ProcessActivity): void;
  /** Takes what the processes of an agent use. */
  used(holder: { readonly agentId: string; readonly generation: number }, usage: ProcessUsage): void;
}

/** An agent in memory, as far as a roll asks for it. */
export interface RolledAgent {
  readonly generation: number;
  readonly status: AgentStatus;
  readonly pace: { readonly intervalMs: number; readonly ttlMs: number };
  /** Whether another process beats for it. */
  readonly evidenceTold: boolean;
  /** How many signs of life it has given to this server. */
  readonly beats: number;
  /** Whether it has sent a beat of its own. */
  readonly speaks: boolean;
}

/** What pools and their processes stand on. */
export interface PoolParts {
  readonly database: StateDatabase;
  readonly bus: EventBus;
  readonly clock: Clock;
  /** The machine on which the server runs, and starts units; null where that is unknown. */
  readonly host: string | null;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly tracing: Tracing;
  readonly generations: GenerationStore;
  readonly drains: DrainSignal;
  /** The agents as memory has them. */
  readonly agents: {
    get(agentId: string): RolledAgent | undefined;
    /** Registers a generation in place of its process; false where that has registered by itself. */
    standIn(holder: { readonly agentId: string; readonly generation: number }): Promise<boolean>;
  };
  readonly activity: Pick<FleetActivityFeed, 'onActivity' | 'setPoolSize'>;
  readonly silence: SilentAgents;
  readonly tasks: TaskLimits;
  readonly runtimes: readonly Runtime[];
  readonly agentTokens: AgentTokens;
  /** So many all pools together may have. */
  readonly maxAgents: number;
  readonly startLimits?: StartLimits;
}

/** Who asked for a change, and why. */
export interface Asked {
  readonly reason: string;
  /** The person, token or policy. */
  readonly by: string;
  readonly traceparent: string | null;
}
