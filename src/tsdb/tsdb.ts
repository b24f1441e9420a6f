import {
  type AppendFeed,
  type AppendNotice,
  type AppendOrigin,
  type AppendSubscription,
  type Clock,
  type CommitResult,
  type Counter,
  type HistogramValue,
  type Labels,
  type LatestSamples,
  type Logger,
  type Matcher,
  type MetadataSink,
  type MetricMetadata,
  OmoiError,
  type SampleBatch,
  type SampleSink,
  type SelectedSeries,
  type Selection,
  type SelfMetrics,
  type Sender,
  type SeriesReader,
  type SeriesRef,
  Stretch,
  type Subscription,
} from '#telemetry';
import type { Archive } from './archive/archive.ts';
import { mergeWithArchive } from './archive/merge.ts';
import { Committer } from './commit.ts';
import type { Found } from './distinct-texts.ts';
import type { ExemplarRing } from './exemplar-ring.ts';
import { HeadReader } from './head/head-reader.ts';
import type { Head } from './head/head.ts';
import {
  selectFromHead,
  selectFromHeadInSlices,
  selectLatestFromHead,
  selectLatestWithPauses,
  stretchOf,
} from './head/select.ts';
import { IS_WANTED, NEWEST_IS_HISTOGRAM } from './head/series-states.ts';
import { checkLabels, presentNames } from './index/label-set.ts';
import type { SeriesIndex } from './index/series-index.ts';
import type { SeriesRow } from './index/series-rows.ts';
import type { TsdbLimits } from './limits.ts';
import type { WriteAheadLog } from './log/write-ahead-log.ts';
import type { Recovery } from './log/recovery.ts';
import { Maintenance } from './maintenance.ts';
import { registerGauges } from './own-metrics.ts';
import { ROW_MASK } from './rows/row-allocator.ts';
import {
  SeriesLookups,
  type ExemplarSelection,
  type ExemplarsOfSeries,
  type SeriesLookup,
} from './series-lookups.ts';
import { visitSenders, type SoughtSenders, type VisitSender } from './sender-visits.ts';
import { cardinalityOf, timeRangeOf, type CardinalityStatus } from './status.ts';
import { Subscriptions } from './subscriptions.ts';

const NO_LABELS: Labels = {};
/** Who a series was taken over from, and counts still, is found out anew this often. */
const DISPLACED_LOOK_MS = 60_000;

export interface TsdbParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly selfMetrics: SelfMetrics;
  readonly limits: TsdbLimits;
  readonly index: SeriesIndex;
  readonly head: Head;
  readonly exemplars: ExemplarRing;
  readonly metadata: Map<string, MetricMetadata>;
  readonly recovery: Recovery | null;
  readonly archive: Archive | null;
  readonly writeAheadLog: WriteAheadLog | null;
}

/** The time series store. */
export class Tsdb implements SampleSink, AppendFeed, MetadataSink {
  readonly #parts: TsdbParts;
  readonly #subscriptions: Subscriptions;
  readonly #committer: Committer;
  readonly #lookups: SeriesLookups;
  readonly #forgottenListeners = new Set<(seriesCount: number) => void>();
  readonly #maintenance: Maintenance;
  readonly #seriesRefused: Counter;

  constructor(parts: TsdbParts) {
    this.#parts = parts;
    const failures = parts.selfMetrics.counter('omoi_tsdb_listener_failures_total', 'Listeners that threw.');
    this.#subscriptions = new Subscriptions({
      ...parts,
      states: parts.head.states,
      onFailure: () => failures.add(1),
    });
    this.#seriesRefused = parts.selfMetrics.counter(
      'omoi_tsdb_series_refused_total',
      'Series refused, by the limit they hit or what is wrong with their labels.',
    );
    this.#lookups = new SeriesLookups(parts);
    this.#committer = new Committer({
      ...parts,
      subscriptions: this.#subscriptions,
    });
    this.#maintenance = new Maintenance({
      ...parts,
      forgotten: (rows) => this.#noteForgotten(rows),
      afterRound: async () => parts.writeAheadLog?.snapshotWhenDue(parts),
    });
    registerGauges(parts);
  }

  /** What the start brought back, and what was damaged; null where nothing is kept. */
  get recovery(): Recovery | null {
    return this.#parts.recovery;
  }

  series(labels: Labels): SeriesRef {
    const { index, head } = this.#parts;
    const { epoch } = index;
    const row = this.#findOrAdd(labels);
    if (index.epoch !== epoch) {
      head.states.reserve(row);
      this.#subscriptions.match(row, index.labelsOf(row) ?? NO_LABELS);
    }
    // Who was given a reference has time to append to it.
    head.states.setFlag(row, IS_WANTED);
    return index.refOf(row);
  }

  /** The reference of a series that is there, or 0. */
  findSeries(labels: Labels): SeriesRef {
    const { index, head } = this.#parts;
    const row = index.find(labels);
    if (row === 0) return 0;
    head.states.setFlag(row, IS_WANTED);
    return index.refOf(row);
  }

  /**
   * Whether a reference still stands for its series: false once the store has forgotten that, having had no sample
   * for long. A series that is asked for is not forgotten within the next minute.
   */
  holds(ref: SeriesRef): boolean {
    const { index, head } = this.#parts;
    const row = index.rowOf(ref);
    if (row === 0) return false;
    head.states.setFlag(row, IS_WANTED);
    return true;
  }

  /** Called with how many series the store has just forgotten, so that a cache of references can let go of them. */
  onForgotten(listener: (seriesCount: number) => void): Subscription {
    this.#forgottenListeners.add(listener);
    return { stop: () => void this.#forgottenListeners.delete(listener) };
  }

  /** The time of a series' newest sample; −Infinity where there is none. */
  newestMs(ref: SeriesRef): number {
    const { index, head } = this.#parts;
    return head.states.newestMs(index.rowOf(ref));
  }

  /** The value of a series' newest sample; NaN where it is a histogram, or where the series has ended. */
  newestValue(ref: SeriesRef): number {
    const { index, head } = this.#parts;
    const row = index.rowOf(ref);
    const isThere = row !== 0 && head.states.newestMs(row) > Number.NEGATIVE_INFINITY;
    if (!isThere || head.states.hasFlag(row, NEWEST_IS_HISTOGRAM)) return NaN;
    return head.states.pageOf(row).newestValues[row & ROW_MASK] ?? NaN;
  }

  /** The histogram that is a series' newest sample; null where that is a number, or where the series has ended. */
  newestHistogram(ref: SeriesRef): HistogramValue | null {
    const { index, head } = this.#parts;
    const row = index.rowOf(ref);
    return head.states.hasFlag(row, NEWEST_IS_HISTOGRAM) ? (head.histogramsOf(row)?.newest ?? null) : null;
  }

  /** Whether a sample of now may have this time. */
  isTimely(timestampMs: number): boolean {
    const { clock, limits } = this.#parts;
    const ageMs = clock.wallMs() - timestampMs;
    return ageMs <= limits.headWindowMs && ageMs >= -limits.maxAheadMs;
  }

  /** @throws OmoiError `labels_invalid` when a label set may not become a series */
  checkLabels(labels: Labels): void {
    checkLabels(labels, presentNames(labels), this.#parts.limits);
  }

  /**
   * Who has sent what is in memory of the series that all matchers accept, several where one was taken over; null where
   * that is not known. Of 100,000 series few differ in who sent them: it ends where `visit` has said of all senders of the
   * metric that they are known.
   * @returns whether all were visited: false where it would take too long at a stretch
   */
  visitSenders(sought: SoughtSenders, visit: VisitSender): boolean {
    return visitSenders(this.#parts, sought, visit);
  }

  /** Who any series in memory of a metric is from, with the metric's name; '' stands for what is not known. */
  *sendersOfMetric(metricName: string, displacedReachMs: number): Generator<readonly [Sender, string]> {
    const { index, clock } = this.#parts;
    const nowMs = clock.wallMs();
    for (const sender of index.senders.ofMetric(metricName, nowMs, nowMs - displacedReachMs)) {
      yield [sender, metricName];
    }
  }

  /**
   * Who the archived series of a metric (null: of any) are from that a look back by so much may meet, with the metric's
   * name, as `Archive.sendersOf` says. None where memory reaches as far.
   */
  *archivedSenders(metricName: string | null, reachMs: number): Generator<readonly [Sender, string]> {
    const { archive, limits } = this.#parts;
    if (!archive || reachMs <= limits.headWindowMs) return;
    yield* archive.sendersOf(metricName);
  }

  /** Another one when `visitSenders` and `sendersOfMetric` may answer otherwise than before. */
  get sendersVersion(): number {
    const { index, clock } = this.#parts;
    const nowMs = clock.wallMs();
    const isAnyDisplaced = index.senders.displacedUntilMs > nowMs;
    return index.senders.version + (isAnyDisplaced ? Math.floor(nowMs / DISPLACED_LOOK_MS) : 0);
  }

  commit(batch: SampleBatch, origin: AppendOrigin): CommitResult {
    return this.#committer.commit(batch, origin);
  }

  onAppend(matchers: readonly Matcher[], listener: (notice: AppendNotice) => void): AppendSubscription {
    return this.#subscriptions.add(matchers, listener);
  }

  labelsOf(ref: SeriesRef): Labels {
    const { index } = this.#parts;
    return index.labelsOf(index.rowOf(ref)) ?? NO_LABELS;
  }

  /**
   * The series that all matchers accept, with their samples in the interval: at once where memory has them all, a
   * promise where the archive has to be asked or the caller lets the work be sliced.
   * @throws OmoiError `query_limit`
   */
  select(selection: Selection): readonly SelectedSeries[] | Promise<readonly SelectedSeries[]> {
    const { index, head, archive, clock } = this.#parts;
    if (archive && selection.startMs <= archive.newestMs) return this.#selectWithArchive(selection, archive);
    if (!selection.mayPause) return selectFromHead(index, head, selection);
    return selectFromHeadInSlices(index, head, { selection, clock }).then((found) =>
      // What has left memory in its pauses is in the archive.
      archive && selection.startMs <= archive.newestMs ? this.#selectWithArchive(selection, archive) : found,
    );
  }

  /**
   * As `select`, but samples in memory are decoded when their series is read: at once where memory has them all, a
   * promise where the archive has to be asked or the caller lets the work be sliced.
   */
  open(selection: Selection): SeriesReader | Promise<SeriesReader> {
    const { index, archive, clock } = this.#parts;
    if (archive && selection.startMs <= archive.newestMs) {
      return this.#selectWithArchive(selection, archive).then(readerOf);
    }
    const { epoch } = index;
    const read = (rows: Uint32Array): SeriesReader =>
      new HeadReader({ ...this.#parts, rows, epoch, interval: selection, hasArchive: archive !== null });
    if (!selection.mayPause) return read(index.select(selection.matchers));
    return index.selectInSlices(selection.matchers, stretchOf(selection, clock)).then(read);
  }

  /**
   * The newest sample in the interval of each series, in flat arrays.
   * @throws OmoiError `query_limit`
   */
  selectLatest(selection: Selection): LatestSamples | Promise<LatestSamples> {
    const { index, head, archive, clock } = this.#parts;
    if (archive && selection.startMs <= archive.newestMs) {
      return this.#selectWithArchive({ ...selection, latestOnly: true }, archive).then(toLatest);
    }
    if (selection.mayPause) return selectLatestWithPauses(index, head, { selection, clock });
    return selectLatestFromHead(index, head, selection);
  }

  /**
   * The label sets that a lookup finds.
   * @throws OmoiError `query_timeout` where it has been cancelled
   */
  lookUpSeries(lookup: SeriesLookup): Promise<Found<Labels>> {
    return this.#lookups.series(lookup);
  }

  /**
   * The label names in use by what a lookup finds; sorted.
   * @throws OmoiError `query_timeout` where it has been cancelled
   */
  labelNames(lookup: SeriesLookup): Promise<Found<string>> {
    return this.#lookups.labelNames(lookup);
  }

  /**
   * The values of a label in use by what a lookup finds; sorted.
   * @throws OmoiError `query_timeout` where it has been cancelled
   */
  labelValues(name: string, lookup: SeriesLookup): Promise<Found<string>> {
    return this.#lookups.labelValues(name, lookup);
  }

  /**
   * Exemplars, with their series' labels.
   * @throws OmoiError `query_timeout` where the signal is aborted
   */
  exemplars(selection: ExemplarSelection, signal?: AbortSignal): Promise<ExemplarsOfSeries[]> {
    return this.#lookups.exemplars(selection, signal);
  }

  describe(metricName: string, described: MetricMetadata): void {
    const { metadata, limits, writeAheadLog } = this.#parts;
    const known = metadata.get(metricName);
    const isRefused =
      metricName === '' ||
      metadata.size >= limits.maxMetadataEntries ||
      metricName.length > limits.maxLabelValueLength;
    const kept = {
      type: described.type,
      help: cut(described.help, limits.maxHelpLength),
      unit: cut(described.unit, limits.maxHelpLength),
    };
    if (known ? sameMetadata(known, kept) : isRefused) return;
    metadata.set(metricName, kept);
    if (!writeAheadLog?.blockedBy) writeAheadLog?.commits.addMetadata(metricName, kept);
  }

  /** What sources said about metrics, by name. */
  metadata(): ReadonlyMap<string, MetricMetadata> {
    return this.#parts.metadata;
  }

  /** Numbers of the head and the top offenders, `limit` of each kind. */
  async status(limit = 10): Promise<TsdbStatus> {
    const { index, head, clock } = this.#parts;
    const stretch = new Stretch(clock);
    return {
      ...(await timeRangeOf(index, head, stretch)),
      ...(await cardinalityOf(index, limit, stretch)),
      seriesCount: index.seriesCount,
      labelPairCount: index.labelPairCount,
      chunkCount: head.sealed.table.live,
    };
  }

  /** One round of what otherwise happens every minute: old chunks leave memory, retention, snapshot when due. */
  runMaintenance(): Promise<void> {
    return this.#maintenance.run();
  }

  /** Ends the upkeep, writes a snapshot and closes the log. */
  async stop(): Promise<void> {
    await this.#maintenance.stop();
    await this.#parts.writeAheadLog?.stop(this.#parts);
  }

  #findOrAdd(labels: Labels): SeriesRow {
    try {
      return this.#parts.index.findOrAdd(labels);
    } catch (error) {
      if (error instanceof OmoiError) {
        const { limit } = error.details;
        this.#seriesRefused.add(1, { reason: typeof limit === 'string' ? limit : error.code });
      }
      throw error;
    }
  }

  async #selectWithArchive(selection: Selection, archive: Archive): Promise<SelectedSeries[]> {
    const { index, head, clock } = this.#parts;
    // Memory first: a chunk that is moved meanwhile is then seen twice rather than not at all.
    const memory = await selectFromHeadInSlices(index, head, { selection, clock });
    const stretch = stretchOf(selection, clock);
    const archived = archive.reader.select(selection.matchers, selection, stretch);
    return mergeWithArchive(memory, archived, { selection, stretch });
  }

  #noteForgotten(rows: readonly SeriesRow[]): void {
    if (rows.length === 0) return;
    for (const row of rows) this.#subscriptions.forget(row);
    for (const listener of this.#forgottenListeners) listener(rows.length);
  }
}

export interface TsdbStatus extends CardinalityStatus {
  readonly seriesCount: number;
  readonly labelPairCount: number;
  /** Sealed chunks in memory. */
  readonly chunkCount: number;
  /** Times of the oldest and the newest sample in memory; null where there is none. */
  readonly minTimeMs: number | null;
  readonly maxTimeMs: number | null;
}

function readerOf(series: readonly SelectedSeries[]): SeriesReader {
  return { seriesCount: series.length, read: (place) => series[place] ?? null };
}

function toLatest(series: readonly SelectedSeries[]): LatestSamples {
  const timestampsMs = new Float64Array(series.length);
  const values = new Float64Array(series.length);
  const hasHistograms = series.some((one) => one.histograms);
  series.forEach((one, at) => {
    timestampsMs.set(one.timestampsMs.subarray(0, 1), at);
    values.set(one.values.subarray(0, 1), at);
  });
  return {
    labels: series.map((one) => one.labels),
    timestampsMs,
    values,
    ...(hasHistograms ? { histograms: series.map((one) => one.histograms?.[0] ?? null) } : {}),
  };
}

/** The beginning of a text, copied: a slice would keep the whole text in memory. */
function cut(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : Buffer.from(text.slice(0, maxLength)).toString();
}

function sameMetadata(left: MetricMetadata, right: MetricMetadata): boolean {
  return left.type === right.type && left.help === right.help && left.unit === right.unit;
}
