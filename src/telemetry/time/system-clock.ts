import type { Clock } from './clock.ts';

/** The machine's clock. Its timers do not keep a process alive by themselves. */
export function createSystemClock(): Clock {
  return {
    wallMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    after(delayMs, run) {
      const handle = setTimeout(run, Math.max(0, delayMs));
      handle.unref();
      return { cancel: () => clearTimeout(handle) };
    },
    every(periodMs, run) {
      const handle = setInterval(run, periodMs);
      handle.unref();
      return { cancel: () => clearInterval(handle) };
    },
  };
}
