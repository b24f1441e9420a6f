import type { StateTables } from '#storage';
import { parseLabels, type AgentStatus } from '#telemetry';
import type { Selectable } from 'kysely';

/**
 * What is likely to take agents down, or to keep them from being heard, together: the pool that Omoi runs them in, or, of
 * external ones, the group that they say they are of. `pool:demo`, `external:laptops`, `external`.
 */
export function domainOf({
  managed,
  pool_id: poolId,
}: Pick<Selectable<StateTables['agents']>, 'managed' | 'pool_id'>): string {
  const kind = managed === 1 ? 'pool' : 'external';
  return poolId === null ? kind : `${kind}:${poolId}`;
}

/** The machine that an agent says it runs on, in its label `host`; null where it says none. */
export function hostLabelOf({ labels }: Pick<Selectable<StateTables['agents']>, 'labels'>): string | null {
  return parseLabels(labels)['host'] ?? null;
}

/** How many agents there are of each status. */
export class StatusCounts {
  readonly #counts = new Map<AgentStatus, number>();
  size = 0;

  of(status: AgentStatus): number {
    return this.#counts.get(status) ?? 0;
  }

  add(status: AgentStatus, change: 1 | -1): void {
    this.#counts.set(status, this.of(status) + change);
    this.size += change;
  }
}
