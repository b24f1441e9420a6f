/** A maintenance that runs, as far as it matters here. */
export interface MaintenanceFacts {
  readonly target: { readonly kind: 'pool' | 'host' | 'agent'; readonly id: string };
  readonly until: string;
}

/** The maintenance that a pool as a whole is in, the longest first; null without one. */
export function maintenanceOfPool<Facts extends MaintenanceFacts>(
  poolId: string,
  maintenances: readonly Facts[],
): Facts | null {
  return longest(maintenances.filter(({ target }) => target.kind === 'pool' && target.id === poolId));
}

/** The one that an agent is in by itself or by the host that it names; its pool's is told of at the pool. */
export function maintenanceOfAgent<Facts extends MaintenanceFacts>(
  agent: { readonly agent_id: string; readonly labels: Readonly<Record<string, string>> },
  maintenances: readonly Facts[],
): Facts | null {
  const host = agent.labels['host'];
  return longest(
    maintenances.filter(({ target }) =>
      target.kind === 'agent' ? target.id === agent.agent_id : target.kind === 'host' && target.id === host,
    ),
  );
}

function longest<Facts extends MaintenanceFacts>(maintenances: readonly Facts[]): Facts | null {
  const [last = null] = maintenances.toSorted((a, b) => Date.parse(b.until) - Date.parse(a.until));
  return last;
}
