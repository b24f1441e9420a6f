import type { Policy } from '../policies/policy.ts';
import type { Moment } from '#telemetry';
import { targetText } from '../policies/target.ts';
import { IdGroups } from './id-groups.ts';
import { actionId, isBusy, targetOf, type Remediation } from './remediation.ts';
import { StartTimes, type Start } from './start-times.ts';

/** What the guards need to know of other remediations. Times are wall ms. */
export interface Occupancy {
  /** One that executes or verifies on the same target, or on what contains it or is contained. */
  readonly busyWith: string | null;
  /** How many others of the policy execute or verify, of those that repair what is not certainly ill. */
  readonly running: number;
  /** The start that has to leave the policy's window before another may begin; null where there is room. */
  readonly budgetStartMs: number | null;
}

/** A place that a remediation holds: its target, and one of those that its policy may have. */
interface Held {
  readonly target: string;
  /** Null where what it repairs is certainly ill: it takes no place of its policy. */
  readonly policy: string | null;
  /** The pool that contains the agent that is the target; null for a pool and for an agent without one. */
  readonly agentOf: string | null;
  /** The start that is not known to be on disk yet; null once it is. */
  pendingStart: Start | null;
}

/**
 * The one owner of the counts that limit repairs: who is at work on which target, how many of each policy, and when
 * steps started. A place is reserved in the same turn in which the guards were asked, before anything is written, and
 * held until what was written is known: two that decide at once never get the same one. All of it is rebuilt from the
 * rows at a start.
 */
export class RepairSlots {
  readonly #held = new Map<string, Held>();
  /** Who is at work on a target: `agent:w-1`. */
  readonly #byTarget = new Map<string, string>();
  /** Who is at work on an agent of a pool. */
  readonly #agentsOfPool = new IdGroups();
  readonly #byPolicy = new IdGroups();
  /** Of the policies in force. */
  readonly #starts = new Map<string, StartTimes>();

  /** Takes up who was at work when the last process ended. @param open the remediations that have not ended */
  start(open: readonly Remediation[]): void {
    for (const remediation of open) this.update(remediation);
  }

  /** These policies are in force now; what others have started is forgotten. @param read when their steps started */
  govern(policies: readonly Policy[], read: ReadonlyMap<string, readonly Start[]>): void {
    for (const name of this.#starts.keys()) if (!read.has(name)) this.#starts.delete(name);
    for (const { name, guards } of policies) {
      for (const start of read.get(name) ?? []) this.#startsOf(name).add(start, guards);
    }
  }

  look(remediation: Remediation, { guards }: Pick<Policy, 'guards'>, now: Moment): Occupancy {
    const { policy, id } = remediation;
    const startMs = this.#starts.get(policy)?.nthNewestMs(guards.max_starts) ?? null;
    const itself = this.#byPolicy.has(policy, id) ? 1 : 0;
    return {
      busyWith: this.#busyWith(remediation),
      running: this.#byPolicy.count(policy) - itself,
      budgetStartMs: startMs === null ? null : now.wallMs - (now.bootMs - startMs),
    };
  }

  holds(remediationId: string): boolean {
    return this.#held.has(remediationId);
  }

  /**
   * A step is about to start. Call in the turn in which `look` showed room. What repairs the certainly ill takes its
   * target alone: its rate is counted elsewhere. @param atMs on the boot clock
   */
  reserve(remediation: Remediation, { guards }: Pick<Policy, 'guards'>, atMs: number): void {
    if (remediation.certain === 1) {
      this.#hold(remediation, null);
      return;
    }
    const start = { actionId: actionId(remediation), atMs };
    this.#startsOf(remediation.policy).add(start, guards);
    this.#hold(remediation, start);
  }

  /** A remediation as it stands on disk, after a commit or a look: it holds what its state says. */
  update(remediation: Remediation): void {
    const held = this.#held.get(remediation.id);
    if (isBusy(remediation)) {
      if (held) held.pendingStart = null;
      else this.#hold(remediation, null);
      return;
    }
    if (held) this.#release(remediation.id, held);
  }

  /** A remediation whose row is gone holds nothing. */
  forget(remediationId: string): void {
    const held = this.#held.get(remediationId);
    if (held) this.#release(remediationId, held);
  }

  #busyWith(remediation: Remediation): string | null {
    const same = this.#byTarget.get(targetOf(remediation));
    if (same !== undefined && same !== remediation.id) return same;
    const { pool_id: poolId, target_kind: kind } = remediation;
    if (poolId === null) return null;
    if (kind === 'agent') return this.#byTarget.get(targetText({ kind: 'pool', id: poolId })) ?? null;
    return this.#agentsOfPool.first(poolId);
  }

  #hold(remediation: Remediation, pendingStart: Start | null): void {
    const { id, target_kind: kind, pool_id: poolId } = remediation;
    const target = targetOf(remediation);
    const agentOf = kind === 'agent' ? poolId : null;
    const policy = remediation.certain === 1 ? null : remediation.policy;
    this.#held.set(id, { target, policy, agentOf, pendingStart });
    this.#byTarget.set(target, id);
    if (policy !== null) this.#byPolicy.add(policy, id);
    if (agentOf !== null) this.#agentsOfPool.add(agentOf, id);
  }

  #release(id: string, { target, policy, agentOf, pendingStart }: Held): void {
    this.#held.delete(id);
    if (this.#byTarget.get(target) === id) this.#byTarget.delete(target);
    if (policy !== null) this.#byPolicy.delete(policy, id);
    if (agentOf !== null) this.#agentsOfPool.delete(agentOf, id);
    // It has not started after all: its start was rolled back.
    if (pendingStart && policy !== null) this.#starts.get(policy)?.remove(pendingStart);
  }

  #startsOf(policy: string): StartTimes {
    const known = this.#starts.get(policy);
    if (known) return known;
    const starts = new StartTimes();
    this.#starts.set(policy, starts);
    return starts;
  }
}
