import { replicaOf } from './pool-definition.ts';
import type { UnitRow } from './unit-rows.ts';

/** What brings a pool from what is recorded to what should be. */
export interface ReplicaPlan {
  /**
   * The numbers of replicas that get a generation: they never had one, theirs was retired and has ended, or another was to
   * follow it and could not.
   */
  readonly open: readonly number[];
  /** Generations that are no longer wanted; the highest replicas go first. */
  readonly retire: readonly UnitRow[];
}

/**
 * Compares a pool's recorded processes with the count it should have. What failed or was stopped by a person keeps
 * its replica and is not started again: only a restart does that.
 * @param rows the newest generation of each replica
 */
export function planReplicas(poolId: string, effective: number, rows: readonly UnitRow[]): ReplicaPlan {
  const byNumber = new Map<number, UnitRow>();
  for (const row of rows) {
    const replica = replicaOf(poolId, row.agent_id);
    if (replica !== null) byNumber.set(replica, row);
  }
  const open: number[] = [];
  for (let replica = 1; replica <= effective; replica++) {
    const row = byNumber.get(replica);
    // A retired one that still finishes its work would lose it to its follower: the replica is filled when it ends.
    if (!row || (row.state === 'ended' && (row.desired_state === 'retired' || row.restart !== null)))
      open.push(replica);
  }
  const retire = [...byNumber]
    .filter(([replica, row]) => replica > effective && row.desired_state !== 'retired')
    .sort(([a], [b]) => b - a)
    .map(([, row]) => row);
  return { open, retire };
}

/** The newest generation of each agent. */
export function newestOf(rows: readonly UnitRow[]): readonly UnitRow[] {
  const newest = new Map<string, UnitRow>();
  for (const row of rows) {
    const known = newest.get(row.agent_id);
    if (!known || row.generation > known.generation) newest.set(row.agent_id, row);
  }
  return [...newest.values()];
}
