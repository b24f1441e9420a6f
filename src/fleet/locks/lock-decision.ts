import type { Selectable } from 'kysely';
import type { StateTables } from '#storage';
import type { LockMode } from '#telemetry';
import type { Holder } from '../leases/lease-registry.ts';

export type LockRow = Selectable<StateTables['locks']>;

export type LockDecision =
  | { readonly kind: 'granted' }
  /** The asker holds it in this mode already. */
  | { readonly kind: 'held_by_asker'; readonly lock: LockRow }
  | { readonly kind: 'refused'; readonly by: LockRow };

/**
 * Whether a resource may be locked beside the locks that are on it: shared ones go together, nothing else does.
 * @param held the asker's own, and any other one
 */
export function decideLock(asker: Holder, mode: LockMode, held: readonly LockRow[]): LockDecision {
  const own = held.find(
    (lock) =>
      lock.agent_id === asker.agentId && lock.generation === asker.generation && lock.lock_mode === mode,
  );
  if (own) return { kind: 'held_by_asker', lock: own };
  const inTheWay = held.find((lock) => mode === 'exclusive' || lock.lock_mode === 'exclusive');
  return inTheWay ? { kind: 'refused', by: inTheWay } : { kind: 'granted' };
}
