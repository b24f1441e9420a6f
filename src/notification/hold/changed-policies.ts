import type { StateDatabase } from '#storage';
import {
  backoffMs,
  delay,
  messageOf,
  type BackoffLimits,
  type Clock,
  type Logger,
  type Random,
  type Subscription,
} from '#telemetry';
import type { RemediationOutlook } from '../ports.ts';
import type { RemediationHolds } from './remediation-holds.ts';

/** So many holds end in one transaction. */
export const maxReleasedPerWrite = 200;
const WRITE_BACKOFF: BackoffLimits = { firstMs: 200, maxMs: 15_000 };

export interface ChangedPoliciesParts {
  readonly database: StateDatabase;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly remediations: Pick<RemediationOutlook, 'onPoliciesChanged'>;
  readonly holds: Pick<RemediationHolds, 'ofPoliciesThatDoNotAct' | 'release'>;
  /** What kept an alert back is over. */
  readonly look: (alertId: string) => void;
}

/**
 * Ends the holds of alerts whose policy does not act by itself any more, as soon as that is so: its repair may still wait for its
 * turn, and says nothing until then.
 */
export class ChangedPolicies {
  readonly #parts: ChangedPoliciesParts;
  readonly #stopped = new AbortController();
  #subscription: Subscription | null = null;
  #isAsked = false;
  #releasing: Promise<void> | null = null;

  constructor(parts: ChangedPoliciesParts) {
    this.#parts = parts;
  }

  /** They may have changed while nobody was there to see it. */
  start(): void {
    this.#subscription = this.#parts.remediations.onPoliciesChanged(() => this.look());
    this.look();
  }

  async stop(): Promise<void> {
    this.#subscription?.stop();
    this.#stopped.abort();
    await this.#releasing;
  }

  /** Looks for holds that are to end. */
  look(): void {
    this.#isAsked = true;
    this.#releasing ??= this.#releaseAll().finally(() => {
      this.#releasing = null;
    });
  }

  async #releaseAll(): Promise<void> {
    const { clock, random, logger, holds } = this.#parts;
    let failures = 0;
    while (this.#isAsked && !this.#stopped.signal.aborted) {
      this.#isAsked = false;
      const alertIds = holds.ofPoliciesThatDoNotAct();
      try {
        for (let at = 0; at < alertIds.length; at += maxReleasedPerWrite) {
          await this.#release(alertIds.slice(at, at + maxReleasedPerWrite));
        }
        failures = 0;
      } catch (thrown) {
        this.#isAsked = true;
        logger.warn(
          { error: messageOf(thrown), alerts: alertIds.length },
          'Alerts are still held for policies that no longer act: the end of their holds is not written, and tried again',
        );
        await delay(clock, backoffMs(++failures, WRITE_BACKOFF, random), this.#stopped.signal);
      }
    }
  }

  async #release(alertIds: readonly string[]): Promise<void> {
    const { database, holds, look } = this.#parts;
    const released = await database.transaction((tx) => holds.release(tx, alertIds));
    for (const alertId of released) look(alertId);
  }
}
