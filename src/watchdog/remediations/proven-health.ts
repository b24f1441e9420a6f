import type { AgentStatus, Clock } from '#telemetry';
import type { AgentFacts } from '../ports.ts';

const WELL: ReadonlySet<AgentStatus> = new Set(['IDLE', 'RUNNING']);

/** Whether an agent works, or is ready to. */
export function isWell({ status }: Pick<AgentFacts, 'status'>): boolean {
  return WELL.has(status);
}

interface Well {
  readonly generation: number;
  /** Monotonic. */
  readonly sinceMs: number;
}

/**
 * Since when the agents whose restarts are being verified have been well without a break. Kept in memory alone: after a
 * start of the server they have to show it anew.
 */
export class ProvenHealth {
  readonly #clock: Clock;
  readonly #well = new Map<string, Well>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** For how long the agent's generation has been seen to be well, ms; null where it is not. */
  wellForMs(agent: AgentFacts): number | null {
    const { agentId, generation } = agent;
    if (!isWell(agent)) {
      this.forget(agentId);
      return null;
    }
    const nowMs = this.#clock.monotonicMs();
    const known = this.#well.get(agentId);
    if (known?.generation === generation) return nowMs - known.sinceMs;
    this.#well.set(agentId, { generation, sinceMs: nowMs });
    return 0;
  }

  /** An agent's status has changed: one that is not well has to show its health from the beginning. */
  changed(agentId: string, status: string): void {
    if (status !== 'IDLE' && status !== 'RUNNING') this.forget(agentId);
  }

  /** Nobody verifies it any more. */
  forget(agentId: string): void {
    this.#well.delete(agentId);
  }
}
