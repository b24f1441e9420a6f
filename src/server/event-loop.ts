import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock, SelfMetrics } from '#telemetry';

/** A native timer of this period runs late by as long as the event loop is held. It costs 0.1 % of a core; 20 ms: 0.3 %. */
const resolutionMs = 50;
/** What is told covers at least this time, and at most twice as much where it is read as often. */
const windowMs = 30_000;

/** What is used of Node's histogram of the time between two runs of its timer, in ns. */
export interface LoopDelays {
  readonly count: number;
  readonly max: number;
  percentile(percentile: number): number;
  reset(): void;
}

/** In seconds. */
interface Lag {
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
}

/** How late the event loop has been lately, read by whoever asks, however many do. */
export class EventLoopLag {
  readonly #clock: Clock;
  readonly #delays: LoopDelays;
  #startedMs: number;
  #before: Lag = { p50: 0, p99: 0, longest: 0 };

  constructor(clock: Clock, delays: LoopDelays) {
    this.#clock = clock;
    this.#delays = delays;
    this.#startedMs = clock.monotonicMs();
  }

  read(): Lag {
    const before = this.#before;
    const since = this.#sinceStart();
    const lag = {
      p50: Math.max(before.p50, since.p50),
      p99: Math.max(before.p99, since.p99),
      longest: Math.max(before.longest, since.longest),
    };
    if (this.#clock.monotonicMs() - this.#startedMs >= windowMs) {
      this.#before = since;
      this.#startedMs = this.#clock.monotonicMs();
      this.#delays.reset();
    }
    return lag;
  }

  #sinceStart(): Lag {
    const delays = this.#delays;
    if (delays.count === 0) return { p50: 0, p99: 0, longest: 0 };
    return {
      p50: lateSeconds(delays.percentile(50)),
      p99: lateSeconds(delays.percentile(99)),
      longest: lateSeconds(delays.max),
    };
  }
}

function lateSeconds(delayNs: number): number {
  return Math.max(0, delayNs / 1e9 - resolutionMs / 1000);
}

/** Shows in Omoi's own metrics how late its event loop is. */
export function watchEventLoop(metrics: SelfMetrics, clock: Clock): { stop(): void } {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  const lag = new EventLoopLag(clock, delays);
  const last = 'of the last half minute to minute';
  metrics.gauge(
    'omoi_event_loop_lag_p50_seconds',
    `How late the event loop comes to what is due: the median ${last}.`,
    () => lag.read().p50,
  );
  metrics.gauge(
    'omoi_event_loop_lag_p99_seconds',
    `How late the event loop comes to what is due: the 99th percentile ${last}.`,
    () => lag.read().p99,
  );
  metrics.gauge(
    'omoi_event_loop_longest_stretch_seconds',
    `How long the event loop was held at a stretch: the longest ${last}, of which up to 50 ms are not seen.`,
    () => lag.read().longest,
  );
  return { stop: () => void delays.disable() };
}
