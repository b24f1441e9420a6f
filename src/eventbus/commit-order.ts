import type { SystemEvent } from '#telemetry';

interface Pending {
  readonly events: readonly SystemEvent[];
  outcome: 'open' | 'committed' | 'rolled back';
}

/**
 * Passes committed events on in the order of their ids. Ids are given one transaction after the other, but on
 * PostgreSQL two connections may bring the news of their commits the wrong way round; then the later waits for
 * the earlier.
 */
export class CommitOrder {
  readonly #publish: (event: SystemEvent) => void;
  /** By id: events are added when their ids were given. */
  #pending: Pending[] = [];

  constructor(publish: (event: SystemEvent) => void) {
    this.#publish = publish;
  }

  /** Call when the ids were given; then call one of what it returns when the transaction has ended. */
  add(events: readonly SystemEvent[]): { readonly committed: () => void; readonly rolledBack: () => void } {
    const pending: Pending = { events, outcome: 'open' };
    this.#pending.push(pending);
    const settle = (outcome: 'committed' | 'rolled back') => (): void => {
      pending.outcome = outcome;
      this.#passOn();
    };
    return { committed: settle('committed'), rolledBack: settle('rolled back') };
  }

  #passOn(): void {
    let ended = 0;
    for (const { events, outcome } of this.#pending) {
      if (outcome === 'open') break;
      ended++;
      if (outcome === 'committed') for (const event of events) this.#publish(event);
    }
    this.#pending = this.#pending.slice(ended);
  }
}
