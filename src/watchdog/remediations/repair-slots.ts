import type { StateDatabase } from '#storage';
import type { Policy } from '../policies/policy.ts';
import { elapsedMs, type Moment } from '#telemetry';
import { targetText } from '../policies/target.ts';
import { IdGroups } from './id-groups.ts';
import { actionId, isBusy, targetOf, type Remediation } from './remediation.ts';

/** What the guards need to know of other remediations. Times are wall ms. */
export interface Occupancy {
  /** One that executes or verifies on the same target, or on what contains it or is contained. */
  readonly busyWith: string | null;
  /** How many others of the policy execute or verify. */
  readonly running: number;
  /** The start that has to leave the policy's window before another may begin; null where there is room. */
  readonly budgetStartMs: number | null;
}

/** A place that a remediation holds: its target, and one of those that its policy may have. */
interface Held {
  readonly target: string;
  readonly policy: string;
  /** The pool that contains the agent that is the target; null for a pool and for an agent without one. */
  readonly agentOf: string | null;
  /** The start that is not known to be on disk yet; null once it is. */
  pendingStart: Start | null;
}

interface Start {
  readonly actionId: string;
  /** On the present boot clock, ms; negative where it was before this boot. */
  readonly atMs: number;
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
  /** Of each policy, oldest first; none older than the longest window of a policy in force. */
  readonly #starts = new Map<string, Start[]>();
  #longestWindowMs = 0;

  /** Takes up who was at work when the last process ended. @param open the remediations that have not ended */
  start(open: readonly Remediation[]): void {
    for (const remediation of open) this.update(remediation);
  }

  /** Reads when steps started within the windows of these policies, before they are in force. */
  async loadStarts(database: StateDatabase, policies: readonly Policy[], now: Moment): Promise<void> {
    this.#longestWindowMs = Math.max(
      this.#longestWindowMs,
      ...policies.map((policy) => policy.guards.window),
    );
    const started = database.reader
      .selectFrom('watchdog_actions')
      .innerJoin('remediations', 'remediations.id', 'watchdog_actions.remediation_id')
      .select(['watchdog_actions.id as actionId', 'watchdog_actions.intended_at_ms as wallMs', 'policy'])
      .select(['watchdog_actions.boot_ms as bootMs', 'watchdog_actions.boot_id as bootId']);
    const [byWall, byBoot] = await Promise.all([
      started
        .where('watchdog_actions.intended_at_ms', '>', now.wallMs - this.#longestWindowMs)
        .orderBy('watchdog_actions.intended_at_ms')
        .execute(),
      started
        .where('watchdog_actions.boot_id', '=', now.bootId)
        .where('watchdog_actions.boot_ms', '>', Math.floor(now.bootMs - this.#longestWindowMs))
        .orderBy('watchdog_actions.boot_ms')
        .execute(),
    ]);
    for (const { policy, actionId: id, ...start } of [...byWall, ...byBoot]) {
      this.#addStart(policy, { actionId: id, atMs: now.bootMs - elapsedMs(start, now) });
    }
  }

  look(remediation: Remediation, { guards }: Pick<Policy, 'guards'>, now: Moment): Occupancy {
    const { policy, id } = remediation;
    const startMs = this.#starts.get(policy)?.at(-guards.max_starts)?.atMs ?? null;
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

  /** A step is about to start. Call in the turn in which `look` showed room. @param atMs on the boot clock */
  reserve(remediation: Remediation, atMs: number): void {
    const start = { actionId: actionId(remediation), atMs };
    this.#addStart(remediation.policy, start);
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
    const { id, policy, target_kind: kind, pool_id: poolId } = remediation;
    const target = targetOf(remediation);
    const agentOf = kind === 'agent' ? poolId : null;
    this.#held.set(id, { target, policy, agentOf, pendingStart });
    this.#byTarget.set(target, id);
    this.#byPolicy.add(policy, id);
    if (agentOf !== null) this.#agentsOfPool.add(agentOf, id);
  }

  #release(id: string, { target, policy, agentOf, pendingStart }: Held): void {
    this.#held.delete(id);
    if (this.#byTarget.get(target) === id) this.#byTarget.delete(target);
    this.#byPolicy.delete(policy, id);
    if (agentOf !== null) this.#agentsOfPool.delete(agentOf, id);
    // It has not started after all: its start was rolled back.
    if (pendingStart) this.#removeStart(policy, pendingStart);
  }

  #addStart(policy: string, start: Start): void {
    const starts = this.#starts.get(policy) ?? [];
    if (starts.length === 0) this.#starts.set(policy, starts);
    let at = starts.length;
    while (at > 0 && (starts[at - 1]?.atMs ?? 0) > start.atMs) at--;
    // What is read again at a reload is known already.
    if (starts.some(({ actionId: known }) => known === start.actionId)) return;
    starts.splice(at, 0, start);
    const expired = starts.findIndex(({ atMs }) => atMs > start.atMs - this.#longestWindowMs);
    if (expired > 0) starts.splice(0, expired);
  }

  #removeStart(policy: string, { actionId: id }: Start): void {
    const starts = this.#starts.get(policy);
    const at = starts?.findLastIndex((start) => start.actionId === id) ?? -1;
    if (at >= 0) starts?.splice(at, 1);
  }
}
