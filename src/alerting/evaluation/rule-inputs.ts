import {
  matchersKey,
  type AppendFeed,
  type AppendNotice,
  type AppendOrigin,
  type AppendSubscription,
  type Labels,
  type Subscription,
} from '#telemetry';
import { MAX_SAMPLE_LEAD_MS } from './evaluation-clock.ts';
import { Provenance } from './provenance.ts';
import type { RuleQuery } from './rule-query.ts';

interface Watching {
  /** Of the selectors. */
  readonly key: string;
  readonly feed: AppendFeed;
  onAppend: () => void;
}

/** What one rule reads: it is told of each append that can change the result, and takes note of time and origin. */
export class RuleInputs {
  readonly #provenance = new Provenance();
  #newestSampleMs = 0;
  #subscriptions: readonly Subscription[] = [];
  #watching: Watching | null = null;

  /** The time of the newest sample that was not too far ahead; 0: none came yet. */
  get newestSampleMs(): number {
    return this.#newestSampleMs;
  }

  /** How many traced series were forgotten for others. */
  get forgottenTraces(): number {
    return this.#provenance.forgotten;
  }

  /** The traceparents that can have to do with an element of these labels, the one that has held longest first. */
  tracesFor(labels: Labels): readonly string[] {
    return this.#provenance.tracesFor(labels);
  }

  /** The append that made the rule dirty first since it was last asked for; null where none did. */
  takeDirtyOrigin(): AppendOrigin | null {
    return this.#provenance.takeDirtyOrigin();
  }

  /** Subscribes to what the query selects; nothing is done where that is watched already. */
  watch(query: RuleQuery, feed: AppendFeed, onAppend: () => void): void {
    const key = selectorsKey(query);
    if (this.#watching?.key === key && this.#watching.feed === feed) {
      this.#watching.onAppend = onAppend;
      return;
    }
    this.stop();
    const watching: Watching = { key, feed, onAppend };
    this.#watching = watching;
    const labelsOf = (ref: number): Labels => feed.labelsOf(ref);
    const listener = (notice: AppendNotice): void => {
      // What is too far ahead is not seen by the next evaluation, and must not move its time.
      const horizonMs = notice.origin.receivedAtMs + MAX_SAMPLE_LEAD_MS;
      for (const timeMs of notice.timestampsMs) {
        if (timeMs > this.#newestSampleMs && timeMs <= horizonMs) this.#newestSampleMs = timeMs;
      }
      this.#provenance.note(notice, labelsOf);
      watching.onAppend();
    };
    this.#subscriptions = query.selectors.map((matchers) => {
      const subscription = feed.onAppend(matchers, listener);
      void this.#markWhenLinked(subscription, watching);
      return subscription;
    });
  }

  /** Subscribes to what another query selects, where this one was watched. */
  changeQuery(query: RuleQuery): void {
    if (this.#watching) this.watch(query, this.#watching.feed, this.#watching.onAppend);
  }

  /** What was appended until then to series that were not linked yet has been told to nobody. */
  async #markWhenLinked({ whenLinked }: AppendSubscription, watching: Watching): Promise<void> {
    if (!whenLinked) return;
    await whenLinked;
    if (this.#watching === watching) watching.onAppend();
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription.stop();
    this.#subscriptions = [];
    this.#watching = null;
  }
}

/** The same text for queries that select the same series. */
function selectorsKey({ selectors }: RuleQuery): string {
  return JSON.stringify(selectors.map(matchersKey).sort());
}
