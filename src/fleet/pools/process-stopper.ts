import type { Clock, Timer } from '#telemetry';
import type { Runtime } from '../runtimes/runtime.ts';

/** A kill that has no effect (uninterruptible sleep) is repeated. */
const KILL_AGAIN_MS = 2000;

/** SIGTERM now, SIGKILL when the grace is over. What is stopped already is reminded of SIGTERM. */
export class ProcessStopper {
  readonly #clock: Clock;
  readonly #timers = new Map<string, Timer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param killAtMs wall ms since epoch */
  stop(runtime: Runtime, handle: string, killAtMs: number): void {
    runtime.signal(handle, 'SIGTERM');
    this.#killAfter(runtime, handle, killAtMs - this.#clock.wallMs());
  }

  ended(handle: string): void {
    this.#timers.get(handle)?.cancel();
    this.#timers.delete(handle);
  }

  close(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  #killAfter(runtime: Runtime, handle: string, delayMs: number): void {
    this.#timers.get(handle)?.cancel();
    const timer = this.#clock.after(delayMs, () => {
      this.#timers.delete(handle);
      if (runtime.signal(handle, 'SIGKILL')) this.#killAfter(runtime, handle, KILL_AGAIN_MS);
    });
    this.#timers.set(handle, timer);
  }
}
