import {
  messageOf,
  toRfc3339,
  type Clock,
  type Counter,
  type Logger,
  type SelfMetrics,
  type Timer,
} from '#telemetry';
import type { HttpClient, HttpClientSettings } from '../receivers/http/http-client.ts';

/** What has to go on for the heartbeat to go on: says what has stopped, in half a sentence; null where nothing has. */
export type SignOfLife = () => Promise<string | null> | string | null;

/** Where the heartbeat goes, and how often. */
export interface HeartbeatTarget {
  /** A secret: whoever knows it can send heartbeats. */
  readonly url: string;
  readonly everyMs: number;
  readonly http: HttpClient;
  readonly settings: HttpClientSettings;
}

export interface DeadMansSwitchParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly signs: readonly SignOfLife[];
}

/** A heartbeat may take so long at most. */
const maxBeatMs = 10_000;

/**
 * A heartbeat to an address outside, which raises an alarm when it stops: when Omoi is gone, evaluates no rules any more, or no longer
 * gets messages out.
 */
export class DeadMansSwitch {
  readonly #parts: DeadMansSwitchParts;
  readonly #beats: Counter;
  #target: HeartbeatTarget | null = null;
  #timer: Timer | null = null;
  #isBeating = false;
  /** What was wrong at the last beat, so that it is told once. */
  #wrong: string | null = null;

  constructor(parts: DeadMansSwitchParts) {
    this.#parts = parts;
    this.#beats = parts.metrics.counter(
      'omoi_dead_mans_switch_beats_total',
      'Heartbeats of the dead man’s switch: sent, failed, or withheld because something has stopped.',
    );
  }

  /** From now on it beats there, the first time at once; nowhere where null. */
  aim(target: HeartbeatTarget | null): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#target = target;
    if (target === null) return;
    this.#timer = this.#parts.clock.every(target.everyMs, () => void this.#beat(target));
    void this.#beat(target);
  }

  stop(): void {
    this.aim(null);
  }

  async #beat(target: HeartbeatTarget): Promise<void> {
    // One that is slow is not overtaken.
    if (this.#isBeating) return;
    this.#isBeating = true;
    try {
      const stopped = await this.#whatHasStopped();
      if (this.#target !== target) return;
      if (stopped !== null) this.#tell('withheld', stopped);
      else await this.#send(target);
    } finally {
      this.#isBeating = false;
    }
  }

  async #whatHasStopped(): Promise<string | null> {
    for (const sign of this.#parts.signs) {
      try {
        const stopped = await sign();
        if (stopped !== null) return stopped;
      } catch (thrown) {
        return messageOf(thrown);
      }
    }
    return null;
  }

  async #send({ url, http, settings, everyMs }: HeartbeatTarget): Promise<void> {
    const { clock } = this.#parts;
    const controller = new AbortController();
    const deadline = clock.after(Math.min(everyMs, maxBeatMs), () => controller.abort());
    try {
      const { status } = await http.request({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ status: 'alive', at: toRfc3339(clock.wallMs()) }),
        signal: controller.signal,
        settings,
      });
      this.#tell(
        status < 300 ? 'sent' : 'failed',
        status < 300 ? null : `it was answered with HTTP ${status}`,
      );
    } catch (thrown) {
      this.#tell('failed', messageOf(thrown));
    } finally {
      deadline.cancel();
    }
  }

  #tell(outcome: 'sent' | 'failed' | 'withheld', wrong: string | null): void {
    const { logger } = this.#parts;
    this.#beats.add(1, { outcome });
    if (wrong === this.#wrong) return;
    if (wrong !== null) {
      const what = outcome === 'withheld' ? 'withheld: whoever watches it raises an alarm' : 'not taken';
      logger.warn({ reason: wrong }, `Heartbeat of the dead man’s switch ${what}`);
    } else if (this.#wrong !== null) logger.info({}, 'The heartbeat of the dead man’s switch is sent again');
    this.#wrong = wrong;
  }
}
