import {
  createId,
  labelsKey,
  matchesAll,
  METRIC_NAME_LABEL,
  Stretch,
  withoutLabels,
  type AppendFeed,
  type AppendNotice,
  type AppendOrigin,
  type Clock,
  type Counter,
  type Labels,
  type Random,
  type SelfMetrics,
  type SeriesRef,
  type Subscription,
  type Timer,
  type Tracing,
} from '#telemetry';
import type { AnomalyWriter, OpenAnomaly } from '../anomalies/anomaly-writer.ts';
import type { KeptSeries, SeriesAppender } from '../collectors/series-appender.ts';
import { CALM, judge, type GateLimits, type GateState } from './anomaly-gate.ts';
import { baselineBehind } from './baseline.ts';
import { SeriesJudge, type Judgement } from './series-judge.ts';
import { UNWATCHABLE_METRICS, watchSelector, type P95Bound, type Watch } from './watch.ts';

export interface DetectorLimits extends GateLimits {
  readonly judgeIntervalMs: number;
  readonly maxWatchedSeries: number;
  /** A series that says nothing for this long is no longer watched; longer than any scrape interval. */
  readonly maxSilenceMs: number;
}

/** Learned once a second, whatever the pace of judging; unchanged scores are looked through as often. */
const learnIntervalMs = 1000;
/** Series judged between two looks at the clock; their scores become visible as one unit. */
const seriesPerSlice = 100;

export interface DetectorParts {
  readonly feed: AppendFeed;
  /** Where scores are kept; its source is `detector`. */
  readonly scores: SeriesAppender;
  readonly writer: AnomalyWriter;
  readonly clock: Clock;
  readonly random: Random;
  readonly tracing: Tracing;
  readonly metrics: SelfMetrics;
}

interface Watched {
  readonly key: string;
  readonly labels: Labels;
  readonly metricName: string;
  readonly judge: SeriesJudge;
  /** Monotonic ms. Those of all series are spread over the interval, so that no tick learns them all. */
  learnedAtMs: number;
  gate: GateState;
  /** The append that the present suspicion began with. */
  suspectOrigin: AppendOrigin | null;
  anomaly: { readonly id: string; readonly traceparent: string | null } | null;
  score: KeptSeries | null;
}

/** Watches series, scores them, and says when one has left its own past. */
export class Detector {
  readonly #parts: DetectorParts;
  readonly #watches: readonly Watch[];
  readonly #bounds: readonly P95Bound[];
  readonly #limits: DetectorLimits;
  readonly #watched = new Map<SeriesRef, Watched>();
  readonly #seriesBeyondLimit = new Set<SeriesRef>();
  readonly #unwatched: Counter;
  /** Anomalies from before a restart whose series have not been heard of yet, by series key. */
  readonly #orphans = new Map<string, OpenAnomaly>();
  readonly #byScore = new Map<KeptSeries, Watched>();
  #subscriptions: Subscription[] = [];
  #timer: Timer | null = null;
  #repeatedAtMs = 0;
  #startedAtMs = 0;
  /** Series watched since the start. */
  #watchedSoFar = 0;
  /** Whether a tick's work goes on: those that come meanwhile are left out. */
  #judging = false;
  #stopped = false;

  /** @param watched of several watches that select a series the first counts; of bounds the lowest */
  constructor(
    parts: DetectorParts,
    watched: { readonly watches: readonly Watch[]; readonly bounds: readonly P95Bound[] },
    limits: DetectorLimits,
  ) {
    this.#parts = parts;
    this.#bounds = watched.bounds;
    this.#watches = [...watched.watches, ...watched.bounds.map(({ matchers }) => watchSelector(matchers))];
    this.#limits = limits;
    this.#unwatched = parts.metrics.counter(
      'omoi_detector_series_unwatched_total',
      'Series that a watch selects but that are beyond maxWatchedSeries.',
    );
    parts.metrics.gauge(
      'omoi_detector_watched_series',
      'Series watched for anomalies.',
      () => this.#watched.size,
    );
  }

  /** @param open the anomalies that were open when the server ended */
  start(open: readonly OpenAnomaly[]): void {
    for (const anomaly of open) this.#orphans.set(anomaly.seriesKey, anomaly);
    this.#startedAtMs = this.#parts.clock.monotonicMs();
    this.#repeatedAtMs = this.#startedAtMs;
    this.#subscriptions = this.#watches.map((watch) =>
      this.#parts.feed.onAppend(watch.matchers, (notice) => this.#note(notice)),
    );
    this.#timer = this.#parts.clock.every(this.#limits.judgeIntervalMs, () => void this.#tick());
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    for (const subscription of this.#subscriptions) subscription.stop();
  }

  #note(notice: AppendNotice): void {
    for (let at = 0; at < notice.refs.length; at++) {
      const ref = notice.refs[at] ?? 0;
      const known = this.#watched.get(ref);
      if (notice.stale[at]) {
        this.#seriesBeyondLimit.delete(ref);
        if (known) this.#forget(ref, known);
        continue;
      }
      const watched = known ?? this.#watch(ref);
      watched?.judge.note(notice.values[at] ?? Number.NaN, notice.origin);
    }
  }

  #watch(ref: SeriesRef): Watched | null {
    if (this.#seriesBeyondLimit.has(ref)) return null;
    const labels = this.#parts.feed.labelsOf(ref);
    const metricName = labels[METRIC_NAME_LABEL] ?? '';
    const watch = this.#watches.find(({ matchers }) => matchesAll(matchers, labels));
    if (!watch || UNWATCHABLE_METRICS.has(metricName)) return null;
    if (this.#watched.size >= this.#limits.maxWatchedSeries) {
      // Remembered so that each is counted once, up to as many again as are watched.
      if (this.#seriesBeyondLimit.size < this.#limits.maxWatchedSeries) this.#seriesBeyondLimit.add(ref);
      this.#unwatched.add(1);
      return null;
    }
    const key = labelsKey(labels);
    const orphan = this.#orphans.get(key);
    this.#orphans.delete(key);
    const watched: Watched = {
      key,
      labels: withoutLabels(labels, METRIC_NAME_LABEL),
      metricName,
      judge: this.#judgeOf(watch, labels, orphan),
      learnedAtMs: this.#parts.clock.monotonicMs() - this.#nextPhaseMs(),
      gate: orphan ? { phase: 'open', peakScore: orphan.peakScore, calmSinceMs: null } : CALM,
      suspectOrigin: null,
      anomaly: orphan ? { id: orphan.id, traceparent: orphan.traceparent } : null,
      score: null,
    };
    this.#watched.set(ref, watched);
    return watched;
  }

  #judgeOf(watch: Watch, labels: Labels, orphan: OpenAnomaly | undefined): SeriesJudge {
    const bounds = this.#bounds.filter(({ matchers }) => matchesAll(matchers, labels)).map(({ p95 }) => p95);
    // A bound that was passed says nothing of what is normal.
    const inherited = orphan && orphan.kind !== 'threshold_breach' ? baselineBehind(orphan) : null;
    return new SeriesJudge(watch, bounds.length > 0 ? Math.min(...bounds) : null, inherited);
  }

  /** How far into its second the next series is: one after the other learn in the ticks of a second in turn. */
  #nextPhaseMs(): number {
    const { judgeIntervalMs } = this.#limits;
    const ticks = Math.max(1, Math.floor(learnIntervalMs / judgeIntervalMs));
    return (this.#watchedSoFar++ % ticks) * judgeIntervalMs;
  }

  /** In slices: thousands of series that leave their past at once are thousands of anomalies to be opened. */
  async #tick(): Promise<void> {
    if (this.#judging) return;
    this.#judging = true;
    try {
      const nowMs = this.#parts.clock.monotonicMs();
      this.#closeOrphans(nowMs);
      const stretch = new Stretch(this.#parts.clock);
      let judged = 0;
      for (const [ref, watched] of this.#watched) {
        this.#judge(ref, watched, nowMs);
        if (++judged % seriesPerSlice === 0) await this.#endSlice(stretch);
        if (this.#stopped) return;
      }
      await this.#repeatScores(nowMs, stretch);
      if (!this.#stopped) this.#flush();
    } finally {
      this.#judging = false;
    }
  }

  #judge(ref: SeriesRef, watched: Watched, nowMs: number): void {
    if (nowMs - watched.judge.heardAtMs > this.#limits.maxSilenceMs) {
      this.#forget(ref, watched);
      return;
    }
    const judgement = watched.judge.judge();
    if (judgement) this.#weigh(watched, judgement, nowMs);
    const seconds = Math.floor((nowMs - watched.learnedAtMs) / learnIntervalMs);
    if (seconds < 1) return;
    watched.learnedAtMs += seconds * learnIntervalMs;
    watched.judge.learn(watched.gate.phase !== 'calm');
  }

  async #repeatScores(nowMs: number, stretch: Stretch): Promise<void> {
    if (nowMs - this.#repeatedAtMs < learnIntervalMs) return;
    this.#repeatedAtMs = nowMs;
    const repeated = this.#parts.scores.repeatInSlices();
    while (!this.#stopped && repeated.next().done !== true) await this.#endSlice(stretch);
  }

  /** What was put becomes visible as a unit of its own. */
  async #endSlice(stretch: Stretch): Promise<void> {
    this.#flush();
    if (stretch.isOver) await stretch.pause();
  }

  #flush(): void {
    this.#parts.scores.flush((series) => this.#byScore.get(series)?.anomaly?.traceparent ?? null);
  }

  #weigh(watched: Watched, judgement: Judgement, nowMs: number): void {
    const before = watched.gate;
    const gate = judge(before, { score: judgement.score, nowMs }, this.#limits);
    watched.gate = gate;
    if (before.phase === 'calm' && gate.phase !== 'calm') watched.suspectOrigin = watched.judge.origin;
    if (before.phase !== 'open' && gate.phase === 'open') this.#open(watched, judgement);
    if (before.phase === 'open' && gate.phase !== 'open') this.#close(watched, before.peakScore);
    if (!watched.score) {
      watched.score = this.#parts.scores.open('anomaly_score', {
        ...watched.labels,
        metric_name: watched.metricName,
      });
      this.#byScore.set(watched.score, watched);
    }
    this.#parts.scores.put(watched.score, judgement.score);
    // Readers learn from the score's origin which anomaly it belongs to, also where the score stays as it is.
    if ((before.phase === 'open') !== (gate.phase === 'open')) this.#parts.scores.again(watched.score);
  }

  /** The spans come first: the score that is appended in this very tick already carries the anomaly's trace. */
  #open(watched: Watched, judgement: Judgement): void {
    const { clock, random, writer } = this.#parts;
    const detectedAtMs = Math.floor(clock.wallMs());
    const id = createId('anom', detectedAtMs, random);
    const traceparent = this.#recordSpans(watched, { id, judgement, detectedAtMs });
    watched.anomaly = { id, traceparent };
    writer.opened({
      id,
      metricName: watched.metricName,
      labels: watched.labels,
      seriesKey: watched.key,
      ...judgement,
      detectedAtMs,
      traceparent,
    });
  }

  #recordSpans(
    watched: Watched,
    found: { readonly id: string; readonly judgement: Judgement; readonly detectedAtMs: number },
  ): string {
    const { tracing } = this.#parts;
    const { detectedAtMs, judgement } = found;
    const origin = watched.suspectOrigin;
    const receivedAtMs = origin?.receivedAtMs ?? detectedAtMs;
    let parent = origin?.traceparent ?? null;
    if (parent === null) {
      const append = tracing.startSpan('telemetry.append', { parent: null, startAtMs: receivedAtMs });
      append.end(receivedAtMs);
      parent = append.traceparent;
    }
    const span = tracing.startSpan('monitor.anomaly', {
      parent,
      startAtMs: receivedAtMs,
      attributes: {
        'omoi.anomaly.id': found.id,
        'omoi.metric.name': watched.metricName,
        'omoi.kind': judgement.kind,
        'omoi.score': judgement.score,
      },
    });
    span.end(detectedAtMs);
    return span.traceparent;
  }

  #close(watched: Watched, peakScore: number): void {
    const { anomaly } = watched;
    watched.anomaly = null;
    watched.suspectOrigin = null;
    if (!anomaly) return;
    this.#parts.writer.closed({
      id: anomaly.id,
      peakScore,
      closedAtMs: Math.floor(this.#parts.clock.wallMs()),
    });
  }

  #forget(ref: SeriesRef, watched: Watched): void {
    this.#watched.delete(ref);
    if (watched.gate.phase === 'open') this.#close(watched, watched.gate.peakScore);
    if (!watched.score) return;
    this.#byScore.delete(watched.score);
    this.#parts.scores.remove(watched.score);
  }

  /** An anomaly whose series did not come back after a restart is over. */
  #closeOrphans(nowMs: number): void {
    if (this.#orphans.size === 0 || nowMs - this.#startedAtMs < this.#limits.maxSilenceMs) return;
    const closedAtMs = Math.floor(this.#parts.clock.wallMs());
    for (const { id, peakScore } of this.#orphans.values()) {
      this.#parts.writer.closed({ id, peakScore, closedAtMs });
    }
    this.#orphans.clear();
  }
}
