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
  /** By id: events are added when their ids were given. Those before `#passed` are done with. */
  #pending: Pending[] = [];
  #passed = 0;

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
    for (let next = this.#pending[this.#passed]; next && next.outcome !== 'open';) {
      this.#passed++;
      if (next.outcome === 'committed') for (const event of next.events) this.#publish(event);
      next = this.#pending[this.#passed];
    }
    // Thousands may share a commit, and end one by one: those behind are moved seldom.
    if (this.#passed * 2 < this.#pending.length) return;
    this.#pending = this.#pending.slice(this.#passed);
    this.#passed = 0;
  }
}
