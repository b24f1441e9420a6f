import { sql } from 'kysely';
import type { EventBus } from '#eventbus';
import type { StateDatabase, StateTransaction } from '#storage';
import {
  parseLabels,
  backoffMs,
  isRefusal,
  messageOf,
  type BackoffLimits,
  type Clock,
  type Counter,
  type Labels,
  type Logger,
  type Random,
  type SelfMetrics,
  type Timer,
} from '#telemetry';

/** An anomaly that begins. */
export interface NewAnomaly {
  readonly id: string;
  readonly metricName: string;
  readonly labels: Labels;
  readonly seriesKey: string;
  readonly kind: 'spike' | 'drop' | 'threshold_breach';
  readonly value: number;
  readonly expected: number;
  readonly score: number;
  readonly detectedAtMs: number;
  readonly traceparent: string;
}

export interface AnomalyEnd {
  readonly id: string;
  readonly peakScore: number;
  readonly closedAtMs: number;
}

/** What a restarted detector takes up. */
export interface OpenAnomaly {
  readonly id: string;
  readonly seriesKey: string;
  readonly labels: Labels;
  readonly metricName: string;
  readonly kind: string;
  readonly value: number;
  readonly expected: number | null;
  readonly score: number;
  readonly peakScore: number;
  readonly traceparent: string | null;
}

const DETECTOR_NAME = 'robust_z';

const maxWaitingWrites = 10_000;
/** What waits shares transactions of this many: thousands of series may leave their past at once. */
const maxWritesPerTransaction = 32;
const RETRY_BACKOFF: BackoffLimits = { firstMs: 500, maxMs: 5000 };

type Write =
  | { readonly kind: 'open'; readonly anomaly: NewAnomaly }
  | { readonly kind: 'close'; readonly end: AnomalyEnd };

export interface AnomalyWriterParts {
  readonly database: StateDatabase;
  readonly bus: EventBus;
  readonly clock: Clock;
  /** For the jitter of retries. */
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
}

/**
 * Writes anomalies, each with its event in the same transaction, in the order in which they were told; while the
 * database is away they wait. Writing one twice changes nothing.
 */
export class AnomalyWriter {
  readonly #parts: AnomalyWriterParts;
  readonly #waiting: Write[] = [];
  readonly #dropped: Counter;
  #running: Promise<void> | null = null;
  #retry: Timer | null = null;
  #failures = 0;

  constructor(parts: AnomalyWriterParts) {
    this.#parts = parts;
    this.#dropped = parts.metrics.counter(
      'omoi_monitor_anomaly_writes_dropped_total',
      'Anomaly records that could not wait, or that the database refuses for good.',
    );
  }

  opened(anomaly: NewAnomaly): void {
    this.#add({ kind: 'open', anomaly });
  }

  closed(end: AnomalyEnd): void {
    this.#add({ kind: 'close', end });
  }

  async loadOpen(): Promise<readonly OpenAnomaly[]> {
    const rows = await this.#parts.database.reader
      .selectFrom('monitor_anomalies')
      .selectAll()
      .where('state', '=', sql.lit('open'))
      .execute();
    return rows.map((row) => ({
      id: row.id,
      seriesKey: row.series_key,
      labels: parseLabels(row.labels),
      metricName: row.metric_name,
      kind: row.kind,
      value: row.value,
      expected: row.expected,
      score: row.score,
      peakScore: row.peak_score,
      traceparent: row.traceparent,
    }));
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async stop(): Promise<void> {
    this.#retry?.cancel();
    await this.#running;
  }

  #add(write: Write): void {
    if (this.#waiting.length >= maxWaitingWrites) {
      this.#dropped.add(1);
      return;
    }
    this.#waiting.push(write);
    if (this.#retry === null) this.#running ??= this.#drain();
  }

  async #drain(): Promise<void> {
    // Of a batch that was refused, those that are still to be written one by one.
    let alone = 0;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, alone > 0 ? 1 : maxWritesPerTransaction);
      try {
        await this.#write(batch);
        this.#failures = 0;
      } catch (thrown) {
        if (!isRefusal(thrown)) {
          this.#tryAgain(thrown);
          break;
        }
        if (batch.length > 1) {
          alone = batch.length;
          continue;
        }
        this.#drop(batch, thrown);
      }
      this.#waiting.splice(0, batch.length);
      if (alone > 0) alone--;
    }
    this.#running = null;
  }

  async #write(batch: readonly Write[]): Promise<void> {
    await this.#parts.database.transaction(async (tx) => {
      for (const write of batch) {
        await (write.kind === 'open' ? this.#open(tx, write.anomaly) : this.#close(tx, write.end));
      }
    });
  }

  /** What the database refuses for good holds up nothing behind it. */
  #drop(batch: readonly Write[], thrown: unknown): void {
    this.#dropped.add(batch.length);
    for (const write of batch) {
      const id = write.kind === 'open' ? write.anomaly.id : write.end.id;
      this.#parts.logger.error(
        { anomaly_id: id, change: write.kind, error: messageOf(thrown) },
        'Anomaly not written: the database refuses it for good; it is dropped and counted.',
      );
    }
  }

  #tryAgain(thrown: unknown): void {
    const { logger, clock, random } = this.#parts;
    const delayMs = backoffMs(++this.#failures, RETRY_BACKOFF, random);
    logger.warn(
      { error: messageOf(thrown), waiting: this.#waiting.length, retry_in_ms: delayMs },
      'Anomalies not written: the database refused; they are tried again.',
    );
    this.#retry = clock.after(delayMs, () => {
      this.#retry = null;
      this.#running ??= this.#drain();
    });
  }

  async #open(tx: StateTransaction, anomaly: NewAnomaly): Promise<void> {
    const inserted = await tx.db
      .insertInto('monitor_anomalies')
      .values({
        id: anomaly.id,
        metric_name: anomaly.metricName,
        labels: JSON.stringify(anomaly.labels),
        series_key: anomaly.seriesKey,
        kind: anomaly.kind,
        detector: DETECTOR_NAME,
        state: 'open',
        value: anomaly.value,
        expected: anomaly.expected,
        score: anomaly.score,
        peak_score: anomaly.score,
        detected_at_ms: anomaly.detectedAtMs,
        closed_at_ms: null,
        acknowledged_by: null,
        acknowledged_at_ms: null,
        traceparent: anomaly.traceparent,
      })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (inserted.numInsertedOrUpdatedRows !== 1n) return;
    await this.#parts.bus.append(tx, {
      event_type: 'monitor.anomaly.detected',
      entity_type: 'anomaly',
      entity_id: anomaly.id,
      traceparent: anomaly.traceparent,
      payload: {
        anomaly_id: anomaly.id,
        kind: anomaly.kind,
        metric_name: anomaly.metricName,
        labels: anomaly.labels,
        value: anomaly.value,
        expected: anomaly.expected,
        score: anomaly.score,
        detector: DETECTOR_NAME,
      },
    });
  }

  async #close(tx: StateTransaction, end: AnomalyEnd): Promise<void> {
    const row = await tx.db
      .updateTable('monitor_anomalies')
      .set({ state: 'closed', closed_at_ms: end.closedAtMs, peak_score: end.peakScore })
      .where('id', '=', end.id)
      .where('state', '=', 'open')
      .returningAll()
      .executeTakeFirst();
    if (!row) return;
    await this.#parts.bus.append(tx, {
      event_type: 'monitor.anomaly.closed',
      entity_type: 'anomaly',
      entity_id: row.id,
      traceparent: row.traceparent,
      payload: {
        anomaly_id: row.id,
        metric_name: row.metric_name,
        labels: parseLabels(row.labels),
        peak_score: row.peak_score,
        duration_ms: Math.max(0, end.closedAtMs - row.detected_at_ms),
      },
    });
  }
}
