/** Ids by a key that several may have, in the order in which they came; a key without ids takes no memory. */
export class IdGroups {
  readonly #groups = new Map<string, Set<string>>();

  add(key: string, id: string): void {
    const ids = this.#groups.get(key);
    if (ids) ids.add(id);
    else this.#groups.set(key, new Set([id]));
  }

  delete(key: string, id: string): void {
    const ids = this.#groups.get(key);
    ids?.delete(id);
    if (ids?.size === 0) this.#groups.delete(key);
  }

  has(key: string, id: string): boolean {
    return this.#groups.get(key)?.has(id) ?? false;
  }

  count(key: string): number {
    return this.#groups.get(key)?.size ?? 0;
  }

  first(key: string): string | null {
    for (const id of this.#groups.get(key) ?? []) return id;
    return null;
  }

  /** A copy: the group may change while it is gone through. */
  list(key: string): readonly string[] {
    return [...(this.#groups.get(key) ?? [])];
  }
}
