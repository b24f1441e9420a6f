import type { AggregationGroup } from './aggregation-group.ts';

/**
 * Groups that have an end to tell in the place of one that is no more, while what that has told before is still on its way. They are
 * passed as soon as that has arrived, and as many at once as one transaction takes: the message of the first ones is what the next
 * ones wait for.
 */
export class WaitingEnds {
  /** By the group that is no more. */
  readonly #waiting = new Map<string, Set<AggregationGroup>>();

  add(groupId: string, group: AggregationGroup): void {
    const waiting = this.#waiting.get(groupId);
    if (waiting) waiting.add(group);
    else this.#waiting.set(groupId, new Set([group]));
  }

  /** Another configuration is in force: all groups are passed anew. */
  clear(): void {
    this.#waiting.clear();
  }

  /** Whether some need to wait no longer. @param isSending whether a message of a group is on its way */
  areReady(isSending: (groupId: string) => boolean): boolean {
    for (const groupId of this.#waiting.keys()) if (!isSending(groupId)) return true;
    return false;
  }

  /** Takes those that need to wait no longer. @param most of each group that is no more */
  take(isSending: (groupId: string) => boolean, most: number): readonly AggregationGroup[] {
    const taken: AggregationGroup[] = [];
    for (const [groupId, waiting] of this.#waiting) {
      if (isSending(groupId)) continue;
      let left = most;
      for (const group of waiting) {
        if (left-- === 0) break;
        waiting.delete(group);
        taken.push(group);
      }
      if (waiting.size === 0) this.#waiting.delete(groupId);
    }
    return taken;
  }
}
