import type { EventBus } from '#eventbus';
import type { StateDatabase } from '#storage';
import {
  fingerprintOf,
  labelValue,
  toRfc3339,
  type Labels,
  type NewSystemEvent,
  type VirtualClock,
} from '#telemetry';
import type { StoredAlert } from './notified-alert.ts';
import type { AlertReader } from './ports.ts';

/** The alerts as `alerting` would have them: a map, and the events on the bus. */
export class TestAlerts implements AlertReader {
  readonly #database: StateDatabase;
  readonly #append: EventBus['append'];
  readonly #clock: VirtualClock;
  readonly #alerts = new Map<string, StoredAlert>();

  constructor(database: StateDatabase, clock: VirtualClock, append: EventBus['append']) {
    this.#database = database;
    this.#clock = clock;
    this.#append = append;
  }

  /** Why they cannot be read; null where they can. */
  failure: string | null = null;

  read(alertIds: readonly string[]): Promise<readonly StoredAlert[]> {
    if (this.failure !== null) return Promise.reject(new Error(this.failure));
    return Promise.resolve(alertIds.flatMap((alertId) => this.#alerts.get(alertId) ?? []));
  }

  async names(alertIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const alerts = await this.read(alertIds);
    return new Map(alerts.map(({ alertId, labels }) => [alertId, labelValue(labels, 'alertname')]));
  }

  async *firing(): AsyncIterable<readonly StoredAlert[]> {
    await Promise.resolve();
    yield [...this.#alerts.values()].filter(({ endsAtMs }) => endsAtMs === null);
  }

  /**
   * Alerts begin to fire in one transaction, by their ids.
   * @param startsAtMs since when, as who posts them says, wall ms; now where nobody says so
   */
  async fire(
    labelsOf: Readonly<Record<string, Labels>>,
    { startsAtMs }: { readonly startsAtMs?: number } = {},
  ): Promise<void> {
    await this.#database.transaction((tx) => {
      const events = Object.entries(labelsOf).map(([alertId, labels]) => {
        const alert: StoredAlert = {
          alertId,
          fingerprint: fingerprintOf(labels),
          labels,
          annotations: { summary: `${alertId} is wrong` },
          startsAtMs: startsAtMs ?? this.#clock.wallMs(),
          firedAtMs: this.#clock.wallMs(),
          endsAtMs: null,
          updatedAtMs: this.#clock.wallMs(),
          expiresAtMs: null,
          snoozedUntilMs: null,
          generatorUrl: '',
          acknowledgedBy: null,
          remediation: null,
          traceparent: null,
        };
        this.#alerts.set(alertId, alert);
        const severity = labelValue(labels, 'severity');
        return {
          event_type: 'monitor.alert.triggered' as const,
          entity_type: 'alert',
          entity_id: alertId,
          payload: {
            alert_id: alertId,
            rule_id: 'g/r',
            severity,
            metric_name: null,
            current_value: 1,
            threshold: null,
            labels,
            ...(startsAtMs === undefined ? {} : { starts_at: toRfc3339(startsAtMs) }),
          },
          traceparent: null,
        };
      });
      return this.#append(tx, ...events);
    });
  }

  async resolve(...alertIds: readonly string[]): Promise<void> {
    await this.#database.transaction((tx) => {
      const events = alertIds.map((alertId) => {
        const alert = this.#alerts.get(alertId);
        if (!alert) throw new Error(`no alert ${alertId}`);
        this.#alerts.set(alertId, { ...alert, endsAtMs: this.#clock.wallMs() });
        const { labels } = alert;
        return {
          event_type: 'monitor.alert.resolved' as const,
          entity_type: 'alert',
          entity_id: alertId,
          payload: {
            alert_id: alertId,
            rule_id: 'g/r',
            severity: '',
            labels,
            cause: 'recovered' as const,
            duration_ms: 1,
          },
          traceparent: null,
        };
      });
      return this.#append(tx, ...events);
    });
  }

  async acknowledge(alertId: string): Promise<void> {
    await this.#tell(alertId, (about) => ({
      event_type: 'monitor.alert.acknowledged',
      payload: { ...about, acknowledged_by: 'ann' },
    }));
    this.#alerts.set(alertId, { ...this.#get(alertId), acknowledgedBy: 'ann' });
  }

  /** @param forMs from now on */
  async snooze(alertId: string, forMs: number): Promise<void> {
    const untilMs = this.#clock.wallMs() + forMs;
    await this.#tell(alertId, (about) => ({
      event_type: 'monitor.alert.snoozed',
      payload: { ...about, snoozed_by: 'ann', until: toRfc3339(untilMs) },
    }));
    this.#alerts.set(alertId, { ...this.#get(alertId), snoozedUntilMs: untilMs });
  }

  /** Its time is over. */
  unsnooze(alertId: string): Promise<void> {
    return this.#tell(alertId, (about) => ({
      event_type: 'monitor.alert.unsnoozed',
      payload: { ...about, unsnoozed_by: null },
    }));
  }

  #get(alertId: string): StoredAlert {
    const alert = this.#alerts.get(alertId);
    if (!alert) throw new Error(`no alert ${alertId}`);
    return alert;
  }

  async #tell(
    alertId: string,
    event: (about: {
      readonly alert_id: string;
      readonly rule_id: string;
      readonly severity: string;
      readonly labels: Labels;
    }) => Pick<NewSystemEvent, 'event_type' | 'payload'>,
  ): Promise<void> {
    const { labels } = this.#get(alertId);
    const told = event({ alert_id: alertId, rule_id: 'g/r', severity: '', labels });
    const about = { entity_type: 'alert', entity_id: alertId, traceparent: null };
    await this.#database.transaction((tx) => this.#append(tx, { ...told, ...about } as NewSystemEvent));
  }
}
