import { sql, type Insertable } from 'kysely';
import type { EventBus } from '#eventbus';
import {
  lockRows,
  PreparedInsert,
  type StateDatabase,
  type StateTables,
  type StateTransaction,
} from '#storage';
import {
  allSettled,
  OmoiError,
  toRfc3339,
  type Labels,
  type NewSystemEvent,
  type ResolutionCause,
  type Sender,
} from '#telemetry';
import { formatSampleValue } from '../sample-value.ts';
import type { EvaluatedCause } from '../state/transition.ts';
import { FIRING } from './alert-row.ts';
import { writeSavedStates, type SavedStateChange } from './saved-state-rows.ts';
import { aboutAlert, alertFacts } from './alert-events.ts';

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
  /** Where others have posted it. */
  readonly posted?: PostedOrigin;
}

/** Whose word an episode rests on that no rule has raised. */
export interface PostedOrigin {
  readonly senders: readonly Sender[];
  /** As the row holds them. */
  readonly postings: string;
  /** Wall ms at which the last of the postings ends. */
  readonly untilMs: number;
  readonly generatorUrl: string;
}

/** An episode that ends. */
export interface EpisodeEnd {
  readonly alertId: string;
  readonly cause: EvaluatedCause | 'manual' | 'expired';
  readonly resolvedAtMs: number;
}

/** What became of it: the id is that of an older row where the rule already had a firing one for those labels. */
export interface OpenedEpisode {
  readonly alertId: string;
  readonly traceparent: string | null;
}

/** What a transaction of episodes came to. */
export interface WrittenEpisodes {
  /** In the order of `begun`. */
  readonly opened: readonly OpenedEpisode[];
  /** By the alert's id, the cause as it stands in the row; what had ended before is not among them. */
  readonly causes: ReadonlyMap<string, ResolutionCause>;
}

/** Episodes of one rule that begin and end together, and what need not be remembered beside them any more. */
export interface EpisodeChanges {
  readonly begun: readonly NewEpisode[];
  readonly ended: readonly EpisodeEnd[];
  readonly saved: SavedStateChange;
}

/** The maintenance in which what an alert's labels name is at the moment: its id, or null. */
export type MaintenanceOf = (labels: Labels) => string | null;

/** An episode that begins, and what it is marked with. */
interface MarkedEpisode extends NewEpisode {
  readonly maintenanceId: string | null;
}

interface MarkedChanges extends EpisodeChanges {
  readonly begun: readonly MarkedEpisode[];
}

type ResolvedEvent = Extract<NewSystemEvent, { readonly event_type: 'monitor.alert.resolved' }>;

/** A rule already has a firing row for the labels of an episode that begins. */
class FiresAlready extends Error {
  constructor() {
    super('an episode that begins fires already');
  }
}

/** Who writes more at once is the incident; who writes fewer may have nothing to do with it and goes before. */
const MAX_URGENT_EPISODES = 10;

const INSERT = new PreparedInsert<Insertable<StateTables['alerts']>, { id: string }>((db, rows) =>
  db
    .insertInto('alerts')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .returning('id'),
);

/** What is read of a row that has just been resolved. */
const ENDED_COLUMNS = ['id', 'rule_id', 'severity', 'labels', 'cause', 'fired_at_ms', 'traceparent'] as const;

/**
 * Writes the beginning and the end of episodes: rows and events in one transaction. How many it takes at once is its
 * caller's to bound; the number of statements does not depend on it.
 */
export class EpisodeWriter {
  readonly #database: StateDatabase;
  readonly #bus: EventBus;
  readonly #maintenanceOf: MaintenanceOf;

  constructor(database: StateDatabase, bus: EventBus, maintenanceOf: MaintenanceOf = () => null) {
    this.#database = database;
    this.#bus = bus;
    this.#maintenanceOf = maintenanceOf;
  }

  /**
   * All or nothing; may be repeated when it is unknown whether it went through. An episode that has ended already is
   * left as it is.
   */
  async write({ begun: found, ended, saved }: EpisodeChanges): Promise<WrittenEpisodes> {
    const begun = found.map((one) => ({ ...one, maintenanceId: this.#maintenanceOf(one.labels) }));
    const changes = { begun, ended, saved };
    const options = { urgent: begun.length + ended.length <= MAX_URGENT_EPISODES };
    if (ended.length === 0) {
      try {
        return await this.#database.transaction((tx) => this.#beginNew(tx, changes), options);
      } catch (thrown) {
        if (!(thrown instanceof FiresAlready)) throw thrown;
      }
    }
    return this.#database.transaction((tx) => this.#write(tx, changes), options);
  }

  /** Rows and events go to the database together, as if none of them fired already. @throws FiresAlready where one does */
  async #beginNew(tx: StateTransaction, { begun, saved }: MarkedChanges): Promise<WrittenEpisodes> {
    const [inserted] = await allSettled([
      insertEpisodes(tx, begun),
      writeSavedStates(tx, saved),
      this.#bus.append(tx, ...begun.map(triggeredEvent)),
    ]);
    if (inserted.size < begun.length) throw new FiresAlready();
    return { opened: begun, causes: new Map() };
  }

  async #write(tx: StateTransaction, changes: MarkedChanges): Promise<WrittenEpisodes> {
    const [ended, opened] = await allSettled([
      endEpisodes(tx, changes.ended),
      beginEpisodes(tx, changes.begun),
      writeSavedStates(tx, changes.saved),
    ]);
    const events: NewSystemEvent[] = [...ended];
    changes.begun.forEach((episode, place) => {
      if (opened[place]?.alertId === episode.alertId) events.push(triggeredEvent(episode));
    });
    await this.#bus.append(tx, ...events);
    return { opened, causes: new Map(ended.map(({ payload }) => [payload.alert_id, payload.cause])) };
  }

  /** Ends one episode by a person's hand. @returns false where it has ended already */
  endByHand(alertId: string, resolvedAtMs: number, saved: SavedStateChange): Promise<boolean> {
    return this.#database.transaction(async (tx) => {
      const events = await endEpisodes(tx, [{ alertId, cause: 'manual', resolvedAtMs }]);
      await writeSavedStates(tx, saved);
      await this.#bus.append(tx, ...events);
      return events.length > 0;
    });
  }
}

/** A recovery after a remediation has acted for the alert is that remediation's. */
async function endEpisodes(
  tx: StateTransaction,
  ended: readonly EpisodeEnd[],
): Promise<readonly ResolvedEvent[]> {
  const events: ResolvedEvent[] = [];
  await lockRows(tx, { table: 'alerts', key: 'id', ids: ended.map(({ alertId }) => alertId) });
  const alike = Map.groupBy(ended, ({ cause, resolvedAtMs }) => `${cause} ${resolvedAtMs}`);
  for (const ends of alike.values()) {
    const [first] = ends;
    if (!first) continue;
    const { cause, resolvedAtMs } = first;
    const ids = ends.map(({ alertId }) => alertId);
    const rows = await tx.db
      .updateTable('alerts')
      .set({
        state: 'resolved',
        cause:
          cause === 'recovered'
            ? sql<ResolutionCause>`case when remediation_acted = 1 then 'remediated' else 'recovered' end`
            : cause,
        resolved_at_ms: resolvedAtMs,
        updated_at_ms: resolvedAtMs,
      })
      .where('id', 'in', ids)
      .where('state', '=', 'firing')
      .returning(ENDED_COLUMNS)
      .execute();
    // Rows come back in any order; events are told in that of the ends.
    const byId = new Map(rows.map((row) => [row.id, row]));
    for (const { alertId } of ends) {
      const row = byId.get(alertId);
      if (row) events.push(resolvedEvent(row, cause, resolvedAtMs));
    }
  }
  return events;
}

async function beginEpisodes(
  tx: StateTransaction,
  begun: readonly MarkedEpisode[],
): Promise<readonly OpenedEpisode[]> {
  const ids = await insertEpisodes(tx, begun);
  if (ids.size === begun.length) return begun;
  const firing = await firingRows(
    tx,
    begun.filter(({ alertId }) => !ids.has(alertId)),
  );
  return begun.map((episode) => {
    if (ids.has(episode.alertId)) return episode;
    const row = firing.get(episode.fingerprint);
    if (row) return row;
    // Somebody ended it in between: the whole is to be tried again.
    throw new OmoiError('database_failed', `The alert of ${episode.ruleId} was ended while it was opened`);
  });
}

/** Leaves those out that fire already. @returns the ids of the others */
async function insertEpisodes(
  tx: StateTransaction,
  begun: readonly MarkedEpisode[],
): Promise<ReadonlySet<string>> {
  if (begun.length === 0) return new Set();
  const inserted = await INSERT.rows(tx, begun.map(rowOf));
  return new Set(inserted.map(({ id }) => id));
}

/** The firing rows of one rule for those labels, by fingerprint. */
async function firingRows(
  tx: StateTransaction,
  episodes: readonly NewEpisode[],
): Promise<ReadonlyMap<string, OpenedEpisode>> {
  const rows = await tx.db
    .selectFrom('alerts')
    .select(['id', 'fingerprint', 'traceparent'])
    .where('rule_key', '=', episodes[0]?.ruleKey ?? '')
    .where('state', '=', FIRING)
    .where(
      'fingerprint',
      'in',
      episodes.map(({ fingerprint }) => fingerprint),
    )
    .execute();
  return new Map(rows.map((row) => [row.fingerprint, { alertId: row.id, traceparent: row.traceparent }]));
}

function rowOf(episode: MarkedEpisode): Insertable<StateTables['alerts']> {
  return {
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
    maintenance_id: episode.maintenanceId,
    evaluation_error: null,
    traceparent: episode.traceparent,
    updated_at_ms: episode.firedAtMs,
    posted_claims: episode.posted?.postings ?? null,
    posted_until_ms: episode.posted?.untilMs ?? null,
    generator_url: episode.posted?.generatorUrl ?? null,
  };
}

function triggeredEvent(episode: MarkedEpisode): NewSystemEvent {
  return {
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
      ...(episode.maintenanceId === null ? {} : { maintenance_id: episode.maintenanceId }),
      ...(episode.posted && {
        posted_by: [...episode.posted.senders],
        starts_at: toRfc3339(Math.min(episode.activeAtMs, episode.firedAtMs)),
      }),
    },
  };
}

function resolvedEvent(
  row: Pick<StateTables['alerts'], (typeof ENDED_COLUMNS)[number]>,
  cause: ResolutionCause,
  resolvedAtMs: number,
): ResolvedEvent {
  return {
    event_type: 'monitor.alert.resolved',
    ...aboutAlert(row),
    payload: {
      ...alertFacts(row),
      cause: row.cause ?? cause,
      duration_ms: Math.max(0, resolvedAtMs - row.fired_at_ms),
    },
  };
}
