/**
 * Whether the server answers, as the requests of the page see it. Since when it does not is when it was heard last: from then
 * on what the page shows may be wrong.
 */
export class Contact {
  readonly #nowMs: () => number;
  readonly #watchers = new Set<() => void>();
  #heardAtMs: number;
  #lostSinceMs: number | null = null;

  /** @param nowMs by the browser's clock, ms since epoch */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#heardAtMs = nowMs();
  }

  /** By the browser's clock, ms since epoch; null while the server answers. */
  get lostSinceMs(): number | null {
    return this.#lostSinceMs;
  }

  /** The server has answered, whatever it said. */
  heard(): void {
    this.#heardAtMs = this.#nowMs();
    this.#become(null);
  }

  /** A request got no answer, or one that was not the server's. */
  missed(): void {
    if (this.#lostSinceMs === null) this.#become(this.#heardAtMs);
  }

  /** Calls `onChange` when contact was lost or is back, until the returned function is called. */
  watch(onChange: () => void): () => void {
    this.#watchers.add(onChange);
    return () => this.#watchers.delete(onChange);
  }

  #become(lostSinceMs: number | null): void {
    if (lostSinceMs === this.#lostSinceMs) return;
    this.#lostSinceMs = lostSinceMs;
    for (const watcher of this.#watchers) watcher();
  }
}
