import type { StateTransaction } from '#storage';
import type { AgentStatus, Labels, Sender, TargetKind } from '#telemetry';

/** What the watchdog may do to the fleet; every action states what should be, so that repeating it is harmless. */
export interface FleetActuator {
  /**
   * "The generation after `expectedGeneration` should run." Where it runs already nothing happens.
   * @throws OmoiError `unknown_agent`, `transition_not_allowed`, …
   */
  restart(order: RestartOrder): Promise<{ readonly generation: number }>;
  /** "Under this override the pool should have `add` more." @throws OmoiError `unknown_pool` */
  raiseScale(order: ScaleOrder): Promise<void>;
  /** Moves an override's expiry to `ttlMs` from now; false where it has expired, or never was. */
  extendScale(overrideId: string, ttlMs: number): Promise<boolean>;
  /** Takes an override back; an unknown one is gone already. */
  releaseScale(overrideId: string, traceparent: string | null): Promise<void>;
  agent(agentId: string): AgentFacts | null;
  hasPool(poolId: string): boolean;
  /** The ids of the agents that Omoi starts in that pool, or of all pools: among them a count of targets is chosen. */
  peersOf(target: { readonly kind: TargetKind; readonly poolId: string | null }): Iterable<string>;
  /** Whether an agent runs on that host. */
  hasHost(host: string): boolean;
  /** How many agents of a pool run, and may run; null where there is no such pool. */
  pool(poolId: string): PoolFacts | null;
  /** The end of what a generation's process put out; empty where nothing is known of it. */
  lastOutput(agentId: string, generation: number): Promise<string>;
  /** The pools whose agents work in a phase. */
  poolsOfPhase(phaseId: string): readonly string[];
  /** @param domain a failure domain, `pool:demo`; the whole fleet where absent */
  health(domain?: string): FleetHealth;
  /** All agents, those together that are in the same failure domains. */
  cells(): Iterable<DomainCell>;
  /** Those of them in which somebody is silent. */
  silentCells(): Iterable<DomainCell>;
}

export interface RestartOrder {
  readonly agentId: string;
  readonly expectedGeneration: number;
  readonly reason: string;
  readonly requestedBy: string;
  readonly traceparent: string | null;
}

export interface ScaleOrder {
  readonly poolId: string;
  readonly overrideId: string;
  readonly add: number;
  readonly ttlMs: number;
  readonly reason: string;
  readonly traceparent: string | null;
}

export interface AgentFacts {
  readonly agentId: string;
  readonly poolId: string | null;
  /** The machine it runs on; null where it has not said. */
  readonly host: string | null;
  /** Whether Omoi starts and stops it. */
  readonly managed: boolean;
  /**
   * What takes it down together with others: `pool:demo` or `external:laptops`, then `host:web-1` and `provider:acme` where it
   * has them.
   */
  readonly domains: readonly string[];
  readonly generation: number;
  readonly status: AgentStatus;
  /** Why it has that status, as the fleet says it: `exit 1`, `finished`, `stopped by ann`. */
  readonly statusReason: string;
  /** Whether it was asked to end and no generation follows. */
  readonly leaves: boolean;
  /** Whether it was asked to end, and is to be followed by another generation. */
  readonly drains: boolean;
  /** The task that explains why it is ill: the agent had it alone, and others were lost with it before. */
  readonly blamedTaskId: string | null;
  /** For how long it is still open whether a task that it was lost with explains that it is ill, ms; 0 where it is not. */
  readonly suspicionLeftMs: number;
  /** Whether its last heartbeat said that it is not well. */
  readonly saysUnwell: boolean;
  /** Monotonic ms since the generation's last sign of life, or since one is awaited. */
  readonly silenceMs: number;
  /** How long ago, monotonic ms, work was seen in flight (a renewed lease) that came after its last heartbeat; null: none. */
  readonly workAfterBeatMs: number | null;
  readonly heartbeatTtlMs: number;
  readonly heartbeatIntervalMs: number;
  /** False where another process beats for it. */
  readonly beatsForItself: boolean;
}

/** A pool's agents. */
export interface PoolFacts {
  /** Those that work or are ready to. */
  readonly running: number;
  /** Those that are being started. */
  readonly spawning: number;
  /** How many it is to have without overrides, and at most with them. */
  readonly desired: number;
  readonly max: number;
}

/** How many agents should be alive, and how many of them are silent: dead perhaps, or Omoi is deaf. */
export interface FleetHealth {
  readonly agents: number;
  readonly silent: number;
}

/** The health of the agents that are in the same failure domains. */
export interface DomainCell extends FleetHealth {
  readonly id: string;
  readonly domains: readonly string[];
}

/** What the watchdog needs to know of alerts. */
export interface AlertReader {
  /** @param tx reads in this transaction, so that the alert can't end before it does; else what is committed */
  get(alertId: string, tx?: StateTransaction): Promise<AlertFacts | null>;
  /** Those of the alerts that fire, in the order of the ids; they can't end before the transaction does. */
  firingAmong(tx: StateTransaction, alertIds: readonly string[]): Promise<readonly AlertFacts[]>;
  /** All of them. */
  firing(): Promise<readonly AlertFacts[]>;
}

/** Says whose word an alert rests on, and whom they may speak for. */
export interface AlertAuthority {
  /**
   * Why the watchdog may not act on the target for this alert: which sender has a part in it that may not speak for the
   * target, and what to do about it. Null where all may. Known from memory.
   */
  refusalOf(alert: AlertFacts, target: SpokenFor): string | null;
}

/** What somebody may speak for, or not. */
export interface SpokenFor {
  readonly kind: TargetKind;
  readonly id: string;
  /** The pool, or the pool of the agent; null where it is in none. */
  readonly poolId: string | null;
}

export interface AlertFacts {
  readonly alertId: string;
  readonly ruleId: string;
  readonly labels: Labels;
  readonly severity: string;
  readonly state: 'firing' | 'resolved';
  readonly cause: string | null;
  readonly value: number;
  /** Which values are worse, as the rule's comparison says; null where it compares with no number. */
  readonly worse: 'higher' | 'lower' | null;
  /** Whether what it is about was under maintenance when it began: then somebody was at work on it. */
  readonly maintained: boolean;
  /** Who says that it fires, where it was posted; null where a rule says so. */
  readonly postedBy: readonly Sender[] | null;
  readonly traceparent: string | null;
}
