/**
 * Groups that are no more, of which the log knows more than is left to remember. While a message of one is on its way it may add to
 * that: the group is looked at when that message has landed, wherever.
 */
export class OutdatedGroups {
  readonly #ready = new Set<string>();
  readonly #waiting = new Set<string>();

  /** Whether some may be looked at. */
  get areReady(): boolean {
    return this.#ready.size > 0;
  }

  add(groupId: string): void {
    this.#waiting.delete(groupId);
    this.#ready.add(groupId);
  }

  /** A message of a group is on its way no more. */
  landed(groupId: string): void {
    if (this.#waiting.has(groupId)) this.add(groupId);
  }

  /** Messages have been given up, whosoever's: all are looked at again. */
  lookAgain(): void {
    for (const groupId of this.#waiting) this.#ready.add(groupId);
    this.#waiting.clear();
  }

  /** Takes those that may be looked at. @param isSending whether a message of a group is on its way */
  take(isSending: (groupId: string) => boolean, most: number): readonly string[] {
    const taken: string[] = [];
    let left = most;
    for (const groupId of this.#ready) {
      if (left-- === 0) break;
      this.#ready.delete(groupId);
      if (isSending(groupId)) this.#waiting.add(groupId);
      else taken.push(groupId);
    }
    return taken;
  }
}
