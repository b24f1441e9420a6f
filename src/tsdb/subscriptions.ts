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
import type { SeriesRow } from './index/series-rows.ts';
import { PAGE_ROWS, ROW_MASK, pageOfRow } from './rows/row-allocator.ts';

/** One listener and the series that its matchers accept. */
export interface AppendSubscription {
  readonly matchers: readonly Matcher[];
  readonly listener: (notice: AppendNotice) => void;
  active: boolean;
}

/** The subscriptions of the series of a page of rows, and how many of these have any. */
interface LinkPage {
  readonly links: (readonly AppendSubscription[] | undefined)[];
  live: number;
}

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
  readonly #pages: (LinkPage | undefined)[] = [];
  /** Subscriptions that name their metric, by it; and those that don't. */
  readonly #ofMetric = new Map<string, Set<AppendSubscription>>();
  readonly #ofAnyMetric = new Set<AppendSubscription>();

  constructor(logger: Logger, onFailure: () => void) {
    this.#logger = logger;
    this.#onFailure = onFailure;
  }

  /** @param existing the series that its matchers accept */
  add(subscription: AppendSubscription, existing: Iterable<SeriesRow>): void {
    this.#shelfOf(subscription).add(subscription);
    for (const row of existing) this.#link(row, subscription);
  }

  /**
   * @param existing the series that its matchers accept
   * @returns those of them that nobody is subscribed to any more
   */
  remove(subscription: AppendSubscription, existing: Iterable<SeriesRow>): SeriesRow[] {
    subscription.active = false;
    this.#shelfOf(subscription).delete(subscription);
    const left: SeriesRow[] = [];
    for (const row of existing) {
      const subscriptions = this.#of(row);
      if (!subscriptions?.includes(subscription)) continue;
      const others = subscriptions.filter((other) => other !== subscription);
      this.#set(row, others.length > 0 ? others : undefined);
      if (others.length === 0) left.push(row);
    }
    return left;
  }

  /** Matches a new series; whether anybody wants it. */
  match(row: SeriesRow, labels: Labels): boolean {
    const named = this.#ofMetric.get(labels[METRIC_NAME_LABEL] ?? '');
    if (named) for (const subscription of named) this.#matchOne(subscription, row, labels);
    for (const subscription of this.#ofAnyMetric) this.#matchOne(subscription, row, labels);
    return this.#of(row) !== undefined;
  }

  forget(row: SeriesRow): void {
    this.#set(row, undefined);
  }

  /** How many series somebody is subscribed to. */
  get linkedSeries(): number {
    return this.#pages.reduce((count, page) => count + (page?.live ?? 0), 0);
  }

  /** Notes a sample of a subscribed series; `value` is NaN for staleness markers. */
  note(
    pending: PendingNotices,
    { row, ref }: { readonly row: SeriesRow; readonly ref: SeriesRef },
    sample: { readonly timestampMs: number; readonly value: number; readonly stale: boolean },
  ): void {
    for (const subscription of this.#of(row) ?? []) {
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

  #matchOne(subscription: AppendSubscription, row: SeriesRow, labels: Labels): void {
    if (matchesAll(subscription.matchers, labels)) this.#link(row, subscription);
  }

  #link(row: SeriesRow, subscription: AppendSubscription): void {
    this.#set(row, [...(this.#of(row) ?? []), subscription]);
  }

  #of(row: SeriesRow): readonly AppendSubscription[] | undefined {
    return this.#pages[pageOfRow(row)]?.links[row & ROW_MASK];
  }

  #set(row: SeriesRow, links: readonly AppendSubscription[] | undefined): void {
    const number = pageOfRow(row);
    let page = this.#pages[number];
    if (!page) {
      if (!links) return;
      page = { links: Array.from({ length: PAGE_ROWS }, () => undefined), live: 0 };
      this.#pages[number] = page;
    }
    const at = row & ROW_MASK;
    if (!page.links[at] && links) page.live++;
    if (page.links[at] && !links) page.live--;
    page.links[at] = links;
    if (page.live === 0) this.#pages[number] = undefined;
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
