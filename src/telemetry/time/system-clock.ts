import { readFileSync } from 'node:fs';
import type { Clock, Timer } from './clock.ts';
import { SharedTicks } from './shared-ticks.ts';

/** The runtime fires what is to wait longer than this after 1 ms: such a wait is made of several. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Shorter periods have common moments: a longer one wakes nobody often. */
const MAX_SHARED_PERIOD_MS = 1000;

/**
 * The machine's clock. Its timers do not keep a process alive by themselves.
 * @param bootId of the boot in which the process runs
 */
export function createSystemClock(bootId = readBootId()): Clock {
  const ticks = new SharedTicks();
  return {
    wallMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    cpuMs: knowsCpuOfThreads() ? cpuOfThreadMs : () => performance.now(),
    // Linux counts its monotonic clock from the boot, the same for all processes.
    bootMs: () => Number(process.hrtime.bigint()) / 1e6,
    bootId,
    after,
    every(periodMs, run) {
      if (periodMs >= 1 && periodMs <= MAX_SHARED_PERIOD_MS) return ticks.every(periodMs, run);
      if (periodMs > MAX_TIMEOUT_MS) return everyLong(periodMs, run);
      const handle = setInterval(run, periodMs);
      handle.unref();
      return { cancel: () => clearInterval(handle) };
    },
  };
}

function cpuOfThreadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function knowsCpuOfThreads(): boolean {
  try {
    return cpuOfThreadMs() >= 0;
  } catch {
    // The kernel counts only whole processes.
    return false;
  }
}

const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';

/** Where the kernel names no boot, each start of the process counts as one. */
function readBootId(): string {
  try {
    return readFileSync(BOOT_ID_FILE, 'utf8').trim();
  } catch {
    return `process-${process.pid}-${Math.trunc(performance.timeOrigin)}`;
  }
}

function after(delayMs: number, run: () => void): Timer {
  const dueMs = performance.now() + delayMs;
  let handle = wait(delayMs);
  function wait(leftMs: number): NodeJS.Timeout {
    const isLast = leftMs <= MAX_TIMEOUT_MS;
    const timer = isLast
      ? setTimeout(run, Math.max(0, leftMs))
      : setTimeout(() => (handle = wait(dueMs - performance.now())), MAX_TIMEOUT_MS);
    return timer.unref();
  }
  return { cancel: () => clearTimeout(handle) };
}

function everyLong(periodMs: number, run: () => void): Timer {
  let timer = after(periodMs, repeat);
  function repeat(): void {
    timer = after(periodMs, repeat);
    run();
  }
  return { cancel: () => timer.cancel() };
}
