import type { EventBus } from '#eventbus';
import type { StateDatabase, StateTransaction } from '#storage';
import { parseLabels, OmoiError, type Labels } from '#telemetry';
import { formatSampleValue } from '../sample-value.ts';

/** An episode that begins. Times: wall ms. */
export interface NewEpisode {
  readonly alertId: string;
  readonly ruleId: string;
  readonly ruleKey: string;
  readonly fingerprint: string;
  readonly labels: Labels;
  readonly sourceLabels: Labels;
  readonly annotations: Labels;
  readonly severity: string;
  readonly value: number;
  readonly metricName: string | null;
  readonly threshold: number | null;
  readonly comparison: string | null;
  readonly activeAtMs: number;
  readonly firedAtMs: number;
  readonly traceparent: string | null;
}

/** An episode that ends. */
export interface EpisodeEnd {
  readonly alertId: string;
  readonly cause: 'recovered' | 'data_vanished' | 'evaluation_failed' | 'manual';
  readonly resolvedAtMs: number;
}

/** What became of it: `existing` where the rule already had a firing row for those labels. */
export interface OpenedEpisode {
  readonly alertId: string;
  readonly existing: boolean;
}

/** Writes the beginning and the end of episodes: the row and its event in one transaction. */
export class EpisodeJournal {
  readonly #database: StateDatabase;
  readonly #bus: EventBus;

  constructor(database: StateDatabase, bus: EventBus) {
    this.#database = database;
    this.#bus = bus;
  }

  /** All or nothing; may be repeated when it is unknown whether it went through. Answers in the order of `begun`. */
  write(begun: readonly NewEpisode[], ended: readonly EpisodeEnd[]): Promise<readonly OpenedEpisode[]> {
    return this.#database.transaction(async (tx) => {
      for (const end of ended) await this.end(tx, end);
      const opened: OpenedEpisode[] = [];
      for (const episode of begun) opened.push(await this.#begin(tx, episode));
      return opened;
    });
  }

  /**
   * Ends one episode in a transaction of the caller's. A recovery after a remediation has acted for the alert is
   * that remediation's.
   * @returns false where the episode has ended already
   */
  async end(tx: StateTransaction, end: EpisodeEnd): Promise<boolean> {
    const found = tx.db.selectFrom('alerts').selectAll().where('id', '=', end.alertId);
    const row = await (tx.dialect === 'postgres' ? found.forUpdate() : found).executeTakeFirst();
    if (row?.state !== 'firing') return false;
    const cause = end.cause === 'recovered' && row.remediation_acted === 1 ? 'remediated' : end.cause;
    await tx.db
      .updateTable('alerts')
      .set({ state: 'resolved', cause, resolved_at_ms: end.resolvedAtMs, updated_at_ms: end.resolvedAtMs })
      .where('id', '=', end.alertId)
      .execute();
    await this.#bus.append(tx, {
      event_type: 'monitor.alert.resolved',
      entity_type: 'alert',
      entity_id: row.id,
      traceparent: row.traceparent,
      payload: {
        alert_id: row.id,
        rule_id: row.rule_id,
        severity: row.severity,
        labels: parseLabels(row.labels),
        cause,
        duration_ms: Math.max(0, end.resolvedAtMs - row.fired_at_ms),
      },
    });
    return true;
  }

  async #begin(tx: StateTransaction, episode: NewEpisode): Promise<OpenedEpisode> {
    const inserted = await tx.db
      .insertInto('alerts')
      .values({
        id: episode.alertId,
        rule_id: episode.ruleId,
        rule_key: episode.ruleKey,
        fingerprint: episode.fingerprint,
        labels: JSON.stringify(episode.labels),
        annotations: JSON.stringify(episode.annotations),
        source_labels: JSON.stringify(episode.sourceLabels),
        severity: episode.severity,
        state: 'firing',
        value: formatSampleValue(episode.value),
        threshold: episode.threshold,
        comparison: episode.comparison,
        metric_name: episode.metricName,
        active_at_ms: episode.activeAtMs,
        fired_at_ms: episode.firedAtMs,
        resolved_at_ms: null,
        cause: null,
        acknowledged_by: null,
        acknowledged_at_ms: null,
        remediation_id: null,
        remediation_acted: 0,
        evaluation_error: null,
        traceparent: episode.traceparent,
        updated_at_ms: episode.firedAtMs,
      })
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .executeTakeFirst();
    if (!inserted) return { alertId: await this.#firingId(tx, episode), existing: true };
    await this.#bus.append(tx, {
      event_type: 'monitor.alert.triggered',
      entity_type: 'alert',
      entity_id: episode.alertId,
      traceparent: episode.traceparent,
      payload: {
        alert_id: episode.alertId,
        rule_id: episode.ruleId,
        severity: episode.severity,
        metric_name: episode.metricName,
        current_value: Number.isFinite(episode.value) ? episode.value : null,
        threshold: episode.threshold,
        labels: episode.labels,
      },
    });
    return { alertId: episode.alertId, existing: false };
  }

  async #firingId(tx: StateTransaction, episode: NewEpisode): Promise<string> {
    const row = await tx.db
      .selectFrom('alerts')
      .select('id')
      .where('rule_key', '=', episode.ruleKey)
      .where('fingerprint', '=', episode.fingerprint)
      .where('state', '=', 'firing')
      .executeTakeFirst();
    if (row) return row.id;
    // Somebody ended it in between: the whole is to be tried again.
    throw new OmoiError('database_failed', `The alert of ${episode.ruleId} was ended while it was opened`);
  }
}
