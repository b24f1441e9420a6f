import type { Outstanding } from './delivery-queue.ts';

/** The messages that wait or are on their way: of a group one at most for an integration. */
export class OutstandingMessages {
  /** By group, then by integration. */
  readonly #byGroup = new Map<string, Map<string, Outstanding>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(groupId: string, integration: string): Outstanding | null {
    return this.#byGroup.get(groupId)?.get(integration) ?? null;
  }

  /** Those of a group, for whatever integration. */
  of(groupId: string): readonly Outstanding[] {
    return [...(this.#byGroup.get(groupId)?.values() ?? [])];
  }

  /** It takes the place of one of the same group and integration. */
  add(outstanding: Outstanding): void {
    const { groupId, integration } = outstanding.notification;
    if (!this.get(groupId, integration)) this.#size++;
    const ofGroup = this.#byGroup.get(groupId);
    if (ofGroup) ofGroup.set(integration, outstanding);
    else this.#byGroup.set(groupId, new Map([[integration, outstanding]]));
  }

  /** Unless another one has taken its place. */
  delete(outstanding: Outstanding): void {
    const { groupId, integration } = outstanding.notification;
    const ofGroup = this.#byGroup.get(groupId);
    if (ofGroup?.get(integration) !== outstanding) return;
    ofGroup.delete(integration);
    this.#size--;
    if (ofGroup.size === 0) this.#byGroup.delete(groupId);
  }

  /** All, as they are when it comes to each: others may come and go between two of them. */
  *[Symbol.iterator](): Generator<Outstanding, void> {
    for (const ofGroup of this.#byGroup.values()) yield* ofGroup.values();
  }
}
