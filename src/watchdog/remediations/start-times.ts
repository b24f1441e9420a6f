import type { StateDatabase } from '#storage';
import { elapsedMs, unsetWallMs, type Moment } from '#telemetry';
import type { Policy } from '../policies/policy.ts';

/** When a step started that counts in its policy's budget. */
export interface Start {
  readonly actionId: string;
  /** On the present boot clock, ms; negative where it was before this boot. */
  readonly atMs: number;
}

type Budget = Pick<Policy['guards'], 'max_starts' | 'max_parallel' | 'window'>;

/** So many rows are read by one statement. */
const ROWS_PER_PAGE = 1000;

/**
 * The starts of one policy, oldest first: no more than its budget asks for, whatever its window. Some more are kept, as
 * many as may be taken back because their transactions fail.
 */
export class StartTimes {
  readonly #starts: Start[] = [];
  readonly #known = new Set<string>();

  /** The nth newest start on the boot clock, from 1; null where there are fewer. */
  nthNewestMs(nth: number): number | null {
    return this.#starts.at(-nth)?.atMs ?? null;
  }

  /** Adding one again changes nothing: what is read at a reload is known already. */
  add(start: Start, budget: Budget): void {
    if (this.#known.has(start.actionId)) return;
    let at = this.#starts.length;
    while (at > 0 && (this.#starts[at - 1]?.atMs ?? 0) > start.atMs) at--;
    this.#starts.splice(at, 0, start);
    this.#known.add(start.actionId);
    this.#forgetOld(budget);
  }

  remove({ actionId }: Start): void {
    if (!this.#known.delete(actionId)) return;
    const at = this.#starts.findLastIndex((start) => start.actionId === actionId);
    this.#starts.splice(at, 1);
  }

  #forgetOld(budget: Budget): void {
    const newestMs = this.nthNewestMs(1) ?? 0;
    const keptSinceMs = newestMs - budget.window;
    for (let [first] = this.#starts; first; [first] = this.#starts) {
      if (this.#starts.length <= keptOf(budget) && first.atMs > keptSinceMs) return;
      this.#starts.shift();
      this.#known.delete(first.actionId);
    }
  }
}

function keptOf({ max_starts: starts, max_parallel: parallel }: Budget): number {
  return starts + parallel;
}

/**
 * Reads the newest starts of policies, as far as their budgets ask for them, page by page, however much history lies in
 * their windows. @returns by policy, oldest first; some twice
 */
export async function readStarts(
  database: StateDatabase,
  policies: readonly Policy[],
  now: Moment,
): Promise<ReadonlyMap<string, readonly Start[]>> {
  const found = await Promise.all([
    readNewest(database, policies, { now, by: 'intended_at_ms' }),
    readNewest(database, policies, { now, by: 'boot_ms' }),
  ]);
  const starts = new Map<string, readonly Start[]>();
  for (const { name } of policies)
    starts.set(
      name,
      found.flatMap((wanted) => wanted.oldestFirst(name)),
    );
  return starts;
}

interface StartsQuery {
  readonly now: Moment;
  /** The clock whose index is walked: after a step of the wall clock the two differ. */
  readonly by: 'intended_at_ms' | 'boot_ms';
}

async function readNewest(
  database: StateDatabase,
  policies: readonly Policy[],
  { now, by }: StartsQuery,
): Promise<WantedStarts> {
  const wanted = new WantedStarts(policies, now);
  const longestMs = Math.max(0, ...policies.map(({ guards }) => guards.window));
  const nowMs = by === 'boot_ms' ? now.bootMs : unsetWallMs(now);
  const sinceMs = Math.floor(nowMs - longestMs);
  let before: { readonly place: number; readonly actionId: string } | null = null;
  while (!wanted.areComplete) {
    let page = database.reader
      .selectFrom('watchdog_actions as action')
      .innerJoin('remediations', 'remediations.id', 'action.remediation_id')
      .select(['action.id as actionId', 'policy', `action.${by} as place`])
      .select(['action.intended_at_ms as wallMs', 'action.boot_ms as bootMs', 'action.boot_id as bootId'])
      .where(`action.${by}`, '>', sinceMs)
      .where('action.certain', '=', 0)
      .orderBy(`action.${by}`, 'desc')
      .orderBy('action.id', 'desc')
      .limit(ROWS_PER_PAGE);
    if (by === 'boot_ms') page = page.where('action.boot_id', '=', now.bootId);
    if (before !== null) {
      const { place, actionId } = before;
      page = page.where((row) =>
        row(row.refTuple(`action.${by}`, 'action.id'), '<', row.tuple(place, actionId)),
      );
    }
    const rows: readonly StartRow[] = await page.execute();
    for (const row of rows) wanted.take(row);
    const last = rows.at(-1);
    if (!last || rows.length < ROWS_PER_PAGE) break;
    before = { place: last.place ?? 0, actionId: last.actionId };
    wanted.passed(nowMs - before.place);
  }
  return wanted;
}

interface StartRow {
  readonly actionId: string;
  readonly policy: string;
  readonly place: number | null;
  readonly wallMs: number;
  readonly bootMs: number | null;
  readonly bootId: string | null;
}

/** What is still to be found, newest first, of each policy. */
class WantedStarts {
  readonly #now: Moment;
  readonly #policies = new Map<string, { readonly guards: Budget; readonly starts: Start[] }>();
  /** Those that have not got all that their budget asks for. */
  readonly #incomplete = new Set<string>();

  constructor(policies: readonly Policy[], now: Moment) {
    this.#now = now;
    for (const { name, guards } of policies) {
      this.#policies.set(name, { guards, starts: [] });
      this.#incomplete.add(name);
    }
  }

  get areComplete(): boolean {
    return this.#incomplete.size === 0;
  }

  take({ policy, actionId, ...start }: StartRow): void {
    const wanted = this.#policies.get(policy);
    if (!wanted || !this.#incomplete.has(policy)) return;
    const agoMs = elapsedMs(start, this.#now);
    if (agoMs <= wanted.guards.window) wanted.starts.push({ actionId, atMs: this.#now.bootMs - agoMs });
    if (wanted.starts.length >= keptOf(wanted.guards)) this.#incomplete.delete(policy);
  }

  /** The walk has come to what is so old: whose window is shorter gets no more. */
  passed(agoMs: number): void {
    for (const policy of this.#incomplete) {
      if ((this.#policies.get(policy)?.guards.window ?? 0) < agoMs) this.#incomplete.delete(policy);
    }
  }

  oldestFirst(policy: string): readonly Start[] {
    return this.#policies.get(policy)?.starts.toReversed() ?? [];
  }
}
