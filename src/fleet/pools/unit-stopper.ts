import type { Clock, Timer } from '#telemetry';
import type { Runtime } from '../runtimes/runtime.ts';

/** A stop by force that has no effect (uninterruptible sleep) is repeated. */
const FORCE_AGAIN_MS = 2000;

/** Asks units to end, and ends them by force when their grace is over, or at once without one. What was asked already is reminded. */
export class UnitStopper {
  readonly #clock: Clock;
  readonly #onFailure: (handle: string, error: unknown) => void;
  readonly #timers = new Map<string, Timer>();

  /** @param onFailure told where a runtime could not be asked; force is tried again all the same */
  constructor(clock: Clock, onFailure: (handle: string, error: unknown) => void) {
    this.#clock = clock;
    this.#onFailure = onFailure;
  }

  stop(runtime: Runtime, handle: string, graceMs: number): void {
    if (graceMs === 0) {
      this.#forceAfter(runtime, handle, FORCE_AGAIN_MS);
      void this.#force(runtime, handle);
      return;
    }
    void runtime
      .stop(handle, { how: 'ask', graceMs })
      .catch((error: unknown) => this.#onFailure(handle, error));
    this.#forceAfter(runtime, handle, graceMs);
  }

  ended(handle: string): void {
    this.#timers.get(handle)?.cancel();
    this.#timers.delete(handle);
  }

  close(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  #forceAfter(runtime: Runtime, handle: string, delayMs: number): void {
    this.#timers.get(handle)?.cancel();
    const timer = this.#clock.after(delayMs, () => {
      this.#timers.delete(handle);
      // Set before it is known whether anything is left: an end that is told meanwhile takes it away again.
      this.#forceAfter(runtime, handle, FORCE_AGAIN_MS);
      void this.#force(runtime, handle);
    });
    this.#timers.set(handle, timer);
  }

  async #force(runtime: Runtime, handle: string): Promise<void> {
    try {
      if (!(await runtime.stop(handle, { how: 'force' }))) this.ended(handle);
    } catch (error) {
      this.#onFailure(handle, error);
    }
  }
}
