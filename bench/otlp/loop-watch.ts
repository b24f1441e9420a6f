/** Watches how long the event loop is held: the CPU time of the main thread between two turns, and wall time beside it. */
export class LoopWatch {
  #cpuMs = 0;
  #wallMs = 0;
  #lastCpu = process.threadCpuUsage();
  #lastWallMs = performance.now();
  #immediate = setImmediate(() => this.#turn());

  /** Ends watching; the longest stretches. */
  stop(): { readonly stretchCpuMs: number; readonly stretchWallMs: number } {
    clearImmediate(this.#immediate);
    return { stretchCpuMs: this.#cpuMs, stretchWallMs: this.#wallMs };
  }

  #turn(): void {
    const used = process.threadCpuUsage(this.#lastCpu);
    const nowMs = performance.now();
    this.#cpuMs = Math.max(this.#cpuMs, (used.user + used.system) / 1000);
    this.#wallMs = Math.max(this.#wallMs, nowMs - this.#lastWallMs);
    this.#lastCpu = process.threadCpuUsage();
    this.#lastWallMs = nowMs;
    this.#immediate = setImmediate(() => this.#turn());
  }
}
