/** The part of the fleet: what one token's agents may see. */
export interface Reach {
  /** Agents that the token speaks for by name. */
  readonly agentIds: readonly string[];
  /** Pools of whose agents it speaks for all. */
  readonly ownPoolIds: readonly string[];
  /** Pools that its agents are members of; with `ownPoolIds`. */
  readonly poolIds: readonly string[];
  /** What tasks of its agents are marked with, and its idempotency keys are unique within. */
  readonly enqueuedBy: string;
}

/** A list for `in`: PostgreSQL knows no empty one, and nothing has an empty id. */
export function idsOrNone(ids: readonly string[]): readonly string[] {
  return ids.length > 0 ? ids : [''];
}
