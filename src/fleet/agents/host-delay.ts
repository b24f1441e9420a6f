import type { AgentIndex } from './agent-index.ts';
import { hasEnded } from './agent-status.ts';
import type { FleetParts } from '../fleet-parts.ts';

/** How far the host is behind, and what that means for the agent whose TTL is the shortest. */
export interface HostDelay {
  readonly delayMs: number;
  readonly usualTtlMs: number;
  /** The TTL at this moment. */
  readonly ttlMs: number;
}

/** Less is told nobody, though TTLs are longer by it: every machine is late by that now and then. */
const MIN_TOLD_MS = 500;
/** All agents are looked through for it: not more often than this. */
const LOOK_EVERY_MS = 1000;

type Parts = Pick<FleetParts, 'agentIndex' | 'clock' | 'limits' | 'logger' | 'metrics' | 'stall'>;

/** Says that agents are given more time because the host is behind: to whoever asks, and in the log when it begins and ends. */
export class HostDelayReport {
  readonly #parts: Parts;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #pace: Pick<HostDelay, 'usualTtlMs' | 'ttlMs'> = { usualTtlMs: 0, ttlMs: 0 };
  #isTold = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    parts.metrics.gauge(
      'omoi_fleet_scheduling_delay_seconds',
      'How far the host is behind, by the server’s own timers and by the agents that come late together: heartbeat TTLs are longer by it.',
      () => this.#delayMs / 1000,
    );
  }

  /** Null while the host is not behind. */
  current(): HostDelay | null {
    const delayMs = this.#delayMs;
    if (delayMs < MIN_TOLD_MS) return null;
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs - this.#lookedAtMs >= LOOK_EVERY_MS) {
      this.#lookedAtMs = nowMs;
      this.#pace = this.#shortest(this.#parts.agentIndex);
    }
    return { delayMs, ...this.#pace };
  }

  /** To be called every tick. */
  tick(): void {
    const isBehind = this.#delayMs >= MIN_TOLD_MS;
    if (isBehind === this.#isTold) return;
    this.#isTold = isBehind;
    const { logger } = this.#parts;
    const delay = this.current();
    if (delay === null) {
      logger.info({}, 'The host is no longer behind: heartbeat TTLs are the usual ones again.');
      return;
    }
    const { delayMs, usualTtlMs, ttlMs } = delay;
    logger.warn(
      { delay_ms: Math.round(delayMs), usual_ttl_ms: usualTtlMs, ttl_ms: Math.round(ttlMs) },
      'The host is behind: agents are given more time to beat. Other programs may take its CPUs.',
    );
  }

  get #delayMs(): number {
    return this.#parts.stall.greatestDelayMs;
  }

  #shortest(agents: AgentIndex): Pick<HostDelay, 'usualTtlMs' | 'ttlMs'> {
    const { limits, stall } = this.#parts;
    const usualMs = limits.heartbeats.worker.ttlMs;
    let shortest: Pick<HostDelay, 'usualTtlMs' | 'ttlMs'> | null = null;
    for (const entry of agents.entries()) {
      const { ttlMs: usualTtlMs } = entry.pace;
      if (hasEnded(entry.row.status) || usualTtlMs >= (shortest?.usualTtlMs ?? Infinity)) continue;
      const { ttlMs } = entry;
      // The agents of other hosts come late by themselves alone.
      if (ttlMs > usualTtlMs) shortest = { usualTtlMs, ttlMs };
    }
    return shortest ?? { usualTtlMs: usualMs, ttlMs: stall.ttlMs(usualMs, 'says_so') };
  }
}
