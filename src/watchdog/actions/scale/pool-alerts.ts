import type { StateDatabase } from '#storage';

/** A policy that acts on a pool for an alert. */
export interface PoolAlert {
  readonly policy: string;
  readonly poolId: string;
  readonly alertId: string;
}

/** So many alerts are asked about in one query. */
const MAX_ALERTS_PER_QUERY = 500;

/** Which alerts fire for a pool, as each policy sees it: kept from what begins and ends, rebuilt at a start. */
export class PoolAlerts {
  /** Alerts by policy and pool, and back. */
  readonly #alerts = new Map<string, Set<string>>();
  readonly #keys = new Map<string, Set<string>>();

  /** Reads what was planned for the alerts that fire. */
  async start(database: StateDatabase, firing: readonly string[]): Promise<void> {
    for (let at = 0; at < firing.length; at += MAX_ALERTS_PER_QUERY) {
      const rows = await database.reader
        .selectFrom('remediations')
        .select(['policy', 'target_id as poolId', 'alert_id as alertId'])
        .where('alert_id', 'in', firing.slice(at, at + MAX_ALERTS_PER_QUERY))
        .where('target_kind', '=', 'pool')
        .execute();
      for (const row of rows) this.begin(row);
    }
  }

  begin(alert: PoolAlert): void {
    const key = keyOf(alert);
    addTo(this.#alerts, key, alert.alertId);
    addTo(this.#keys, alert.alertId, key);
  }

  /** @returns the keys for which no alert fires any more */
  end(alertId: string): readonly string[] {
    const calm: string[] = [];
    for (const key of this.#keys.get(alertId) ?? []) {
      const alerts = this.#alerts.get(key);
      alerts?.delete(alertId);
      if (alerts?.size !== 0) continue;
      this.#alerts.delete(key);
      calm.push(key);
    }
    this.#keys.delete(alertId);
    return calm;
  }

  has(alertId: string): boolean {
    return this.#keys.has(alertId);
  }

  isFiring(key: string): boolean {
    return this.#alerts.has(key);
  }
}

/** One policy's view of one pool. */
export function keyOf({ policy, poolId }: { readonly policy: string; readonly poolId: string }): string {
  return `${policy}\n${poolId}`;
}

function addTo(index: Map<string, Set<string>>, key: string, value: string): void {
  const values = index.get(key);
  if (values) values.add(value);
  else index.set(key, new Set([value]));
}
