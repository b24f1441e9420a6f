import type { Clock } from '#telemetry';
import type { ClaimFilter } from './claim-filter.ts';
import { lineOf, linesOf } from './claim-lines.ts';

/** Different claims of one agent that are known; who makes more of them is taken for one that claims anything. */
const maxClaimsPerAgent = 8;
/** In how many lines all known claims stand; claims beyond it are taken for claims of anything. */
const maxPlaces = 200_000;
/** Different sets of phases that are claimed with; as above. */
const maxPhaseSets = 100;
/** An agent that claims otherwise by now no longer claims what it has not claimed for so long. */
const claimKeptMs = 600_000;

/** What decides who may claim a task. */
export interface TaskKind {
  readonly pool_id: string | null;
  readonly phase_id: string;
  readonly task_type: string;
}

type KindFilter = Omit<ClaimFilter, 'agentId'>;

/** What is claimed by agents that live, however many of them do. */
interface KnownClaim {
  readonly filter: KindFilter;
  /** Living agents that claim it. */
  agents: number;
}

interface PhaseSet {
  /** null takes any. */
  readonly phaseIds: ReadonlySet<string> | null;
  /** How many known claims stand in a line, by pool and type. */
  readonly lines: Map<string, number>;
}

/** One agent that claims, or has said what it can do. */
interface Claimant {
  readonly generation: number;
  /**
   * What it claims, and when (monotonic) it last did, -Infinity where never; what it has said last that it can do stays
   * (`isSaid`).
   */
  readonly claims: Map<string, { readonly claim: KnownClaim; usedMs: number; isSaid: boolean }>;
  /** Whether its claims count. */
  lives: boolean;
}

/** An agent as it stands now. */
export interface ClaimingAgent {
  readonly agentId: string;
  readonly generation: number;
  readonly poolId: string | null;
  /** The task types that it has said it can do; null: any. */
  readonly capabilities: readonly string[] | null;
  /** Whether it may be given tasks, and is heard. */
  readonly lives: boolean;
}

/**
 * Which kinds of tasks living agents claim: what they have said they can do, and what their claims have asked for. A claim
 * like the one before costs a look-up; where too many different ones are made, they are taken for claims of anything, so
 * that a task is never wrongly said to be nobody's.
 */
export class ClaimedKinds {
  readonly #clock: Clock;
  readonly #agents = new Map<string, Claimant>();
  readonly #claims = new Map<string, KnownClaim>();
  readonly #sets = new Map<string, PhaseSet>();
  /** How many known claims name a type. */
  readonly #types = new Map<string, number>();
  #ofAnyType = 0;
  #typesVersion = 0;
  #places = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The types that are claimed by their names. */
  get types(): Iterable<string> {
    return this.#types.keys();
  }

  /** Another number whenever other types are claimed by their names. */
  get typesVersion(): number {
    return this.#typesVersion;
  }

  /** Whether a type is claimed in some pool and phase, by its name or with all others. */
  claimsType(type: string): boolean {
    return this.#ofAnyType > 0 || this.#types.has(type);
  }

  /** Whether an agent that lives claims tasks of this kind. */
  claims({ pool_id: poolId, phase_id: phaseId, task_type: type }: TaskKind): boolean {
    const keys = [lineOf(poolId, type), lineOf(poolId, null)];
    for (const { phaseIds, lines } of this.#sets.values()) {
      if (phaseIds && !phaseIds.has(phaseId)) continue;
      if (keys.some((key) => lines.has(key))) return true;
    }
    return false;
  }

  /** An agent has come, or has changed. */
  changed(agent: ClaimingAgent): void {
    const { agentId, generation, capabilities, poolId, lives } = agent;
    let claimant = this.#agents.get(agentId);
    if (claimant && claimant.generation !== generation) {
      this.forget(agentId);
      claimant = undefined;
    }
    if (!claimant && capabilities === null) return;
    claimant ??= this.#enter(agentId, { generation, lives });
    if (claimant.lives !== lives) {
      claimant.lives = lives;
      for (const { claim } of claimant.claims.values()) this.#count(claim, lives ? 1 : -1);
    }
    if (capabilities === null) return;
    for (const known of claimant.claims.values()) known.isSaid = false;
    const said = { poolId, phaseIds: null, taskTypes: capabilities, ownPoolOnly: false };
    this.#note(claimant, said, 'said');
  }

  /** It claims, or holds, tasks that the filter takes. */
  claimed(agent: Pick<ClaimingAgent, 'agentId' | 'generation' | 'lives'>, filter: KindFilter): void {
    const known = this.#agents.get(agent.agentId);
    if (known && known.generation > agent.generation) return;
    if (known && known.generation < agent.generation) this.forget(agent.agentId);
    const claimant = this.#agents.get(agent.agentId) ?? this.#enter(agent.agentId, agent);
    this.#note(claimant, filter, 'claimed');
  }

  /** An agent has ended: another generation of it claims anew. */
  forget(agentId: string): void {
    const claimant = this.#agents.get(agentId);
    if (!claimant) return;
    this.#agents.delete(agentId);
    for (const key of claimant.claims.keys()) this.#drop(claimant, key);
  }

  #enter(agentId: string, { generation, lives }: Pick<Claimant, 'generation' | 'lives'>): Claimant {
    const claimant = { generation, lives, claims: new Map() };
    this.#agents.set(agentId, claimant);
    return claimant;
  }

  #note(
    claimant: Claimant,
    { poolId, phaseIds, taskTypes, ownPoolOnly }: KindFilter,
    how: 'said' | 'claimed',
  ): void {
    const { claims, lives } = claimant;
    const filter = { poolId, phaseIds, taskTypes, ownPoolOnly };
    const key = JSON.stringify([poolId, phaseIds, taskTypes, ownPoolOnly]);
    const nowMs = this.#clock.monotonicMs();
    const known = claims.get(key);
    if (known && how === 'said') known.isSaid = true;
    else if (known) known.usedMs = nowMs;
    for (const [old, { usedMs: oldMs, isSaid }] of claims)
      if (!isSaid && oldMs < nowMs - claimKeptMs) this.#drop(claimant, old);
    if (known) return;
    const isAny = phaseIds === null && taskTypes === null;
    if (!isAny && (claims.size >= maxClaimsPerAgent || !this.#hasRoom(filter))) {
      this.#note(claimant, { poolId, phaseIds: null, taskTypes: null, ownPoolOnly: false }, how);
      return;
    }
    const claim = this.#claims.get(key) ?? { filter, agents: 0 };
    const usedMs = how === 'said' ? Number.NEGATIVE_INFINITY : nowMs;
    claims.set(key, { claim, usedMs, isSaid: how === 'said' });
    if (lives) this.#count(claim, 1);
  }

  #hasRoom(filter: KindFilter): boolean {
    if (this.#places + linesOf(filter).length > maxPlaces) return false;
    return this.#sets.size < maxPhaseSets || this.#sets.has(setKeyOf(filter));
  }

  #drop({ claims, lives }: Claimant, key: string): void {
    const known = claims.get(key);
    if (!known) return;
    claims.delete(key);
    if (lives) this.#count(known.claim, -1);
  }

  #count(claim: KnownClaim, change: 1 | -1): void {
    const before = claim.agents;
    claim.agents += change;
    if (before > 0 && claim.agents > 0) return;
    const { filter } = claim;
    const { poolId, phaseIds, taskTypes, ownPoolOnly } = filter;
    const key = JSON.stringify([poolId, phaseIds, taskTypes, ownPoolOnly]);
    if (change > 0) this.#claims.set(key, claim);
    else this.#claims.delete(key);
    const setKey = setKeyOf(filter);
    const set = this.#sets.get(setKey) ?? { phaseIds: phaseIds && new Set(phaseIds), lines: new Map() };
    const lines = linesOf(filter);
    for (const line of lines) addTo(set.lines, line, change);
    this.#places += change * lines.length;
    if (set.lines.size > 0) this.#sets.set(setKey, set);
    else this.#sets.delete(setKey);
    if (taskTypes === null) this.#ofAnyType += change;
    if (taskTypes === null) return;
    for (const type of taskTypes) addTo(this.#types, type, change);
    this.#typesVersion++;
  }
}

function setKeyOf({ phaseIds }: KindFilter): string {
  return JSON.stringify(phaseIds?.toSorted() ?? null);
}

function addTo(counts: Map<string, number>, key: string, change: number): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
