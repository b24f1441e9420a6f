import type { Clock } from '#telemetry';
import type { Holder } from '../leases/lease-registry.ts';

/** For how long it is remembered that a task was lost together with most of a pool. */
export const massLossesKeptMs = 600_000;
/** The first ones are forgotten beyond it: they are judged as tasks that were never lost. */
export const maxMassLostTasks = 10_000;

/** As many of those who were lost with one task are remembered. */
export const maxHoldersOfTask = 8;

interface MassLost {
  /** Who was lost with it, the last one last. */
  readonly holders: readonly Holder[];
  readonly atMs: number;
}

interface Domain {
  readonly tasks: Map<string, MassLost>;
  /** When the last claim began that was completed since; monotonic. */
  workedSinceMs: number;
}

/**
 * The tasks that were lost when most of a pool went at once, which is held against none of them. Where several tasks end
 * their holders at the same time that looks the same, each time again; what tells them apart is that others work between:
 * one that is lost again after the pool has begun and done other work since explains that its new holder ended. While what
 * the pool needs is away nothing is done, so that nothing is explained. In memory; a start fills it from the events.
 */
export class MassLosses {
  readonly #clock: Clock;
  readonly #domains = new Map<string | null, Domain>();
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#count;
  }

  /** Tasks of a pool that were lost with most of it, and with whom. @param agoMs how long ago; the longest comes first */
  add(poolId: string | null, taskIds: readonly string[], holder: Holder, agoMs = 0): void {
    const nowMs = this.#clock.monotonicMs();
    this.#forgetOld(nowMs);
    const domain = this.#domains.get(poolId) ?? {
      tasks: new Map<string, MassLost>(),
      workedSinceMs: -Infinity,
    };
    this.#domains.set(poolId, domain);
    for (const taskId of taskIds) {
      const before = domain.tasks.get(taskId)?.holders ?? [];
      if (!domain.tasks.delete(taskId)) this.#count++;
      domain.tasks.set(taskId, {
        holders: [...before, holder].slice(-maxHoldersOfTask),
        atMs: nowMs - agoMs,
      });
    }
    while (this.#count > maxMassLostTasks) this.#forgetFirst();
  }

  /** An agent of a pool has completed what it had held for so long. */
  completed(poolId: string | null, heldMs: number): void {
    const domain = this.#domains.get(poolId);
    if (!domain) return;
    domain.workedSinceMs = Math.max(domain.workedSinceMs, this.#clock.monotonicMs() - heldMs);
  }

  has(poolId: string | null, taskId: string): boolean {
    return this.#domains.get(poolId)?.tasks.has(taskId) ?? false;
  }

  /** Who was lost with the task before, where that explains why this one is lost with it now; else nobody. */
  earlierLosers(poolId: string | null, taskId: string, { agentId, generation }: Holder): readonly Holder[] {
    const domain = this.#domains.get(poolId);
    const lost = domain?.tasks.get(taskId);
    if (!domain || !lost || domain.workedSinceMs <= lost.atMs) return [];
    return lost.holders.filter((holder) => holder.agentId !== agentId || holder.generation !== generation);
  }

  #forgetOld(nowMs: number): void {
    for (const [poolId, { tasks }] of this.#domains) {
      for (const [taskId, { atMs }] of tasks) {
        if (nowMs - atMs <= massLossesKeptMs) break;
        tasks.delete(taskId);
        this.#count--;
      }
      if (tasks.size === 0) this.#domains.delete(poolId);
    }
  }

  #forgetFirst(): void {
    for (const [poolId, { tasks }] of this.#domains) {
      const [first] = tasks.keys();
      if (first !== undefined) {
        tasks.delete(first);
        this.#count--;
      }
      if (tasks.size === 0) this.#domains.delete(poolId);
      return;
    }
  }
}
