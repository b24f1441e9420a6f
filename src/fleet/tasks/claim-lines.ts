import type { ClaimFilter, QueuedTask } from './claim-filter.ts';

/** What decides which lines a task looks at. */
type LaneOfTask = Pick<QueuedTask, 'pool_id' | 'task_type' | 'phase_id'>;

/** A claim's place among those that wait. */
interface Place {
  /** The lower, the longer it has waited. */
  readonly ticket: number;
}

/** Claims that take tasks of the same phases. */
interface PhaseSet<Waiter> {
  /** null takes any. */
  readonly phaseIds: ReadonlySet<string> | null;
  /** By pool and type, those that have waited longest in front. */
  readonly lines: Map<string, Waiter[]>;
}

/**
 * Claims that wait, each in a line for each type that it takes, of its pool and of no pool. A task looks at the heads of
 * the lines for its pool and type alone, one for each set of phases that is waited with: it costs the same however many
 * wait, and for whatever else.
 */
export class ClaimLines<Waiter extends Place> {
  readonly #sets = new Map<string, PhaseSet<Waiter>>();
  #places = 0;

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
      const waiters = lines.get(line);
      if (waiters) waiters.splice(placeOf(waiters, waiter), 0, waiter);
      else lines.set(line, [waiter]);
    }
    this.#places += keys.length;
    return () => {
      if (!leave(lines, keys, waiter)) return false;
      this.#places -= keys.length;
      if (lines.size === 0 && this.#sets.get(key)?.lines === lines) this.#sets.delete(key);
      return true;
    };
  }

  /**
   * The claim that takes the task and has waited longest.
   * @param mayTake false for those that are passed over: they are looked at one by one, so they have to be few
   */
  firstFor(task: LaneOfTask, mayTake: (waiter: Waiter) => boolean): Waiter | undefined {
    const { pool_id: poolId, task_type: type, phase_id: phaseId } = task;
    const keys = [lineOf(poolId, type), lineOf(poolId, null)];
    let first: Waiter | undefined;
    for (const { phaseIds, lines } of this.#sets.values()) {
      if (phaseIds && !phaseIds.has(phaseId)) continue;
      for (const key of keys) {
        const longest = lines.get(key)?.find(mayTake);
        if (longest && (!first || longest.ticket < first.ticket)) first = longest;
      }
    }
    return first;
  }
}

/** The lines of a claim; none for one that takes nothing. */
function linesOf({ poolId, taskTypes, ownPoolOnly }: ClaimFilter): readonly string[] {
  const pools = [...(poolId === null ? [] : [poolId]), ...(ownPoolOnly ? [] : [null])];
  return pools.flatMap((pool) => (taskTypes ?? [null]).map((type) => lineOf(pool, type)));
}

function lineOf(poolId: string | null, type: string | null): string {
  return JSON.stringify([poolId, type]);
}

function leave<Waiter extends Place>(
  lines: Map<string, Waiter[]>,
  keys: readonly string[],
  waiter: Waiter,
): boolean {
  let left = false;
  for (const key of keys) {
    const waiters = lines.get(key) ?? [];
    const at = placeOf(waiters, waiter);
    if (waiters[at] !== waiter) continue;
    left = true;
    waiters.splice(at, 1);
    if (waiters.length === 0) lines.delete(key);
  }
  return left;
}

/** Where a waiter belongs among those who wait in the order of their tickets. */
function placeOf(waiters: readonly Place[], { ticket }: Place): number {
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
