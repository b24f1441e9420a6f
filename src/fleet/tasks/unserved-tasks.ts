import { firstOf, nearestWord, type Clock } from '#telemetry';
import type { ClaimedKinds, TaskKind } from './claimed-kinds.ts';
import type { QueueLanes } from './queue-lanes.ts';

/** Kinds of queued tasks looked at in one tick. */
const maxLookedAtPerTick = 250;
/** Kinds that nobody serves and that are told one by one; the tasks of others are counted together. */
const maxUnservedKinds = 100;
/** After a start of the server among living agents their claims come back within so long: until then nothing is said. */
const claimsReturnMs = 30_000;
/** What is not served for less is hardly worth a word: workers come up, or are restarted. */
const saidAfterMs = 5000;
/** Kinds that have a sentence of their own. */
const maxKindsTold = 10;
/** Types named in a sentence, and compared with one that nobody claims. */
const maxTypesNamed = 10;
const maxTypesCompared = 200;
const maxEditsOfNear = 2;
/** Types of which it is remembered what to say of them: it is asked with each task that comes, and with each row of a list. */
const maxTypesRemembered = 1000;

/** Tasks that wait, of a kind that no living agent claims. */
interface UnservedKind extends TaskKind {
  readonly queued: number;
}

/** All of them; `others`: tasks of kinds beyond the limit. */
export interface Unserved {
  readonly kinds: readonly UnservedKind[];
  readonly others: number;
}

/** Found in a walk. */
interface FoundKind extends TaskKind {
  /** Monotonic: the walk that was the first of those in a row which have found it. */
  readonly sinceMs: number;
}

/** Who is told: other agents' types are nobody's business whose token reaches some agents alone. */
export type Naming = 'names_types' | 'names_none';

/**
 * The queued tasks that nobody serves. Nothing is looked for when a task comes or is claimed: the kinds that wait are
 * walked in slices, with each tick; what is served meanwhile is left out at once.
 */
export class UnservedTasks {
  readonly #lanes: QueueLanes;
  readonly #claimed: ClaimedKinds;
  readonly #clock: Clock;
  #walk: Iterator<TaskKind> | null = null;
  #found: FoundKind[] = [];
  #othersFound = 0;
  /** What the last whole walk has found. */
  #kinds: readonly FoundKind[] = [];
  #others = 0;
  #knownFromMs = Number.POSITIVE_INFINITY;
  /** Of types that nobody claims, while the same types are claimed. */
  readonly #reasons = new Map<string, string>();
  #reasonsVersion = 0;

  constructor(parts: { readonly lanes: QueueLanes; readonly claimed: ClaimedKinds; readonly clock: Clock }) {
    this.#lanes = parts.lanes;
    this.#claimed = parts.claimed;
    this.#clock = parts.clock;
  }

  /** @param amongAgents whether some live by now, whose claims this server has not seen */
  start({ amongAgents }: { readonly amongAgents: boolean }): void {
    this.#knownFromMs = this.#clock.monotonicMs() + (amongAgents ? claimsReturnMs : 0);
  }

  tick(): void {
    if (!this.#isKnown) return;
    const walk = (this.#walk ??= this.#lanes.kinds());
    for (let looked = 0; looked < maxLookedAtPerTick; looked++) {
      const { done, value } = walk.next();
      if (done === true) {
        this.#kinds = this.#found;
        this.#others = this.#othersFound;
        this.#walk = null;
        this.#found = [];
        this.#othersFound = 0;
        return;
      }
      if (this.#claimed.claims(value)) continue;
      if (this.#found.length < maxUnservedKinds)
        this.#found.push({ ...value, sinceMs: this.#sinceOf(value) });
      else this.#othersFound += this.#lanes.countOf(value);
    }
  }

  /** What waits and is not served now; null while that is not known, shortly after a start. */
  list(): Unserved | null {
    return this.#isKnown ? { kinds: this.#unservedOf(this.#kinds), others: this.#others } : null;
  }

  /**
   * What is to be said of all that waits and has not been served for some seconds: a sentence a kind, of many kinds those
   * with the most tasks. Those of several pools that wait for the same reason are one.
   */
  warnings(): string[] {
    const beforeMs = this.#clock.monotonicMs() - saidAfterMs;
    const kinds = this.#kinds.filter(({ sinceMs }) => sinceMs <= beforeMs);
    return this.#sentences(this.#unservedOf(kinds), 'names_types', this.#others);
  }

  /** What is to be said of some tasks that wait: a sentence for each kind of theirs that is not served. */
  warningsOf(tasks: readonly TaskKind[], naming: Naming): string[] {
    if (!this.#isKnown) return [];
    const kinds = Map.groupBy(tasks, ({ pool_id: poolId, phase_id: phaseId, task_type: type }) =>
      JSON.stringify([poolId, phaseId, type]),
    );
    const unserved = [...kinds.values()].flatMap((of) => {
      const [kind] = of;
      return kind && !this.#claimed.claims(kind) ? [{ ...kind, queued: of.length }] : [];
    });
    return this.#sentences(unserved, naming);
  }

  /** Why a task waits for an agent that is not there; null where one is, or that is not known. */
  reasonOf(task: TaskKind, naming: Naming): string | null {
    return this.#isKnown && !this.#claimed.claims(task) ? this.#reason(task, naming) : null;
  }

  #sentences(unserved: readonly UnservedKind[], naming: Naming, others = 0): string[] {
    const alike = new Map<string, { readonly type: string; readonly reason: string; queued: number }>();
    for (const { queued, ...kind } of unserved) {
      const [type, reason] = [kind.task_type, this.#reason(kind, naming)];
      const key = JSON.stringify([type, reason]);
      const known = alike.get(key);
      if (known) known.queued += queued;
      else alike.set(key, { type, reason, queued });
    }
    const sorted = [...alike.values()].toSorted((one, other) => other.queued - one.queued);
    const told = sorted.slice(0, maxKindsTold);
    const rest = sorted.slice(maxKindsTold).reduce((sum, { queued }) => sum + queued, others);
    const sentences = told.map(
      ({ type, reason, queued }) => `${tasksOf(queued, `type ${quoted(type)}`)}: ${reason}`,
    );
    if (rest > 0) sentences.push(`${tasksOf(rest, 'other types')}: no living agent claims them`);
    return sentences;
  }

  #reason({ pool_id: poolId, phase_id: phaseId, task_type: type }: TaskKind, naming: Naming): string {
    if (naming === 'names_none') return 'no living agent claims it';
    if (this.#claimed.claimsType(type)) {
      const pool = poolId === null ? 'of no pool' : `of pool ${poolId}`;
      return `no living agent claims it in ${phaseId} ${pool}, some do elsewhere`;
    }
    return this.#reasonOfType(type);
  }

  #reasonOfType(type: string): string {
    const { typesVersion } = this.#claimed;
    if (typesVersion !== this.#reasonsVersion) this.#reasons.clear();
    this.#reasonsVersion = typesVersion;
    const known = this.#reasons.get(type);
    if (known !== undefined) return known;
    if (this.#reasons.size >= maxTypesRemembered) this.#reasons.clear();
    const reason = this.#compared(type);
    this.#reasons.set(type, reason);
    return reason;
  }

  #compared(type: string): string {
    const types = firstOf(this.#claimed.types, maxTypesCompared);
    if (types.length === 0) return 'no living agent claims any task';
    const more = types.length > maxTypesNamed ? ' …' : '';
    const named = types.slice(0, maxTypesNamed).toSorted().map(quoted).join(', ');
    const near = nearestWord(type, types, maxEditsOfNear);
    const meant = near === null ? '' : `; did you mean ${quoted(near)}?`;
    return `no living agent claims it (agents claim: ${named}${more})${meant}`;
  }

  #unservedOf(kinds: readonly TaskKind[]): UnservedKind[] {
    return kinds.flatMap((kind) => {
      const queued = this.#lanes.countOf(kind);
      return queued === 0 || this.#claimed.claims(kind) ? [] : [{ ...kind, queued }];
    });
  }

  #sinceOf(kind: TaskKind): number {
    const known = this.#kinds.find(
      ({ pool_id: poolId, phase_id: phaseId, task_type: type }) =>
        type === kind.task_type && phaseId === kind.phase_id && poolId === kind.pool_id,
    );
    return known?.sinceMs ?? this.#clock.monotonicMs();
  }

  get #isKnown(): boolean {
    return this.#clock.monotonicMs() >= this.#knownFromMs;
  }
}

function tasksOf(count: number, what: string): string {
  return count === 1 ? `1 task of ${what} waits` : `${count} tasks of ${what} wait`;
}

function quoted(type: string): string {
  return JSON.stringify(type);
}
