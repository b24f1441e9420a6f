import {
  matchersKey,
  nextTurn,
  type AppendFeed,
  type AppendNotice,
  type AppendOrigin,
  type Labels,
  type Matcher,
  type Subscription,
} from '#telemetry';
import { MAX_SAMPLE_LEAD_MS } from './evaluation-clock.ts';
import { Provenance } from './provenance.ts';
import type { RuleQuery } from './rule-query.ts';

/** A query may have thousands of selectors: those beyond so many are subscribed to in turns of their own. */
const MAX_SELECTORS_A_TURN = 200;

interface Watching {
  /** The same for queries that select the same series. */
  readonly key: string;
  readonly feed: AppendFeed;
  onAppend: () => void;
}

/** What one rule reads: it is told of each append that can change the result, and takes note of time and origin. */
export class RuleInputs {
  readonly #provenance = new Provenance();
  #newestSampleMs = 0;
  #subscriptions: Subscription[] = [];
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
    const selectors = distinctSelectors(query);
    const key = JSON.stringify([...selectors.keys()].sort());
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
    const subscribe = (some: readonly (readonly Matcher[])[]): void => {
      for (const matchers of some) {
        const subscription = feed.onAppend(matchers, listener);
        if (subscription.whenLinked) void this.#markWhen(subscription.whenLinked, watching);
        this.#subscriptions.push(subscription);
      }
    };
    const lists = [...selectors.values()];
    subscribe(lists.slice(0, MAX_SELECTORS_A_TURN));
    if (lists.length > MAX_SELECTORS_A_TURN)
      void this.#markWhen(this.#subscribeRest(lists, watching, subscribe), watching);
  }

  async #subscribeRest(
    lists: readonly (readonly Matcher[])[],
    watching: Watching,
    subscribe: (some: readonly (readonly Matcher[])[]) => void,
  ): Promise<void> {
    for (let at = MAX_SELECTORS_A_TURN; at < lists.length; at += MAX_SELECTORS_A_TURN) {
      await nextTurn();
      if (this.#watching !== watching) return;
      subscribe(lists.slice(at, at + MAX_SELECTORS_A_TURN));
    }
  }

  /** Subscribes to what another query selects, where this one was watched. */
  changeQuery(query: RuleQuery): void {
    if (this.#watching) this.watch(query, this.#watching.feed, this.#watching.onAppend);
  }

  /** What was appended until then to series that were not linked yet has been told to nobody. */
  async #markWhen(linked: Promise<void>, watching: Watching): Promise<void> {
    await linked;
    if (this.#watching === watching) watching.onAppend();
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription.stop();
    this.#subscriptions = [];
    this.#watching = null;
  }
}

/** By what they select: of selectors that a query has several times one is told of each append. */
function distinctSelectors({ selectors }: RuleQuery): ReadonlyMap<string, readonly Matcher[]> {
  return new Map(selectors.map((matchers) => [matchersKey(matchers), matchers]));
}
