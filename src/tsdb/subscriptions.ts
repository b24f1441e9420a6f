import {
  METRIC_NAME_LABEL,
  matchesAll,
  messageOf,
  type AppendNotice,
  type AppendOrigin,
  type Labels,
  type Logger,
  type Matcher,
  type SeriesRef,
} from '#telemetry';

/** One listener and the series that its matchers accept. */
export interface AppendSubscription {
  readonly matchers: readonly Matcher[];
  readonly listener: (notice: AppendNotice) => void;
  /** The series it is linked to; `goneCount` of them are forgotten, and at most about half. */
  refs: SeriesRef[];
  goneCount: number;
  active: boolean;
}

/** So many references of forgotten series are not worth tidying up. */
const FEW_GONE = 64;

/** A notice under construction. */
interface GrowingNotice {
  readonly refs: SeriesRef[];
  readonly timestampsMs: number[];
  readonly values: number[];
  readonly stale: boolean[];
}

/** The notices of one unit, in the order in which its samples first touched each subscription. */
export type PendingNotices = Map<AppendSubscription, GrowingNotice>;

/**
 * Who is told about which series. A series is matched against the subscriptions once, when it appears, and a
 * subscription against the series once, when it is made; a commit then looks at one flag a series.
 */
export class Subscriptions {
  readonly #logger: Logger;
  readonly #onFailure: () => void;
  readonly #ofSeries = new Map<SeriesRef, readonly AppendSubscription[]>();
  /** Subscriptions that name their metric, by it; and those that don't. */
  readonly #ofMetric = new Map<string, Set<AppendSubscription>>();
  readonly #ofAnyMetric = new Set<AppendSubscription>();

  constructor(logger: Logger, onFailure: () => void) {
    this.#logger = logger;
    this.#onFailure = onFailure;
  }

  add(subscription: AppendSubscription, existing: Iterable<SeriesRef>): void {
    this.#shelfOf(subscription).add(subscription);
    for (const ref of existing) this.#link(ref, subscription);
  }

  /** @returns the series that nobody is subscribed to any more */
  remove(subscription: AppendSubscription): SeriesRef[] {
    subscription.active = false;
    this.#shelfOf(subscription).delete(subscription);
    const left: SeriesRef[] = [];
    for (const ref of subscription.refs) {
      const subscriptions = this.#ofSeries.get(ref);
      if (!subscriptions?.includes(subscription)) continue;
      const others = subscriptions.filter((other) => other !== subscription);
      if (others.length > 0) this.#ofSeries.set(ref, others);
      else {
        this.#ofSeries.delete(ref);
        left.push(ref);
      }
    }
    return left;
  }

  /** Matches a new series; whether anybody wants it. */
  match(ref: SeriesRef, labels: Labels): boolean {
    const named = this.#ofMetric.get(labels[METRIC_NAME_LABEL] ?? '');
    if (named) for (const subscription of named) this.#matchOne(subscription, ref, labels);
    for (const subscription of this.#ofAnyMetric) this.#matchOne(subscription, ref, labels);
    return this.#ofSeries.has(ref);
  }

  forget(ref: SeriesRef): void {
    const subscriptions = this.#ofSeries.get(ref) ?? [];
    this.#ofSeries.delete(ref);
    for (const subscription of subscriptions) {
      subscription.goneCount++;
      if (subscription.goneCount < FEW_GONE || subscription.goneCount * 2 < subscription.refs.length)
        continue;
      subscription.refs = subscription.refs.filter((linked) => this.#ofSeries.has(linked));
      subscription.goneCount = 0;
    }
  }

  /** Notes a sample of a subscribed series; `value` is NaN for staleness markers. */
  note(
    pending: PendingNotices,
    ref: SeriesRef,
    sample: { readonly timestampMs: number; readonly value: number; readonly stale: boolean },
  ): void {
    for (const subscription of this.#ofSeries.get(ref) ?? []) {
      let notice = pending.get(subscription);
      if (!notice) {
        notice = { refs: [], timestampsMs: [], values: [], stale: [] };
        pending.set(subscription, notice);
      }
      notice.refs.push(ref);
      notice.timestampsMs.push(sample.timestampMs);
      notice.values.push(sample.value);
      notice.stale.push(sample.stale);
    }
  }

  /** Tells the listeners. One that throws is reported and harms neither the commit nor the others. */
  deliver(pending: PendingNotices, origin: AppendOrigin): void {
    for (const [subscription, notice] of pending) {
      if (!subscription.active) continue;
      try {
        subscription.listener({ origin, ...notice });
      } catch (error) {
        this.#onFailure();
        this.#logger.error({ error: messageOf(error) }, 'A listener for appended samples failed.');
      }
    }
  }

  #matchOne(subscription: AppendSubscription, ref: SeriesRef, labels: Labels): void {
    if (matchesAll(subscription.matchers, labels)) this.#link(ref, subscription);
  }

  #link(ref: SeriesRef, subscription: AppendSubscription): void {
    subscription.refs.push(ref);
    this.#ofSeries.set(ref, [...(this.#ofSeries.get(ref) ?? []), subscription]);
  }

  #shelfOf(subscription: AppendSubscription): Set<AppendSubscription> {
    const name = subscription.matchers.find(
      (matcher) => matcher.name === METRIC_NAME_LABEL && matcher.operator === '=',
    )?.value;
    if (!name) return this.#ofAnyMetric;
    let shelf = this.#ofMetric.get(name);
    if (!shelf) this.#ofMetric.set(name, (shelf = new Set()));
    return shelf;
  }
}
