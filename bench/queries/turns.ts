import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as nextTurn, setTimeout as after } from 'node:timers/promises';

export interface TurnReadings {
  /** The whole work, by the clock and in CPU time of the main thread. */
  readonly wall_ms: number;
  readonly cpu_ms: number;
  /** The most CPU time of the main thread between two turns of its event loop, and how much of it was collection. */
  readonly longest_cpu_ms: number;
  readonly longest_gc_ms: number;
  readonly gc_ms: number;
  /** How much the heap and array buffers grew at most. */
  readonly high_water_mb: number;
}

interface Interval {
  readonly fromMs: number;
  readonly toMs: number;
}

interface Stretch extends Interval {
  readonly cpuMs: number;
}

const round = (value: number): number => Number(value.toFixed(1));

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function heldBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Runs work once, after a forced collection, and looks at every turn of the event loop meanwhile. */
export async function measureTurns(work: () => Promise<unknown>): Promise<TurnReadings> {
  const collections: Interval[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) {
      collections.push({ fromMs: startTime, toMs: startTime + duration });
    }
  });
  globalThis.gc?.();
  await after(50);
  observer.observe({ entryTypes: ['gc'] });
  const stretches: Stretch[] = [];
  const baseBytes = heldBytes();
  let mostBytes = baseBytes;
  const run = { isOver: false };
  const watch = async (): Promise<void> => {
    let fromMs = performance.now();
    let fromCpuMs = cpuMs();
    while (!run.isOver) {
      await nextTurn();
      const toMs = performance.now();
      const spentMs = cpuMs() - fromCpuMs;
      stretches.push({ fromMs, toMs, cpuMs: spentMs });
      mostBytes = Math.max(mostBytes, heldBytes());
      fromMs = performance.now();
      fromCpuMs = cpuMs();
    }
  };
  const watching = watch();
  await nextTurn();
  const startedMs = performance.now();
  const startedCpuMs = cpuMs();
  await work();
  run.isOver = true;
  const wall = performance.now() - startedMs;
  const cpu = cpuMs() - startedCpuMs;
  await watching;
  // What the observer has still to be told.
  await after(20);
  observer.disconnect();
  const longest = stretches.reduce((a, b) => (b.cpuMs > a.cpuMs ? b : a), { fromMs: 0, toMs: 0, cpuMs: 0 });
  const within = collections.filter(({ fromMs, toMs }) => fromMs < longest.toMs && toMs > longest.fromMs);
  return {
    wall_ms: round(wall),
    cpu_ms: round(cpu),
    longest_cpu_ms: round(longest.cpuMs),
    longest_gc_ms: round(lengthOf(within)),
    gc_ms: round(lengthOf(collections)),
    high_water_mb: round((mostBytes - baseBytes) / 1e6),
  };
}

function lengthOf(intervals: readonly Interval[]): number {
  return intervals.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
}
