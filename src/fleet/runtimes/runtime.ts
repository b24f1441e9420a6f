import type { ProcessActivity, ProcessUsage } from '#telemetry';

import type { Confinement } from './confinement.ts';

/** What has to be started: the unit of one generation of an agent. */
export interface UnitSpec {
  readonly agentId: string;
  readonly generation: number;
  /** Program and arguments; no shell is involved. */
  readonly command: readonly string[];
  readonly cwd: string | null;
  readonly env: Readonly<Record<string, string>>;
  /** Part of `env` too; by it a unit is found whose start could not be written down. */
  readonly nonce: string;
  /** As whom it runs and what it may not; absent: as the server, unlimited. */
  readonly confinement?: Confinement;
}

/** A unit as it is written down: enough to find it again after a restart of Omoi. */
export interface StartedUnit {
  /** The runtime's own text (a process's identity, a container's id, a unit's name), never given to another one. */
  readonly handle: string;
  /** null where it is no process of this machine. */
  readonly pid: number | null;
}

export type StartResult =
  | { readonly kind: 'started'; readonly unit: StartedUnit }
  | { readonly kind: 'failed'; readonly error: string };

/** How a unit ended: one of the two is given. */
export interface UnitExit {
  readonly exitCode: number | null;
  /** What ended it by force: `SIGKILL`. */
  readonly signal: string | null;
  /** Whether the kernel most likely ended it for want of memory. */
  readonly outOfMemory?: boolean;
}

export interface EndedUnit {
  readonly handle: string;
  /** null: it is gone, and nobody could see how. */
  readonly exit: UnitExit | null;
}

export type UnitState =
  | { readonly kind: 'running' }
  | { readonly kind: 'ended'; readonly exit: UnitExit | null }
  /** It can't be seen now: the machine or service that has it does not answer. Nothing follows from it. */
  | { readonly kind: 'unknown'; readonly error: string };

/** `ask` lets it finish; a runtime that ends by itself what does not listen does so after `graceMs`. */
export type StopOrder = { readonly how: 'ask'; readonly graceMs: number } | { readonly how: 'force' };

/** The ends of what a unit has written, each at most as long as was asked for. */
export interface UnitOutput {
  /** Where a kind does not tell the two apart all is here. */
  readonly stdout: string;
  readonly stderr: string;
}

/** A generation's unit, as the supervisor names it: what is known of it longest. */
export interface UnitRef {
  readonly agentId: string;
  readonly generation: number;
}

/** In what kinds of units differ, as far as somebody has to know. */
export interface RuntimeCapabilities {
  /** Whether the exit of a unit that an earlier Omoi started is seen too, and not only that it is gone. */
  readonly seesExitOfWatched: boolean;
  /** Whether its units are processes of this machine, whose CPU and memory can be looked at. */
  readonly onThisMachine: boolean;
}

/**
 * What starts and stops units of one kind: processes; later systemd units, containers, pods, what a webhook starts.
 * One conformance suite holds for every implementation. A runtime keeps no record of what should run: it does what it
 * is told, and tells of every end once.
 */
export interface Runtime {
  /** `process`; pools name their runtime by it. */
  readonly name: string;
  readonly capabilities: RuntimeCapabilities;
  /** Starts a unit that outlives Omoi. Never rejects: what can't be started is a result. */
  start(spec: UnitSpec): Promise<StartResult>;
  /** What of a confinement it can't give; absent: it takes none. */
  notEnforced?(wanted: Confinement): readonly string[];
  /** The running unit that was started with this nonce, also by an earlier Omoi; null when there is none. */
  discover(nonce: string): Promise<StartedUnit | null>;
  /** Watches a unit that an earlier Omoi started. One that is gone is told of, soon. */
  watch(handle: string): void;
  /** How a unit stands now; for one whose end was told before, or that another runtime had, it has ended. */
  observe(handle: string): Promise<UnitState>;
  /**
   * What units and all that they started have done since they were looked at before; of a first look, only that they
   * are stopped. A unit that has ended is left out, and so is one whose processes can't be looked at.
   * @param within a look longer ago than so many ms is none; left out: however long ago
   */
  activity(
    handles: readonly string[],
    within?: { readonly withinMs: number },
  ): Promise<ReadonlyMap<string, ProcessActivity>>;
  /** One listener, told what a unit uses whenever it is looked at; absent: that is not known. */
  onUsage?(listener: (handle: string, usage: ProcessUsage) => void): void;
  /** Looks at units for what they use alone. */
  measure?(handles: readonly string[]): Promise<void>;
  /** Stops a unit and all that it started; false when it is gone. Repeating it does no harm. */
  stop(handle: string, order: StopOrder): Promise<boolean>;
  /** The end of what it wrote, at most `maxBytes` of each stream; also after it has ended and been replaced, while that is kept. */
  logs(unit: UnitRef, maxBytes: number): Promise<UnitOutput>;
  /** One listener, set before anything is started. Own units' ends come at once, watched ones' within 250 ms (of thousands: 1.5 s). */
  onEnd(listener: (ended: EndedUnit) => void): void;
  /** Stops watching; the units go on. */
  close(): void;
}
