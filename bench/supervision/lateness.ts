const LOOK_EVERY_MS = 50;

/** How long the machine lets wait who has something to do: the longest that a timer was late. */
export class Lateness {
  #dueMs = performance.now() + LOOK_EVERY_MS;
  #longestMs = 0;
  readonly #timer = setInterval(() => this.#look(), LOOK_EVERY_MS);

  /** The longest since the last time that it was asked for, ms. */
  takeLongestMs(): number {
    this.#look();
    const longestMs = this.#longestMs;
    this.#longestMs = 0;
    return longestMs;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const nowMs = performance.now();
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#dueMs);
    this.#dueMs = nowMs + LOOK_EVERY_MS;
  }
}
