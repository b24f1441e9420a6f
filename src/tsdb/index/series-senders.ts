import { METRIC_NAME_LABEL, type Labels, type Sender } from '#telemetry';
import { MetricSenders } from './metric-senders.ts';
import { SenderTable, type Displaced } from './sender-table.ts';
import type { SeriesRow, SeriesRows } from './series-rows.ts';

/** Who sends which series, and who has sent them before. */
export class SeriesSenders {
  readonly #rows: SeriesRows;
  readonly #seriesOf: (metricName: string) => Uint32Array;
  readonly #table = new SenderTable();
  readonly #ofMetrics = new MetricSenders();
  #version = 0;

  /** @param seriesOf the series of a metric */
  constructor(rows: SeriesRows, seriesOf: (metricName: string) => Uint32Array) {
    this.#rows = rows;
    this.#seriesOf = seriesOf;
  }

  /** How many have a name of their own. */
  get known(): number {
    return this.#table.size;
  }

  /** How many times somebody was taken for anonymous, since too many were known. */
  get unnamed(): number {
    return this.#table.unnamed;
  }

  /** Until when memory has samples of somebody whom a series was taken over from, ms since epoch. */
  get displacedUntilMs(): number {
    return this.#table.displacedUntilMs;
  }

  /** Grows when a series gets its sender, and when series go: what was found out about senders may have changed. */
  get version(): number {
    return this.#version;
  }

  /** The number of who begins to send, which nobody else has until its `end`. */
  begin(sender: Sender): number {
    return this.#table.hold(sender);
  }

  end(number: number): void {
    this.#table.release(number);
  }

  /** The number of a series' senders; 0 before its first sample, and where a log of before senders has it. */
  numberOf(row: SeriesRow): number {
    return this.#rows.senderOf(row);
  }

  /** Whether a series is a sender's already. */
  isOwner(row: SeriesRow, sender: number): boolean {
    return this.#table.isOwner(this.#rows.senderOf(row), sender);
  }

  /** Whether a sender may send samples of a series. */
  maySend(row: SeriesRow, sender: number): boolean {
    const before = this.#rows.senderOf(row);
    return before === 0 || this.#table.mayContinue(before, sender, this.#rows.labelsOf(row) ?? {});
  }

  /** A sender's sample was taken: the series is its own. @param displaced of whose it was */
  setOwner(row: SeriesRow, sender: number, displaced: Displaced): void {
    const before = this.#rows.senderOf(row);
    const table = this.#table;
    this.#setHeld(row, before === 0 ? table.keep(sender) : table.holdContinued(before, sender, displaced));
  }

  /** Restores who a series is from. @param text as `textOf` has answered it */
  restore(row: SeriesRow, text: string): void {
    this.#setHeld(row, this.#table.hold(text));
  }

  #setHeld(row: SeriesRow, number: number): void {
    const before = this.#rows.senderOf(row);
    // Without a row nothing is kept.
    const labels = this.#rows.labelsOf(row);
    const held = labels ? number : 0;
    if (held !== 0) this.#rows.setSender(row, held);
    if (held !== before) {
      this.#version++;
      if (held !== 0) this.#ofMetrics.moved(labels?.[METRIC_NAME_LABEL], before, held);
    }
    this.#table.release(held === 0 ? number : before);
  }

  /** Who a series is from, as logs and snapshots keep it; null where that is not known. */
  textOf(row: SeriesRow): string | null {
    return this.#table.textOf(this.#rows.senderOf(row));
  }

  /** Who sent what is in memory of a series; none where that is not known. */
  of(row: SeriesRow, nowMs: number, sinceMs?: number): readonly Sender[] {
    return [...this.#table.sendersAt(this.#rows.senderOf(row), nowMs, sinceMs)];
  }

  /** How many different numbers of senders the series of a metric have, 0 among them. Costs a look at them the first time. */
  countOfMetric(metricName: string): number {
    return this.#numbersOfMetric(metricName)?.size ?? 0;
  }

  /** Who sent what is in memory of any series of a metric, perhaps more than once; '' where that is not known. */
  *ofMetric(metricName: string, nowMs: number, sinceMs: number): Generator<Sender> {
    for (const number of this.#numbersOfMetric(metricName)?.keys() ?? []) {
      if (number === 0) yield '';
      else yield* this.#table.sendersAt(number, nowMs, sinceMs);
    }
  }

  #numbersOfMetric(metricName: string): ReturnType<MetricSenders['of']> | null {
    const rows = this.#seriesOf(metricName);
    if (rows.length === 0) return null;
    return this.#ofMetrics.of(metricName, rows, (row) => this.#rows.senderOf(row));
  }

  /** There is a series more, from nobody yet. */
  added(labels: Labels): void {
    this.#ofMetrics.moved(labels[METRIC_NAME_LABEL], null, 0);
  }

  /** A series is about to go. */
  removing(row: SeriesRow, labels: Labels): void {
    const sender = this.#rows.senderOf(row);
    this.#ofMetrics.moved(labels[METRIC_NAME_LABEL], sender, null);
    this.#table.release(sender);
  }

  /** Series have gone. */
  removed(): void {
    this.#version++;
  }
}
