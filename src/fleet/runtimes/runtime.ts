/** What has to be started. */
export interface StartSpec {
  readonly agentId: string;
  readonly generation: number;
  /** Program and arguments; no shell is involved. */
  readonly command: readonly string[];
  readonly cwd: string | null;
  readonly env: Readonly<Record<string, string>>;
  /** Part of `env` too; by it a process is found whose start could not be written down. */
  readonly nonce: string;
}

/** A process as it is written down: enough to find it again after a restart of Omoi. */
export interface StartedProcess {
  /** The runtime's own text, never given to another process. */
  readonly handle: string;
  /** null where the runtime knows no process of this machine. */
  readonly pid: number | null;
}

export type StartResult =
  | { readonly kind: 'started'; readonly process: StartedProcess }
  | { readonly kind: 'failed'; readonly error: string };

/** Both null: it is gone, and nobody could see how. */
export interface ProcessExit {
  readonly handle: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
}

export type StopSignal = 'SIGTERM' | 'SIGKILL';

/**
 * What starts and stops agent processes. One conformance suite holds for every implementation. A runtime keeps no
 * record of what should run: it does what it is told, and tells of every exit once.
 */
export interface Runtime {
  /** `process`; pools name their runtime by it. */
  readonly name: string;
  /** Starts a process that outlives Omoi. Never rejects: what can't be started is a result. */
  start(spec: StartSpec): Promise<StartResult>;
  /** The running process that was started with this nonce, also by an earlier Omoi; null when there is none. */
  findByNonce(nonce: string): Promise<StartedProcess | null>;
  /** Watches a process that an earlier Omoi started. One that is gone is told of as an exit, soon. */
  adopt(handle: string): void;
  /** To the process and all that it started. Returns false when it is gone. */
  signal(handle: string, signal: StopSignal): boolean;
  /** One listener, set before anything is started. Own children's exits come at once, adopted ones' within 250 ms. */
  onExit(listener: (exit: ProcessExit) => void): void;
  /** Stops watching; the processes go on. */
  close(): void;
}
