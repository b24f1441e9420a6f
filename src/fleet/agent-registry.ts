import type { StateTransaction } from '#storage';
import type { AgentType } from '#telemetry';

/** A generation of a managed agent that shall run from now on. */
export interface GenerationOpening {
  readonly agentId: string;
  readonly agentType: AgentType;
  readonly poolId: string | null;
  readonly phaseId: string | null;
  /** The secret that the process proves itself with when it registers; only its hash is kept. */
  readonly nonce: string;
  /** `pool_scaled_up`, `restart_requested`, … */
  readonly reason: string;
  /** The person, token or policy that asked. */
  readonly requestedBy: string;
  readonly traceparent: string | null;
}

/** How a generation's process ended. */
export interface GenerationExit {
  readonly agentId: string;
  readonly generation: number;
  /** null where a signal ended it, or where nobody could see the code. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Whether Omoi had asked it to stop: TERMINATED instead of FAILED. */
  readonly expected: boolean;
  readonly traceparent: string | null;
}

/** What the runtimes and pools write into the registry, inside transactions of their own. */
export interface GenerationLog {
  /**
   * Creates the agent in SPAWNING as generation 1, or moves it to n+1, and releases what the older generations
   * held. Returns the generation that shall run.
   * @throws OmoiError `transition_not_allowed` for a quarantined agent, `agent_not_managed` for an external one
   */
  openGeneration(tx: StateTransaction, opening: GenerationOpening): Promise<number>;
  /**
   * Records an exit once (repeating it changes nothing): the current generation's agent becomes FAILED or
   * TERMINATED and what it held is released; of an older generation only its own record changes.
   * @throws OmoiError `unknown_generation`
   */
  recordExit(tx: StateTransaction, exit: GenerationExit): Promise<void>;
}
