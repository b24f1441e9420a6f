import type { StateDatabase } from '#storage';
import {
  AskedWork,
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
  readonly #releasing: AskedWork;
  #subscription: Subscription | null = null;

  constructor(parts: ChangedPoliciesParts) {
    this.#parts = parts;
    this.#releasing = new AskedWork({
      ...parts,
      backoff: WRITE_BACKOFF,
      work: () => this.#releaseAll(),
      onFailure: (thrown) =>
        parts.logger.warn(
          { error: messageOf(thrown) },
          'Alerts are still held for policies that no longer act: the end of their holds is not written, and tried again',
        ),
    });
  }

  /** They may have changed while nobody was there to see it. */
  start(): void {
    this.#subscription = this.#parts.remediations.onPoliciesChanged(() => this.look());
    this.look();
  }

  async stop(): Promise<void> {
    this.#subscription?.stop();
    await this.#releasing.stop();
  }

  /** Looks for holds that are to end. */
  look(): void {
    this.#releasing.ask();
  }

  async #releaseAll(): Promise<void> {
    const { database, holds, look } = this.#parts;
    const alertIds = holds.ofPoliciesThatDoNotAct();
    for (let at = 0; at < alertIds.length; at += maxReleasedPerWrite) {
      const some = alertIds.slice(at, at + maxReleasedPerWrite);
      const released = await database.transaction((tx) => holds.release(tx, some));
      for (const alertId of released) look(alertId);
    }
  }
}
