// Loaded into the measured server before anything else (`--import`). Watches the event loop of its main thread, and
// answers on a Unix socket, a line of JSON for each word: `take` gives the stretches since the last take, `memory`
// collects garbage and says what is left.
import { createServer } from 'node:net';
import { PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

export interface LoopReadings {
  readonly seconds: number;
  /** CPU time of the main thread. */
  readonly cpu_seconds: number;
  /** The most CPU time of the main thread between two turns of its event loop, and how long that was by the clock. */
  readonly longest_cpu_ms: number;
  readonly longest_cpu_wall_ms: number;
  /** By the clock, of that stretch: V8 collected garbage. */
  readonly longest_cpu_gc_ms: number;
  /** The longest time by the clock between two turns; a machine with others on it makes it longer. */
  readonly longest_wall_ms: number;
  /** The longest collection of garbage, by the clock. */
  readonly longest_gc_ms: number;
  readonly over_10_ms: number;
  readonly over_50_ms: number;
}

export interface MemoryReadings {
  readonly heap_mb: number;
  readonly external_mb: number;
  readonly array_buffers_mb: number;
  readonly resident_mb: number;
}

/** A stretch is told too long by this at most: several short turns may lie between two looks. */
const LOOK_EVERY_MS = 4;
/** In a hurry, what comes once in half a minute or less often comes so many times as often. */
const HURRY = 20;
const RARE_MS = 30_000;

const round = (value: number): number => Number(value.toFixed(1));
const cpuMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

class LoopWatch {
  #takenAtMs = performance.now();
  #takenAtCpuMs = cpuMs();
  #lookedAtMs = this.#takenAtMs;
  #lookedAtCpuMs = this.#takenAtCpuMs;
  #longest = { cpuMs: 0, wallMs: 0, endedAtMs: 0 };
  #longestWallMs = 0;
  #over10 = 0;
  #over50 = 0;
  #collections: PerformanceEntry[] = [];
  readonly #observer = new PerformanceObserver(
    (entries) => void this.#collections.push(...entries.getEntries()),
  );

  constructor() {
    this.#observer.observe({ entryTypes: ['gc'] });
    setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  take(): LoopReadings {
    this.#look();
    this.#collections.push(...this.#observer.takeRecords());
    const readings = {
      seconds: round((this.#lookedAtMs - this.#takenAtMs) / 1000),
      cpu_seconds: round((this.#lookedAtCpuMs - this.#takenAtCpuMs) / 1000),
      longest_cpu_ms: round(this.#longest.cpuMs),
      longest_cpu_wall_ms: round(this.#longest.wallMs),
      longest_cpu_gc_ms: round(this.#collectedIn(this.#longest)),
      longest_wall_ms: round(this.#longestWallMs),
      longest_gc_ms: round(
        this.#collections.reduce((longest, { duration }) => Math.max(longest, duration), 0),
      ),
      over_10_ms: this.#over10,
      over_50_ms: this.#over50,
    };
    this.begin();
    return readings;
  }

  begin(): void {
    this.#takenAtMs = this.#lookedAtMs = performance.now();
    this.#takenAtCpuMs = this.#lookedAtCpuMs = cpuMs();
    this.#longest = { cpuMs: 0, wallMs: 0, endedAtMs: 0 };
    this.#observer.takeRecords();
    this.#collections = [];
    this.#longestWallMs = this.#over10 = this.#over50 = 0;
  }

  #look(): void {
    const nowMs = performance.now();
    const nowCpuMs = cpuMs();
    const wallMs = nowMs - this.#lookedAtMs;
    const spentMs = nowCpuMs - this.#lookedAtCpuMs;
    this.#lookedAtMs = nowMs;
    this.#lookedAtCpuMs = nowCpuMs;
    if (spentMs > this.#longest.cpuMs) this.#longest = { cpuMs: spentMs, wallMs, endedAtMs: nowMs };
    if (wallMs > this.#longestWallMs) this.#longestWallMs = wallMs;
    if (spentMs > 10) this.#over10++;
    if (spentMs > 50) this.#over50++;
  }

  #collectedIn({ wallMs, endedAtMs }: { readonly wallMs: number; readonly endedAtMs: number }): number {
    const within = this.#collections.filter(
      ({ startTime }) => startTime >= endedAtMs - wallMs && startTime < endedAtMs,
    );
    return within.reduce((sum, { duration }) => sum + duration, 0);
  }
}

function memory(): MemoryReadings {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
  const megabytes = (bytes: number): number => round(bytes / 1e6);
  return {
    heap_mb: megabytes(heapUsed),
    external_mb: megabytes(external),
    array_buffers_mb: megabytes(arrayBuffers),
    resident_mb: megabytes(rss),
  };
}

function hurry(): void {
  const { setTimeout: after, setInterval: every } = globalThis;
  const sooner = (ms = 0): number => (ms >= RARE_MS ? ms / HURRY : ms);
  // Of what else hangs on these functions the server uses nothing.
  globalThis.setTimeout = ((run: () => void, ms?: number) => after(run, sooner(ms))) as typeof setTimeout;
  globalThis.setInterval = (run: () => void, ms?: number) => every(run, sooner(ms));
}

function serve(path: string): void {
  const watch = new LoopWatch();
  const server = createServer((connection) => {
    connection.setEncoding('utf8').on('data', (words: string) => {
      for (const word of words.split('\n')) {
        if (word === 'take') connection.write(`${JSON.stringify(watch.take())}\n`);
        if (word === 'memory') {
          connection.write(`${JSON.stringify(memory())}\n`);
          // The collection that was asked for is nobody's stretch.
          watch.begin();
        }
      }
    });
    connection.on('error', () => connection.destroy());
    connection.unref();
  });
  server.listen(path).unref();
}

const socket = process.env['OMOI_BENCH_LOOP_SOCKET'];
const isServer = process.argv[2] === 'serve';
if (socket !== undefined && isServer && isMainThread) {
  if (process.env['OMOI_BENCH_HURRY'] === '1') hurry();
  serve(socket);
}
