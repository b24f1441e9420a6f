import { slotOf } from './pool-definition.ts';
import type { ProcessRow } from './process-rows.ts';

/** What brings a pool from what is recorded to what should be. */
export interface SlotPlan {
  /** Places that get a generation: they never had one, or theirs was retired and has ended. */
  readonly open: readonly number[];
  /** Generations that are no longer wanted; the highest places go first. */
  readonly retire: readonly ProcessRow[];
}

/**
 * Compares a pool's recorded processes with the count it should have. What failed or was stopped by a person keeps
 * its place and is not started again: only a restart does that.
 * @param rows the newest generation of each place
 */
export function planSlots(poolId: string, effective: number, rows: readonly ProcessRow[]): SlotPlan {
  const bySlot = new Map<number, ProcessRow>();
  for (const row of rows) {
    const slot = slotOf(poolId, row.agent_id);
    if (slot !== null) bySlot.set(slot, row);
  }
  const open: number[] = [];
  for (let slot = 1; slot <= effective; slot++) {
    const row = bySlot.get(slot);
    // A retired one that still finishes its work would lose it to its follower: the place is filled when it ends.
    if (!row || (row.wish === 'retired' && row.state === 'ended')) open.push(slot);
  }
  const retire = [...bySlot]
    .filter(([slot, row]) => slot > effective && row.wish !== 'retired')
    .sort(([a], [b]) => b - a)
    .map(([, row]) => row);
  return { open, retire };
}

/** The newest generation of each agent. */
export function newestOf(rows: readonly ProcessRow[]): readonly ProcessRow[] {
  const newest = new Map<string, ProcessRow>();
  for (const row of rows) {
    const known = newest.get(row.agent_id);
    if (!known || row.generation > known.generation) newest.set(row.agent_id, row);
  }
  return [...newest.values()];
}
