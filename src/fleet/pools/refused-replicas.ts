import type { OmoiError } from '#telemetry';
import { hasEnded } from '../agents/agent-status.ts';
import type { RolledAgent } from './pool-parts.ts';

/** A place of a pool that stays empty, and why. */
export interface RefusedReplica {
  readonly agentId: string;
  readonly reason: string;
}

/** Until when the agent that has the id keeps it. */
type Lasts = 'until_it_has_ended' | 'until_it_is_released';

interface Refusal extends RefusedReplica {
  readonly poolId: string;
  readonly lasts: Lasts;
}

/**
 * The replicas that could not be started because of the agent that has their id: it lives and is somebody else's, or is in
 * quarantine. In memory: at a start of the server every pool is looked at.
 */
export class RefusedReplicas {
  readonly #agents: { get(agentId: string): Pick<RolledAgent, 'status'> | undefined };
  readonly #refusals = new Map<string, Refusal>();
  readonly #ofPools = new Map<string, Set<string>>();

  constructor(agents: { get(agentId: string): Pick<RolledAgent, 'status'> | undefined }) {
    this.#agents = agents;
  }

  /** @returns false where that was known */
  add(poolId: string, agentId: string, error: OmoiError): boolean {
    const lasts = error.code === 'agent_not_managed' ? 'until_it_has_ended' : 'until_it_is_released';
    const isKnown = this.#refusals.get(agentId)?.lasts === lasts;
    this.#refusals.set(agentId, { poolId, agentId, lasts, reason: reasonOf(error) });
    const ofPool = this.#ofPools.get(poolId);
    if (ofPool) ofPool.add(agentId);
    else this.#ofPools.set(poolId, new Set([agentId]));
    return !isKnown;
  }

  delete(agentId: string): void {
    const refusal = this.#refusals.get(agentId);
    if (!refusal) return;
    this.#refusals.delete(agentId);
    const ofPool = this.#ofPools.get(refusal.poolId);
    ofPool?.delete(agentId);
    if (ofPool?.size === 0) this.#ofPools.delete(refusal.poolId);
  }

  /** Of a pool only these are to be started still. */
  keep(poolId: string, wanted: ReadonlySet<string>): void {
    for (const agentId of this.#ofPools.get(poolId) ?? []) if (!wanted.has(agentId)) this.delete(agentId);
  }

  /** Whether a start would be refused as it was. */
  stands(agentId: string): boolean {
    const refusal = this.#refusals.get(agentId);
    return refusal !== undefined && !this.#isOver(refusal);
  }

  /** The pool that may start a replica now that could not be started before; null where the agent says nothing of that. */
  poolFreedBy(agentId: string): string | null {
    const refusal = this.#refusals.get(agentId);
    return refusal && this.#isOver(refusal) ? refusal.poolId : null;
  }

  /** By number of the replica. */
  of(poolId: string): readonly RefusedReplica[] {
    return [...(this.#ofPools.get(poolId) ?? [])]
      .flatMap((agentId) => this.#refusals.get(agentId) ?? [])
      .map(({ agentId, reason }) => ({ agentId, reason }))
      .sort(
        (one, other) => one.agentId.length - other.agentId.length || (one.agentId < other.agentId ? -1 : 1),
      );
  }

  #isOver({ agentId, lasts }: Refusal): boolean {
    const status = this.#agents.get(agentId)?.status;
    if (status === undefined) return true;
    return lasts === 'until_it_has_ended' ? hasEnded(status) : status !== 'QUARANTINED';
  }
}

function reasonOf({ code, details }: OmoiError): string {
  if (code === 'agent_not_managed')
    return 'an agent that Omoi does not manage has its id: it is started when that one has ended';
  const status = String(details['status']);
  return status === 'QUARANTINED'
    ? 'it is in quarantine: it is started when it is released'
    : `it is ${status}`;
}
