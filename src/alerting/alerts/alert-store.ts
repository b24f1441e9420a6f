import type { EventBus } from '#eventbus';
import type { StateDatabase } from '#storage';
import { type Clock, type EventType, type SystemEvent } from '#telemetry';
import { listAlerts, type AlertFilter, type AlertPage } from './alert-query.ts';
import type { AlertRow } from './alert-row.ts';
import { countFiring, type FiringCount } from './firing-counts.ts';
import type { EpisodeWriter } from './episode-writer.ts';
import { alreadyResolved, unknownAlert } from './alert-lookup.ts';

const MAX_TIMELINE_EVENTS = 1000;

const TIMELINE_TYPES: readonly EventType[] = [
  'monitor.alert.triggered',
  'monitor.alert.acknowledged',
  'monitor.alert.escalated',
  'monitor.alert.resolved',
  'watchdog.remediation.started',
  'watchdog.remediation.changed',
  'watchdog.remediation.completed',
  'watchdog.remediation.suppressed',
  'watchdog.escalated',
];

/** What ends the alerts of a rule that runs, or those that others have posted. */
export interface AlertOwner {
  /** @throws OmoiError `alert_resolved` */
  resolveByHand(alertId: string): Promise<void>;
}

export interface AlertStoreParts {
  readonly database: StateDatabase;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly episodes: EpisodeWriter;
  readonly findOwner: (ruleKey: string) => AlertOwner | undefined;
}

/** The alerts as people see and handle them. */
export class AlertStore {
  readonly #parts: AlertStoreParts;

  constructor(parts: AlertStoreParts) {
    this.#parts = parts;
  }

  list(filter: AlertFilter): Promise<AlertPage> {
    return listAlerts(this.#parts.database, filter);
  }

  /** How many alerts fire, by severity. */
  countFiring(): Promise<readonly FiringCount[]> {
    return countFiring(this.#parts.database);
  }

  /** @throws OmoiError `unknown_alert` */
  async get(alertId: string): Promise<AlertRow> {
    const { reader } = this.#parts.database;
    const row = await reader.selectFrom('alerts').selectAll().where('id', '=', alertId).executeTakeFirst();
    if (!row) throw unknownAlert(alertId);
    return row;
  }

  /**
   * What has happened around an alert, in order: its own events, and in its trace those of its remediations.
   * @throws OmoiError `unknown_alert`
   */
  async timeline(alertId: string): Promise<readonly SystemEvent[]> {
    const row = await this.get(alertId);
    const { bus } = this.#parts;
    const own = await bus.list({ entityId: alertId, limit: MAX_TIMELINE_EVENTS });
    const traceId = row.traceparent?.split('-')[1];
    const traced =
      traceId === undefined
        ? []
        : await bus.list({ traceId, types: TIMELINE_TYPES, limit: MAX_TIMELINE_EVENTS });
    const byId = new Map<number, SystemEvent>();
    for (const event of own) byId.set(event.id, event);
    for (const event of traced) if (concerns(event, alertId)) byId.set(event.id, event);
    return [...byId.values()].sort((a, b) => a.id - b.id);
  }

  /**
   * A person ends the alert, with the cause `manual`. It does not fire again before its condition was false once.
   * @throws OmoiError `unknown_alert`, `alert_resolved`
   */
  async resolve(alertId: string): Promise<AlertRow> {
    const { clock, episodes, findOwner } = this.#parts;
    const row = await this.get(alertId);
    if (row.state !== 'firing') throw alreadyResolved(alertId);
    const owner = findOwner(row.rule_key);
    if (owner) await owner.resolveByHand(alertId);
    else {
      const nothing = { ruleKey: row.rule_key, put: [], remove: [] };
      const ended = await episodes.endByHand(alertId, Math.floor(clock.wallMs()), nothing);
      if (!ended) throw alreadyResolved(alertId);
    }
    return this.get(alertId);
  }
}

function concerns(event: SystemEvent, alertId: string): boolean {
  return 'alert_id' in event.payload && event.payload.alert_id === alertId;
}
