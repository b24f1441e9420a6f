import type { StateDatabase, StateTransaction } from '#storage';
import { messageOf, type Clock, type Labels, type Logger, type Timer } from '#telemetry';
import type { Instance } from '../lifecycle/instance.ts';
import type { AlertRow, RuleStateRow } from '../lifecycle/restore.ts';
import { formatSampleValue } from '../sample-value.ts';

/** Changes that need not be on disk at once are collected for this long. */
const FLUSH_DELAY_MS = 250;
/** How often what is remembered is confirmed as still so: a downtime is known to within this. */
const CONFIRM_PERIOD_MS = 10_000;

/** What changes on a firing alert's row while it fires. */
export interface AlertRefresh {
  readonly value: number;
  readonly annotations: Labels | null;
  readonly evaluationError: string | null;
}

export interface RememberedRule {
  readonly key: string;
  readonly instances: ReadonlyMap<string, Instance>;
}

/**
 * Keeps on disk what rules must remember over a restart beside the episodes: pending, subsiding and dismissed
 * label sets, and the newest value of what fires. Written a little later and together.
 */
export class RuleMemory {
  readonly #database: StateDatabase;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #dirty = new Map<string, RememberedRule>();
  readonly #refreshes = new Map<string, AlertRefresh>();
  /** The rules with rows on disk, and the fingerprints of the rows. */
  readonly #written = new Map<string, { rule: RememberedRule; rows: ReadonlySet<string> }>();
  #timer: Timer | null = null;
  #confirmTimer: Timer | null = null;
  #flushing: Promise<void> = Promise.resolve();

  constructor(parts: { readonly database: StateDatabase; readonly clock: Clock; readonly logger: Logger }) {
    this.#database = parts.database;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
  }

  /** What was remembered, by rule key. */
  async recall(): Promise<{
    readonly firing: readonly AlertRow[];
    readonly states: readonly RuleStateRow[];
  }> {
    const { reader } = this.#database;
    const firing = await reader.selectFrom('alerts').selectAll().where('state', '=', 'firing').execute();
    const states = await reader.selectFrom('alert_rule_state').selectAll().execute();
    for (const state of states) {
      const written = this.#written.get(state.rule_key);
      const rows = new Set(written?.rows).add(state.fingerprint);
      this.#written.set(state.rule_key, {
        rule: written?.rule ?? { key: state.rule_key, instances: new Map() },
        rows,
      });
    }
    return { firing, states };
  }

  start(): void {
    this.#confirmTimer = this.#clock.every(CONFIRM_PERIOD_MS, () => {
      for (const [key, { rule, rows }] of this.#written) {
        if (rows.size > 0 && !this.#dirty.has(key)) this.#dirty.set(key, rule);
      }
      if (this.#dirty.size > 0) void this.flush();
    });
  }

  remember(rule: RememberedRule): void {
    const isKnown = this.#written.has(rule.key) || this.#dirty.has(rule.key);
    if (!isKnown && ![...rule.instances.values()].some(({ phase }) => phase.kind !== 'firing')) return;
    this.#dirty.set(rule.key, rule);
    this.#schedule();
  }

  refresh(alertId: string, refresh: AlertRefresh): void {
    const before = this.#refreshes.get(alertId);
    this.#refreshes.set(alertId, {
      ...refresh,
      annotations: refresh.annotations ?? before?.annotations ?? null,
    });
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#confirmTimer?.cancel();
    for (const [key, { rule, rows }] of this.#written) if (rows.size > 0) this.#dirty.set(key, rule);
    await this.flush();
  }

  /** Writes what is waiting. Never rejects: what could not be written waits for the next time. */
  flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    this.#flushing = this.#flushing.then(() => this.#flushNow());
    return this.#flushing;
  }

  #schedule(): void {
    this.#timer ??= this.#clock.after(FLUSH_DELAY_MS, () => void this.flush());
  }

  async #flushNow(): Promise<void> {
    if (this.#dirty.size === 0 && this.#refreshes.size === 0) return;
    const rules = [...this.#dirty.values()];
    const refreshes = [...this.#refreshes];
    this.#dirty.clear();
    this.#refreshes.clear();
    try {
      await this.#database.transaction(async (tx) => {
        for (const rule of rules) await this.#writeRule(tx, rule);
        for (const [alertId, refresh] of refreshes) await writeRefresh(tx, alertId, refresh);
      });
      for (const rule of rules)
        this.#written.set(rule.key, { rule, rows: new Set(rowsOf(rule, 0).map((row) => row.fingerprint)) });
    } catch (thrown) {
      this.#logger.warn({ error: messageOf(thrown) }, 'The state of alert rules could not be saved yet');
      for (const rule of rules) if (!this.#dirty.has(rule.key)) this.#dirty.set(rule.key, rule);
      for (const [alertId, refresh] of refreshes) {
        if (!this.#refreshes.has(alertId)) this.#refreshes.set(alertId, refresh);
      }
      this.#schedule();
    }
  }

  async #writeRule(tx: StateTransaction, rule: RememberedRule): Promise<void> {
    const nowMs = Math.floor(this.#clock.wallMs());
    const before = this.#written.get(rule.key)?.rows ?? new Set<string>();
    const rows = rowsOf(rule, nowMs);
    const kept = new Set(rows.map(({ fingerprint }) => fingerprint));
    for (const fingerprint of before) {
      if (kept.has(fingerprint)) continue;
      await tx.db
        .deleteFrom('alert_rule_state')
        .where('rule_key', '=', rule.key)
        .where('fingerprint', '=', fingerprint)
        .execute();
    }
    for (const row of rows) {
      const { rule_key: _key, fingerprint: _fingerprint, ...changed } = row;
      await tx.db
        .insertInto('alert_rule_state')
        .values(row)
        .onConflict((conflict) => conflict.columns(['rule_key', 'fingerprint']).doUpdateSet(changed))
        .execute();
    }
  }
}

async function writeRefresh(tx: StateTransaction, alertId: string, refresh: AlertRefresh): Promise<void> {
  await tx.db
    .updateTable('alerts')
    .set({
      value: formatSampleValue(refresh.value),
      evaluation_error: refresh.evaluationError,
      updated_at_ms: tx.nowMs,
      ...(refresh.annotations === null ? {} : { annotations: JSON.stringify(refresh.annotations) }),
    })
    .where('id', '=', alertId)
    .where('state', '=', 'firing')
    .execute();
}

function rowsOf(rule: RememberedRule, nowMs: number): readonly RuleStateRow[] {
  return [...rule.instances.values()].flatMap((instance) => {
    const { phase } = instance;
    if (phase.kind === 'firing') return [];
    return [
      {
        rule_key: rule.key,
        fingerprint: instance.fingerprint,
        state: phase.kind,
        labels: JSON.stringify(instance.labels),
        source_labels: JSON.stringify(instance.sourceLabels),
        value: formatSampleValue(instance.value),
        active_at_ms: Math.floor(phase.activeAtMs),
        missed_since_ms: phase.kind === 'subsiding' ? Math.floor(phase.missedSinceMs) : null,
        evaluated_at_ms: nowMs,
        traceparent: instance.cause.parent,
      },
    ];
  });
}
