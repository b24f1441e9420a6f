import {
  matchersKey,
  matchesAll,
  messageOf,
  METRIC_NAME_LABEL,
  SerialQueue,
  Stretch,
  type AppendNotice,
  type AppendOrigin,
  type AppendSubscription,
  type Clock,
  type Labels,
  type Logger,
  type Matcher,
  type SeriesRef,
} from '#telemetry';
import { IS_SUBSCRIBED, type SeriesStates } from './head/series-states.ts';
import type { SeriesIndex } from './index/series-index.ts';
import type { IndexEpoch, SeriesRow } from './index/series-rows.ts';
import { Selector, SeriesLinks } from './series-links.ts';

/** A selector that accepts no more series than these is linked to them at once; more are linked in slices. */
const MAX_SERIES_AT_ONCE = 256;
/** Series that are linked between two looks at the clock. */
const SERIES_PER_LOOK = 64;

export interface SubscriptionsParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly index: SeriesIndex;
  readonly states: SeriesStates;
  /** A listener threw. */
  readonly onFailure: () => void;
}

/** A notice under construction. */
interface GrowingNotice {
  readonly refs: SeriesRef[];
  readonly timestampsMs: number[];
  readonly values: number[];
  readonly stale: boolean[];
}

/** The notices of one unit. Those who listen to the same matchers share one. */
export type PendingNotices = Map<Selector, GrowingNotice>;

/**
 * Who is told about which series. A series is matched against the selectors of its metric once, when it appears, and
 * a selector against the series once, when somebody listens to it first; who listens to the same matchers afterwards,
 * and who stops, costs nothing a series. A commit looks at one flag a series.
 */
export class Subscriptions {
  readonly #parts: SubscriptionsParts;
  readonly #links = new SeriesLinks();
  readonly #selectors = new Map<string, Selector>();
  /** Selectors that name their metric, by it; and those that don't. */
  readonly #ofMetric = new Map<string, Set<Selector>>();
  readonly #ofAnyMetric = new Set<Selector>();
  readonly #linking = new SerialQueue();
  readonly #stretch: Stretch;
  /** Of the selectors that are not linked to all of their series yet. */
  readonly #whenLinked = new Map<Selector, Promise<void>>();

  constructor(parts: SubscriptionsParts) {
    this.#parts = parts;
    this.#stretch = new Stretch(parts.clock);
  }

  add(matchers: readonly Matcher[], listener: (notice: AppendNotice) => void): AppendSubscription {
    const key = matchersKey(matchers);
    const selector = this.#selectors.get(key) ?? this.#create(key, matchers);
    // Of its own, so that one listener may subscribe twice.
    const told = (notice: AppendNotice): void => listener(notice);
    selector.listeners.add(told);
    return {
      whenLinked: this.#whenLinked.get(selector) ?? null,
      stop: () => {
        if (!selector.listeners.delete(told) || selector.listeners.size > 0) return;
        this.#drop(key, selector);
      },
    };
  }

  /** Matches a new series against the selectors of its metric and of any metric. */
  match(row: SeriesRow, labels: Labels): void {
    const named = this.#ofMetric.get(labels[METRIC_NAME_LABEL] ?? '');
    if (named) for (const selector of named) this.#matchOne(selector, row, labels);
    for (const selector of this.#ofAnyMetric) this.#matchOne(selector, row, labels);
  }

  forget(row: SeriesRow): void {
    this.#links.forget(row);
  }

  /** Notes a sample of a subscribed series; `value` is NaN for staleness markers. */
  note(
    pending: PendingNotices,
    { row, ref }: { readonly row: SeriesRow; readonly ref: SeriesRef },
    sample: { readonly timestampMs: number; readonly value: number; readonly stale: boolean },
  ): void {
    let link = this.#links.lastOf(row);
    if (!link) this.#parts.states.clearFlag(row, IS_SUBSCRIBED);
    for (; link; link = link.parent) {
      const { selector } = link;
      let notice = pending.get(selector);
      if (!notice) {
        notice = { refs: [], timestampsMs: [], values: [], stale: [] };
        pending.set(selector, notice);
      }
      notice.refs.push(ref);
      notice.timestampsMs.push(sample.timestampMs);
      notice.values.push(sample.value);
      notice.stale.push(sample.stale);
    }
  }

  /**
   * Tells those who listen now, whom the first of them may stop; who comes meanwhile is told of the next unit. One that
   * throws is reported and harms neither the commit nor the others.
   */
  deliver(pending: PendingNotices, origin: AppendOrigin): void {
    const rounds = [...pending].map(([selector, notice]) => ({
      selector,
      notice: { origin, ...notice },
      listeners: [...selector.listeners],
    }));
    for (const { selector, notice, listeners } of rounds) {
      for (const listener of listeners) {
        if (!selector.listeners.has(listener)) continue;
        try {
          listener(notice);
        } catch (error) {
          this.#parts.onFailure();
          this.#parts.logger.error(
            { error: messageOf(error) },
            'Samples stored, but a rule or detector was not told of them: it failed.',
          );
        }
      }
    }
  }

  #create(key: string, matchers: readonly Matcher[]): Selector {
    const { index } = this.#parts;
    const selector = new Selector(matchers);
    this.#selectors.set(key, selector);
    this.#shelfOf(selector).add(selector);
    if (index.atMost(matchers) <= MAX_SERIES_AT_ONCE) {
      for (const row of index.select(matchers)) this.#link(row, selector);
      return selector;
    }
    // Series that come from here on are matched as they come.
    const { epoch } = index;
    const linked = this.#linking.run(() => this.#linkInSlices(selector, epoch));
    this.#whenLinked.set(selector, linked);
    return selector;
  }

  #drop(key: string, selector: Selector): void {
    selector.isDropped = true;
    this.#selectors.delete(key);
    const name = metricOf(selector.matchers);
    const shelf = this.#shelfOf(selector);
    shelf.delete(selector);
    if (name !== null && shelf.size === 0) this.#ofMetric.delete(name);
  }

  /** Never rejects. */
  async #linkInSlices(selector: Selector, epoch: IndexEpoch): Promise<void> {
    const { index } = this.#parts;
    const stretch = this.#stretch;
    // What came before has used the stretch.
    if (stretch.isOver) await stretch.pause();
    if (!selector.isDropped) {
      const rows = await index.selectInSlices(selector.matchers, stretch);
      for (let at = 0; at < rows.length && !selector.isDropped; at++) {
        if (at % SERIES_PER_LOOK === 0 && stretch.isOver) await stretch.pause();
        const row = rows[at] ?? 0;
        if (index.isFrom(row, epoch)) this.#link(row, selector);
      }
    }
    this.#whenLinked.delete(selector);
  }

  #matchOne(selector: Selector, row: SeriesRow, labels: Labels): void {
    if (matchesAll(selector.matchers, labels)) this.#link(row, selector);
  }

  #link(row: SeriesRow, selector: Selector): void {
    this.#links.add(row, selector);
    this.#parts.states.setFlag(row, IS_SUBSCRIBED);
  }

  #shelfOf({ matchers }: Selector): Set<Selector> {
    const name = metricOf(matchers);
    if (name === null) return this.#ofAnyMetric;
    let shelf = this.#ofMetric.get(name);
    if (!shelf) this.#ofMetric.set(name, (shelf = new Set()));
    return shelf;
  }
}

/** The metric that matchers name; null where they may accept more than one. */
function metricOf(matchers: readonly Matcher[]): string | null {
  const named = matchers.find(({ name, operator }) => name === METRIC_NAME_LABEL && operator === '=');
  return named?.value || null;
}
