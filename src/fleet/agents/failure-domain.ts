import type { StateTables } from '#storage';
import { parseLabels, type AgentStatus } from '#telemetry';
import type { Selectable } from 'kysely';

type DomainFacts = Pick<Selectable<StateTables['agents']>, 'managed' | 'pool_id' | 'labels'>;

/**
 * Where an agent stands: what is likely to take it down, or to keep it from being heard, together with others. Its failure
 * domains are the pool that Omoi runs it in or, of an external one, the group that it says it is of; its host; and whoever
 * provides what it works with.
 */
export interface Placement {
  /** As its label `host` says, else where Omoi has started it; null where neither is known. */
  readonly host: string | null;
  /** `pool:demo`, `external:laptops` or `external`; then `host:web-1` and `provider:acme`, where it has them. */
  readonly domains: readonly string[];
  /** The same for those alone that are in the same domains. */
  readonly cellId: string;
}

/** @param ownHost the host on which Omoi starts agents; null where that is unknown */
export function placementOf(
  { managed, pool_id: poolId, labels }: DomainFacts,
  ownHost: string | null,
): Placement {
  const said = parseLabels(labels);
  const kind = managed === 1 ? 'pool' : 'external';
  // An empty label says nothing.
  const host = said['host'] || (managed === 1 ? ownHost : null);
  const provider = said[PROVIDER_LABEL] || null;
  const domains = [
    poolId === null ? kind : `${kind}:${poolId}`,
    ...(host === null ? [] : [`host:${host}`]),
    ...(provider === null ? [] : [`provider:${provider}`]),
  ];
  return { host, domains, cellId: JSON.stringify(domains) };
}

/** What an agent works with: of one that Omoi runs its pool says it, of an external one its own label. */
const PROVIDER_LABEL = 'provider';

/** Labels, as JSON, that name this provider; with null they name none. */
export function withProvider(labels: string, provider: string | null): string {
  const { [PROVIDER_LABEL]: _other, ...rest } = parseLabels(labels);
  return JSON.stringify(provider === null ? rest : { ...rest, [PROVIDER_LABEL]: provider });
}

/** The provider that labels, as JSON, name; null where they name none. */
export function providerIn(labels: string): string | null {
  return parseLabels(labels)[PROVIDER_LABEL] ?? null;
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

/** The agents that are in the same failure domains. */
export interface DomainCell {
  readonly id: string;
  readonly domains: readonly string[];
  readonly counts: StatusCounts;
}

/** How many agents of each status there are in all, in each failure domain, and in each of their cells. */
export class DomainCounts {
  readonly #all = new StatusCounts();
  readonly #byDomain = new Map<string, StatusCounts>();
  readonly #cells = new Map<string, DomainCell>();
  /** Those that have agents of a status. */
  readonly #cellsByStatus = new Map<AgentStatus, Set<DomainCell>>();

  /** @param domain of one failure domain alone */
  of(status: AgentStatus, domain?: string): number {
    const counts = domain === undefined ? this.#all : this.#byDomain.get(domain);
    return counts?.of(status) ?? 0;
  }

  cells(): Iterable<DomainCell> {
    return this.#cells.values();
  }

  /** The cells that have agents of a status. */
  cellsOf(status: AgentStatus): Iterable<DomainCell> {
    return this.#ofStatus(status).values();
  }

  #ofStatus(status: AgentStatus): Set<DomainCell> {
    const known = this.#cellsByStatus.get(status);
    if (known) return known;
    const cells = new Set<DomainCell>();
    this.#cellsByStatus.set(status, cells);
    return cells;
  }

  add({ domains, cellId }: Placement, status: AgentStatus, change: 1 | -1): void {
    this.#all.add(status, change);
    for (const domain of domains) {
      const counts = this.#byDomain.get(domain) ?? new StatusCounts();
      this.#byDomain.set(domain, counts);
      counts.add(status, change);
      if (counts.size === 0) this.#byDomain.delete(domain);
    }
    const cell = this.#cells.get(cellId) ?? { id: cellId, domains, counts: new StatusCounts() };
    this.#cells.set(cellId, cell);
    cell.counts.add(status, change);
    if (cell.counts.size === 0) this.#cells.delete(cellId);
    if (cell.counts.of(status) > 0) this.#ofStatus(status).add(cell);
    else this.#ofStatus(status).delete(cell);
  }
}
