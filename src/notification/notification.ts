import type { EventBus } from '#eventbus';
import type { StateDatabase, StateTransaction } from '#storage';
import {
  createId,
  emptyLabels,
  fingerprintOf,
  matchesAll,
  messageOf,
  OmoiError,
  Stretch,
  suggestKey,
  type Clock,
  type EventType,
  type Labels,
  type Logger,
  type Random,
  type SelfMetrics,
  type Subscription,
  type SystemEvent,
  type Tracing,
} from '#telemetry';
import type { NotificationConfiguration, Route } from './configuration/notification-configuration.ts';
import { DecisionLog } from './explain/decision-log.ts';
import { deliveriesOf, explain, type Explanation } from './explain/explanation.ts';
import { listMessages, type MessagePage, type MessageQuery } from './explain/message-list.ts';
import { Dispatcher, type RoutingInForce } from './groups/dispatcher.ts';
import { trackedAlert, type TrackedAlert } from './groups/tracked-alert.ts';
import type { Inhibition, Inhibitor } from './inhibition/inhibitor.ts';
import type { AlertLinks } from './message.ts';
import type { NotifiedAlert } from './notified-alert.ts';
import { messageSender } from './outbox/message-writer.ts';
import { NotificationLog } from './outbox/notification-log.ts';
import { Outbox } from './outbox/outbox.ts';
import { integrationKey, type RunningIntegration } from './outbox/running-integration.ts';
import type { Delivery } from './receivers/integration.ts';
import { testMessage } from './receivers/test-message.ts';
import type { AlertReader } from './ports.ts';
import {
  routeOverviews,
  testRouting,
  type RouteOverview,
  type RoutingTest,
} from './routing/routing-overview.ts';
import type { SilentByTime, TimeIntervals } from './routing/time-intervals.ts';
import { coversLabels, type MatcherSet, type Silence } from './silences/silence.ts';
import type { SilenceBook } from './silences/silence-book.ts';

export interface NotificationParts {
  readonly database: StateDatabase;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly tracing: Tracing;
  readonly metrics: SelfMetrics;
  readonly alerts: AlertReader;
  /** Is told of what is over, so that silences that end with their alerts do. */
  readonly silences: Pick<SilenceBook, 'alertResolved'>;
  /** Where people reach Omoi, without a slash at the end. */
  readonly externalUrl: () => string;
  readonly linksOf: (alert: NotifiedAlert) => AlertLinks;
}

/** What is made of a configuration before it is in force: nothing in it fails any more. */
export interface PreparedNotification {
  readonly configuration: NotificationConfiguration;
  readonly integrations: readonly RunningIntegration[];
  readonly routing: RoutingInForce;
  /** Without alerts yet: it is told of them when it is in force. */
  readonly inhibitor: Inhibitor;
  readonly intervals: TimeIntervals;
}

/** A receiver as people see it. */
export interface ReceiverOverview {
  readonly name: string;
  readonly labels: Labels;
  readonly integrations: readonly {
    /** `receiver/type/index` */
    readonly key: string;
    readonly type: string;
    readonly isBuilt: boolean;
    /** Null where it is not built. */
    readonly sendResolved: boolean | null;
    /** Messages that wait for it. */
    readonly pending: number;
  }[];
}

export interface ReceiverTest {
  /** `receiver/type/index` */
  readonly key: string;
  readonly delivery: Delivery;
}

const EVENT_TYPES: readonly EventType[] = [
  'monitor.alert.triggered',
  'monitor.alert.acknowledged',
  'monitor.alert.resolved',
];
const maxAlertsPerRead = 500;

/**
 * Tells people of alerts. It is told of them by the event log alone: what happened while it was away is not missed. Which alerts
 * are still to be told of, what each receiver knows, and the messages are on disk.
 */
export class Notification {
  readonly log: NotificationLog;
  readonly outbox: Outbox;
  readonly decisions: DecisionLog;
  readonly dispatcher: Dispatcher;
  readonly #parts: NotificationParts;
  #prepared: PreparedNotification;
  #consumer: Subscription | null = null;

  constructor(parts: NotificationParts, prepared: PreparedNotification) {
    this.#parts = parts;
    this.#prepared = prepared;
    this.log = new NotificationLog(parts.database);
    this.decisions = new DecisionLog(parts);
    const send = messageSender({
      ...parts,
      log: this.log,
      receiverLabelsOf: (receiver) => this.#receiverLabels(receiver),
      routeLabelsOf: (message) => this.configuration.templates.routeLabels(message),
    });
    this.outbox = new Outbox({
      ...parts,
      log: this.log,
      send,
      onEnded: (message, outcome) => this.dispatcher.settled(message, outcome),
    });
    const { log, outbox, decisions } = this;
    this.dispatcher = new Dispatcher({ ...parts, log, outbox, decisions }, prepared.routing);
  }

  get configuration(): NotificationConfiguration {
    return this.#prepared.configuration;
  }

  /** Takes up what was left, and begins to tell. All that fires is known before anything is decided. */
  async start(): Promise<void> {
    await this.log.start();
    this.outbox.setIntegrations(this.#prepared.integrations);
    await this.#takeUpAlerts();
    await this.outbox.start();
    this.#consumer = this.#parts.bus.consume({
      name: 'notification',
      types: EVENT_TYPES,
      // What ended before there was notification is no news; what fires is taken up beside it.
      from: 'end',
      handle: (tx, events) => this.#onEvents(tx, events),
    });
    this.dispatcher.start();
  }

  async stop(): Promise<void> {
    this.#consumer?.stop();
    await this.dispatcher.stop();
    await this.outbox.stop();
    await this.decisions.settled();
  }

  /** Puts another configuration in force. Nothing in it fails. */
  async take(prepared: PreparedNotification): Promise<void> {
    await this.dispatcher.hold();
    // What fires meanwhile is told to the new one.
    this.#prepared = prepared;
    const stretch = new Stretch(this.#parts.clock);
    for (const alert of this.dispatcher.firing) {
      prepared.inhibitor.add(alert);
      if (stretch.isOver) await stretch.pause();
    }
    this.outbox.setIntegrations(prepared.integrations);
    await this.dispatcher.replace(prepared.routing);
  }

  /** By what an alert is inhibited at this moment; null: by nothing. */
  inhibitedBy(alert: Pick<NotifiedAlert, 'alertId' | 'labels'>): Inhibition | null {
    return this.#prepared.inhibitor.inhibitedBy(alert);
  }

  /** Why a route keeps silent at a time; null where it may speak. */
  silentBy(route: Route, wallMs: number): SilentByTime | null {
    return this.#prepared.intervals.silentBy(route, wallMs);
  }

  /** The routing tree depth first, with what each route holds now. */
  routes(): readonly RouteOverview[] {
    const nowMs = this.#parts.clock.wallMs();
    return routeOverviews(this.configuration.route, {
      groups: this.dispatcher.groups(),
      silentBy: (route) => this.silentBy(route, nowMs),
    });
  }

  /** Where an alert with these labels would go now, and why. */
  whereTo(labels: Labels): RoutingTest {
    return testRouting(this.configuration.route, this.#prepared.routing.router, labels);
  }

  /** Those of the alerts that fire which all of some matchers accept, in no order. */
  async firingOf(matchers: MatcherSet): Promise<readonly TrackedAlert[]> {
    const stretch = new Stretch(this.#parts.clock);
    const found: TrackedAlert[] = [];
    for (const alert of this.dispatcher.firing) {
      if (matchesAll(matchers, alert.labels)) found.push(alert);
      if (stretch.isOver) await stretch.pause();
    }
    return found;
  }

  /** The newest messages that tell of an alert and have arrived, or were given up: their events, in order. */
  deliveriesOf(alertId: string): Promise<readonly SystemEvent[]> {
    return deliveriesOf(this.#parts, alertId);
  }

  /** What was decided about telling of an alert, and what became of the messages. */
  explain(alertId: string): Promise<Explanation> {
    return explain(this.#parts.database, this.decisions, alertId);
  }

  /** Messages, the newest first. */
  messages(query: MessageQuery): Promise<MessagePage> {
    return listMessages(this.#parts.database, query);
  }

  /** The receivers of the configuration. */
  receivers(): readonly ReceiverOverview[] {
    const running = new Map(this.#prepared.integrations.map((one) => [one.key, one]));
    return [...this.configuration.receivers.values()].map(({ name, labels, integrations }) => ({
      name,
      labels,
      integrations: integrations.map(({ kind: { type }, index }) => {
        const key = integrationKey(name, { type, index });
        const sendResolved = running.get(key)?.integration.sendResolved ?? null;
        return { key, type, isBuilt: running.has(key), sendResolved, pending: this.outbox.pendingOf(key) };
      }),
    }));
  }

  /**
   * Sends a message that says that it is a test, by each integration of a receiver that is built.
   * @throws OmoiError `unknown_receiver`
   */
  async testReceiver(name: string, by: string): Promise<readonly ReceiverTest[]> {
    const receiver = this.configuration.receivers.get(name);
    if (!receiver) {
      const known = [...this.configuration.receivers.keys()];
      const message = `There is no receiver ${JSON.stringify(name)}${suggestKey(name, known)}`;
      throw new OmoiError('unknown_receiver', message);
    }
    const { clock, random, externalUrl } = this.#parts;
    const atMs = Math.floor(clock.wallMs());
    const integrations = this.#prepared.integrations.filter(
      (one) => one.receiver === name && one.note === null,
    );
    return Promise.all(
      integrations.map(async ({ key, integration }) => {
        const message = testMessage({
          notificationId: createId('ntf', atMs, random),
          receiver: name,
          receiverLabels: receiver.labels,
          externalUrl: externalUrl(),
          by,
          atMs,
        });
        const controller = new AbortController();
        const deadline = clock.after(integration.timeoutMs, () => controller.abort());
        const delivery = await integration.send(message, { signal: controller.signal, memory: null });
        deadline.cancel();
        return { key, delivery };
      }),
    );
  }

  async #takeUpAlerts(): Promise<void> {
    const { alerts, database } = this.#parts;
    const rows = await database.reader.selectFrom('notification_alerts').select('alert_id').execute();
    const open = new Set(rows.map((row) => row.alert_id));
    for await (const page of alerts.firing()) {
      const unknown = page.filter(({ alertId }) => !open.delete(alertId)).map(({ alertId }) => alertId);
      if (unknown.length > 0) {
        await database.transaction((tx) => rememberAlerts(tx, unknown));
      }
      for (const alert of page) this.#takeUp(alert);
    }
    const ended = [...open];
    for (let at = 0; at < ended.length; at += maxAlertsPerRead) {
      const ids = ended.slice(at, at + maxAlertsPerRead);
      const found = await alerts.read(ids);
      for (const alert of found) this.#takeUp(alert);
      const kept = new Set(found.map(({ alertId }) => alertId));
      const forgotten = ids.filter((alertId) => !kept.has(alertId));
      if (forgotten.length === 0) continue;
      await database.transaction((tx) =>
        tx.db.deleteFrom('notification_alerts').where('alert_id', 'in', forgotten).execute(),
      );
    }
  }

  #takeUp(alert: NotifiedAlert): void {
    const tracked = trackedAlert(alert);
    if (tracked.endsAtMs === null) this.#prepared.inhibitor.add(tracked);
    this.dispatcher.take(tracked);
  }

  async #onEvents(tx: StateTransaction, events: readonly SystemEvent[]): Promise<void> {
    const begun = events.flatMap((event) =>
      event.event_type === 'monitor.alert.triggered' ? [event.payload.alert_id] : [],
    );
    if (begun.length > 0) await rememberAlerts(tx, begun);
    tx.afterCommit(() => {
      this.#noteInhibited(events);
      const resolved = events.flatMap((event) => this.#follow(event) ?? []);
      if (resolved.length > 0) this.#endSilences(resolved);
    });
  }

  /** What ends together with what inhibits it was inhibited to its end. */
  #noteInhibited(events: readonly SystemEvent[]): void {
    for (const event of events) {
      if (event.event_type !== 'monitor.alert.resolved') continue;
      const alert = this.dispatcher.get(event.payload.alert_id);
      if (alert?.endsAtMs === null && this.inhibitedBy(alert)) alert.isInhibited = true;
    }
  }

  /** Groups are decided once the events that came together have been followed: what inhibits another is known then. */
  #follow(event: SystemEvent): TrackedAlert | null {
    const atMs = Date.parse(event.at);
    if (event.event_type === 'monitor.alert.triggered') {
      const alert = alertOf(event);
      this.#prepared.inhibitor.add(alert);
      this.dispatcher.take(alert);
    } else if (event.event_type === 'monitor.alert.acknowledged') {
      this.dispatcher.acknowledge(event.payload.alert_id, event.payload.acknowledged_by);
    } else if (event.event_type === 'monitor.alert.resolved') {
      const alert = this.dispatcher.resolve(event.payload.alert_id, atMs);
      this.#prepared.inhibitor.remove(event.payload.alert_id);
      return alert;
    }
    return null;
  }

  /** Those that end with the last alert that they silence. Each is looked at once, however many of its alerts end together. */
  #endSilences(resolved: readonly TrackedAlert[]): void {
    const { silences, logger } = this.#parts;
    const known = new Map<Silence, boolean>();
    const silencesMore = (silence: Silence): boolean => {
      const more = known.get(silence) ?? this.#silencesMore(silence);
      if (isTogether) known.set(silence, more);
      return more;
    };
    let isTogether = true;
    for (const alert of resolved) {
      silences.alertResolved(alert.labels, silencesMore).catch((thrown: unknown) => {
        logger.warn(
          { error: messageOf(thrown), alert: alert.alertId },
          'Silences that end with this alert not ended: they end at their time',
        );
      });
    }
    // What is asked later is asked anew: other alerts may fire by then.
    isTogether = false;
    known.clear();
  }

  #silencesMore(silence: Silence): boolean {
    for (const { labels } of this.dispatcher.firing) if (coversLabels(silence, labels)) return true;
    return false;
  }

  #receiverLabels(receiver: string): Labels {
    return this.configuration.receivers.get(receiver)?.labels ?? emptyLabels();
  }
}

function alertOf(
  event: Extract<SystemEvent, { readonly event_type: 'monitor.alert.triggered' }>,
): TrackedAlert {
  const { alert_id: alertId, labels, severity } = event.payload;
  return {
    alertId,
    fingerprint: fingerprintOf(labels),
    labels,
    severity,
    startsAtMs: Date.parse(event.payload.starts_at ?? event.at),
    traceparent: event.traceparent,
    endsAtMs: null,
    acknowledgedBy: null,
    isInhibited: false,
  };
}

/** Alerts with which notification is not done, until they are told of. */
async function rememberAlerts(tx: StateTransaction, alertIds: readonly string[]): Promise<void> {
  await tx.db
    .insertInto('notification_alerts')
    .values(alertIds.map((alertId) => ({ alert_id: alertId })))
    .onConflict((conflict) => conflict.column('alert_id').doNothing())
    .execute();
}
