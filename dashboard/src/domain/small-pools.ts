import type { Agent as WireAgent, Pool as WirePool } from '../api/wire.ts';
import { countByStatus, type FleetGroup } from './fleet-groups.ts';
import { maintenanceOfAgent, maintenanceOfPool, type MaintenanceFacts } from './maintenance.ts';
import { agentTone, type Tone } from './tone.ts';
import { isSick } from './whole-fleet.ts';

/** More agents than this make a pool worth a place of its own. */
const maxSmallAgents = 3;
/** Fewer small pools with which all is well stand each for itself. */
const minFolded = 6;
/** So many larger pools with which all is well keep a place of their own where others stand behind the pools. */
export const firstWell = 6;
/** More small pools of which there is something to tell are not all seen at once. */
export const firstSpecial = 12;

type Agent = Pick<WireAgent, 'agent_id' | 'labels' | 'status' | 'pool_id'>;
type Pool = Pick<WirePool, 'pool_id' | 'desired' | 'effective' | 'last_error' | 'not_started' | 'roll'>;
type Group = FleetGroup<Pool, Agent>;

export interface FoldedPools<Shown> {
  /** Small ones of which there is something to tell, where they are many: they stand first, side by side. */
  readonly special: readonly Shown[];
  /** Those that keep a place of their own. */
  readonly shown: readonly Shown[];
  /** Those that say alike that all is well with them, and share one place. */
  readonly small: readonly Shown[];
}

export interface Folding {
  /** So many larger pools with which all is well keep a place of their own, the others go to the small ones; absent: all do. */
  readonly maxWell?: number;
}

/** Has many small pools share a place, those that are alike and those to look at; where they are few, each has its own. */
export function foldSmallPools<Shown extends Group>(
  groups: readonly Shown[],
  maintenances: readonly MaintenanceFacts[],
  { maxWell = Number.POSITIVE_INFINITY }: Folding = {},
): FoldedPools<Shown> {
  let well = 0;
  const kindOf = (group: Shown): keyof FoldedPools<Shown> => {
    const isWell = isAlike(group, maintenances);
    if (isSmall(group)) return isWell ? 'small' : 'special';
    return isWell && ++well > maxWell ? 'small' : 'shown';
  };
  const kinds = new Map(groups.map((group) => [group, kindOf(group)]));
  const of = (kind: keyof FoldedPools<Shown>): readonly Shown[] =>
    groups.filter((group) => kinds.get(group) === kind);
  const small = of('small').length < minFolded ? [] : of('small');
  const special = of('special').length <= firstSpecial ? [] : of('special');
  const folded = new Set([...small, ...special]);
  return { special, shown: groups.filter((group) => !folded.has(group)), small };
}

function isSmall({ poolId, agents }: Group): boolean {
  return poolId !== null && agents.length <= maxSmallAgents;
}

/** Whether a small pool is as it should be. */
function isAlike({ pool, poolId, agents }: Group, maintenances: readonly MaintenanceFacts[]): boolean {
  if (poolId === null || agents.some(isSick)) return false;
  if (maintenanceOfPool(poolId, maintenances) !== null) return false;
  if (agents.some((agent) => maintenanceOfAgent(agent, maintenances) !== null)) return false;
  return pool === null || (agents.length >= pool.effective && hasNothingToTell(pool));
}

function hasNothingToTell({
  desired,
  effective,
  last_error: error,
  not_started: missing,
  roll,
}: Pool): boolean {
  return desired === effective && error === null && missing.length === 0 && roll === null;
}

/** How a small pool stands, in a colour and a few words: `idle`, `2 running, 1 idle`. */
export function poolInShort(agents: readonly { readonly status: string }[]): {
  readonly tone: Tone;
  readonly text: string;
} {
  const [first] = agents;
  if (first === undefined) return { tone: 'gone', text: 'empty' };
  const statuses = agents.map(({ status }) => status);
  const told = ['SPAWNING', 'RUNNING'].find((status) => statuses.includes(status)) ?? first.status;
  const text = agents.length === 1 ? first.status.toLowerCase() : countByStatus(agents);
  return { tone: agentTone(told), text };
}
