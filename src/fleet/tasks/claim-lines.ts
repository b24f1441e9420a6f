import type { ClaimFilter, QueuedTask } from './claim-filter.ts';

/** What decides which lines a task looks at. */
type LaneOfTask = Pick<QueuedTask, 'pool_id' | 'task_type' | 'phase_id'>;

/** A claim's place among those that wait. */
interface Place {
  /** The lower, the longer it has waited. */
  readonly ticket: number;
}

/** `alone`: the task goes to an agent that holds nothing. */
export type Company = 'alone' | 'shared';

/** Claims of one pool and type. */
interface Line<Waiter> {
  /** Those that have waited longest in front. */
  readonly waiters: Waiter[];
  /** Those with a lower ticket are passed over, for a task of this kind. */
  readonly passed: Record<Company, number>;
  /** When that was found out; it may differ since. */
  passedSince: number;
}

/** Claims that take tasks of the same phases. */
interface PhaseSet<Waiter> {
  /** null takes any. */
  readonly phaseIds: ReadonlySet<string> | null;
  /** By pool and type. */
  readonly lines: Map<string, Line<Waiter>>;
}

/** Who is passed over. */
interface Passing<Waiter> {
  readonly company: Company;
  readonly mayTake: (waiter: Waiter) => boolean;
}

/**
 * Claims that wait, each in a line for each type that it takes, of its pool and of no pool. A task looks at the heads of
 * the lines for its pool and type alone, one for each set of phases that is waited with: it costs the same however many
 * wait, and for whatever else. Those that are passed over are looked at once, and again when one may take tasks again.
 */
export class ClaimLines<Waiter extends Place> {
  readonly #sets = new Map<string, PhaseSet<Waiter>>();
  #places = 0;
  /** How often somebody that was passed over might have come to take tasks. */
  #changes = 0;

  /** In how many lines somebody stands, counted for each. */
  get places(): number {
    return this.#places;
  }

  /** @returns what takes the waiter out again; false where it has left before */
  enter(filter: ClaimFilter, waiter: Waiter): () => boolean {
    const key = JSON.stringify(filter.phaseIds?.toSorted());
    let set = this.#sets.get(key);
    if (!set) {
      set = { phaseIds: filter.phaseIds && new Set(filter.phaseIds), lines: new Map() };
      this.#sets.set(key, set);
    }
    const { lines } = set;
    const keys = linesOf(filter);
    for (const line of keys) {
      stand(lines, line, waiter);
    }
    this.#places += keys.length;
    return () => {
      if (!leave(lines, keys, waiter)) return false;
      this.#places -= keys.length;
      if (lines.size === 0 && this.#sets.get(key)?.lines === lines) this.#sets.delete(key);
      return true;
    };
  }

  /** To be told when a claim may take tasks that may have been passed over for one. */
  reconsider(): void {
    this.#changes++;
  }

  /** The claim that takes the task and has waited longest. */
  firstFor(task: LaneOfTask, passing: Passing<Waiter>): Waiter | undefined {
    const { pool_id: poolId, task_type: type, phase_id: phaseId } = task;
    const keys = [lineOf(poolId, type), lineOf(poolId, null)];
    let first: Waiter | undefined;
    for (const { phaseIds, lines } of this.#sets.values()) {
      if (phaseIds && !phaseIds.has(phaseId)) continue;
      for (const key of keys) {
        const line = lines.get(key);
        const longest = line && this.#firstOf(line, passing);
        if (longest && (!first || longest.ticket < first.ticket)) first = longest;
      }
    }
    return first;
  }

  #firstOf(line: Line<Waiter>, { company, mayTake }: Passing<Waiter>): Waiter | undefined {
    const { waiters, passed } = line;
    if (line.passedSince !== this.#changes) {
      line.passedSince = this.#changes;
      passed.alone = 0;
      passed.shared = 0;
    }
    for (let at = passed[company] === 0 ? 0 : placeOf(waiters, passed[company]); ; at++) {
      const waiter = waiters[at];
      if (!waiter || mayTake(waiter)) return waiter;
      passed[company] = waiter.ticket + 1;
    }
  }
}

/** The lines of a claim; none for one that takes nothing. */
export function linesOf({ poolId, taskTypes, ownPoolOnly }: Omit<ClaimFilter, 'agentId'>): readonly string[] {
  const pools = [...(poolId === null ? [] : [poolId]), ...(ownPoolOnly ? [] : [null])];
  return pools.flatMap((pool) => (taskTypes ?? [null]).map((type) => lineOf(pool, type)));
}

/** Where claims of a pool (null: of none) and a type (null: of any) stand. */
export function lineOf(poolId: string | null, type: string | null): string {
  return JSON.stringify([poolId, type]);
}

function stand<Waiter extends Place>(lines: Map<string, Line<Waiter>>, key: string, waiter: Waiter): void {
  const line = lines.get(key);
  if (!line) {
    lines.set(key, { waiters: [waiter], passed: { alone: 0, shared: 0 }, passedSince: 0 });
    return;
  }
  const { waiters, passed } = line;
  const { ticket } = waiter;
  waiters.splice(placeOf(waiters, ticket), 0, waiter);
  passed.alone = Math.min(passed.alone, ticket);
  passed.shared = Math.min(passed.shared, ticket);
}

function leave<Waiter extends Place>(
  lines: Map<string, Line<Waiter>>,
  keys: readonly string[],
  waiter: Waiter,
): boolean {
  let left = false;
  for (const key of keys) {
    const waiters = lines.get(key)?.waiters ?? [];
    const at = placeOf(waiters, waiter.ticket);
    if (waiters[at] !== waiter) continue;
    left = true;
    waiters.splice(at, 1);
    if (waiters.length === 0) lines.delete(key);
  }
  return left;
}

/** Where a ticket belongs among those who wait in the order of their tickets. */
export function placeOf(waiters: readonly Place[], ticket: number): number {
  let low = 0;
  let high = waiters.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const ticketThere = waiters[middle]?.ticket ?? 0;
    if (ticketThere < ticket) low = middle + 1;
    else high = middle;
  }
  return low;
}
