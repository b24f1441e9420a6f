import type { AggregationGroup } from './aggregation-group.ts';

type IsSending = (groupId: string) => boolean;

/**
 * Groups that have an end to tell in the place of one that is no more, while what that has told before is still on its way. They are
 * passed as soon as that has landed, and as many at once as one transaction takes: the message of the first ones is what the next
 * ones wait for.
 */
export class WaitingEnds {
  /** By the group that is no more. */
  readonly #waiting = new Map<string, Set<AggregationGroup>>();
  /** Those groups of which a message has landed since they were looked at. */
  readonly #landed = new Set<string>();

  /** @param isSending whether a message of a group is on its way: what was may have landed meanwhile */
  add(groupId: string, group: AggregationGroup, isSending: IsSending): void {
    const waiting = this.#waiting.get(groupId);
    if (waiting) waiting.add(group);
    else this.#waiting.set(groupId, new Set([group]));
    if (!isSending(groupId)) this.#landed.add(groupId);
  }

  /** A message of a group is on its way no more. */
  landed(groupId: string): void {
    if (this.#waiting.has(groupId)) this.#landed.add(groupId);
  }

  /** Another configuration is in force: all groups are passed anew. */
  clear(): void {
    this.#waiting.clear();
    this.#landed.clear();
  }

  /** Whether some may need to wait no longer. */
  get areReady(): boolean {
    return this.#landed.size > 0;
  }

  /** Takes those that need to wait no longer. @param most together, about */
  take(isSending: IsSending, most: number): readonly AggregationGroup[] {
    const taken: AggregationGroup[] = [];
    for (const groupId of this.#landed) {
      if (taken.length >= most) break;
      this.#landed.delete(groupId);
      // Another message of it is: when that lands it is looked at again.
      if (isSending(groupId)) continue;
      const waiting = this.#waiting.get(groupId);
      if (!waiting) continue;
      let left = most;
      for (const group of waiting) {
        if (left-- === 0) break;
        waiting.delete(group);
        taken.push(group);
      }
      if (waiting.size === 0) this.#waiting.delete(groupId);
      else this.#landed.add(groupId);
    }
    return taken;
  }
}
