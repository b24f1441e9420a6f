import type { StateTransaction } from '#storage';
import {
  emptyLabels,
  matchesAll,
  OmoiError,
  Stretch,
  type EventType,
  type Labels,
  type Subscription,
  type SystemEvent,
} from '#telemetry';
import type { NotificationConfiguration, Route } from './configuration/notification-configuration.ts';
import { DeadMansSwitch } from './dead-mans-switch/dead-mans-switch.ts';
import { DecisionLog } from './explain/decision-log.ts';
import { deliveriesOf, explain, type Explanation } from './explain/explanation.ts';
import {
  listMessages,
  readMessage,
  type ListedMessage,
  type MessagePage,
  type MessageQuery,
} from './explain/message-list.ts';
import type { EscalationContext } from './escalation/escalation-parts.ts';
import { Escalations } from './escalation/escalations.ts';
import { Dispatcher } from './groups/dispatcher.ts';
import { KeptBackAlerts } from './groups/kept-back-alerts.ts';
import { forgetAlerts, rememberAlerts } from './groups/remembered-alerts.ts';
import type { RoutingInForce } from './groups/routing-in-force.ts';
import { alertThatBegins, trackedAlert, type TrackedAlert } from './groups/tracked-alert.ts';
import { HOLD_EVENTS } from './hold/hold.ts';
import { RemediationHolds } from './hold/remediation-holds.ts';
import type { Inhibition } from './inhibition/inhibitor.ts';
import type { NotificationReason } from './message.ts';
import type { NotifiedAlert, StoredAlert } from './notified-alert.ts';
import type {
  NotificationParts,
  PreparedNotification,
  ReceiverOverview,
  ReceiverTest,
} from './notification-parts.ts';
import type { OnCall } from './on-call/on-call.ts';
import { messageSender } from './outbox/message-writer.ts';
import { NotificationLog } from './outbox/notification-log.ts';
import { Outbox } from './outbox/outbox.ts';
import { integrationKey } from './outbox/running-integration.ts';
import { notBuiltOf } from './receivers/not-built.ts';
import { testReceiver } from './receivers/test-receiver.ts';
import type { AlertTriggered, RoutedTo } from './ports.ts';
import {
  routeOverviews,
  testRouting,
  type RouteOverview,
  type RoutingTest,
} from './routing/routing-overview.ts';
import type { SilentByTime } from './routing/time-intervals.ts';
import { tellEndingSilence } from './silences/ending-messages.ts';
import type { MatcherSet } from './silences/silence.ts';
import { SilencesUntilResolved } from './silences/silences-until-resolved.ts';
import { LiftedMutes } from './stages/lifted-mutes.ts';
import { holdStage } from './stages/hold-stage.ts';
import { mutedBy, type MuteStage } from './stages/mute-stage.ts';

/** Its place in the event log goes by this name. */
const CONSUMER = 'notification';
const EVENT_TYPES: readonly EventType[] = [
  'monitor.alert.triggered',
  'monitor.alert.acknowledged',
  'monitor.alert.snoozed',
  'monitor.alert.unsnoozed',
  'monitor.alert.resolved',
  'notification.silence.ending',
  ...HOLD_EVENTS,
];
const maxAlertsPerRead = 500;
/** Those for which a group is told that its alerts fire: the group that these are in by now says it in its place. */
const REASONS_OF_FIRING: ReadonlySet<NotificationReason> = new Set([
  'first_notification',
  'new_alerts',
  'repeat',
  'brief',
  'not_healed',
  'snooze_ended',
  'flapping',
]);

/**
 * Tells people of alerts. It is told of them by the event log alone: what happened while it was away is not missed. Which alerts
 * are still to be told of, what each receiver knows, and the messages are on disk.
 */
export class Notification {
  readonly log: NotificationLog;
  readonly outbox: Outbox;
  readonly decisions: DecisionLog;
  readonly dispatcher: Dispatcher;
  readonly holds: RemediationHolds;
  readonly escalations: Escalations;
  readonly #lifted: LiftedMutes;
  readonly #untilResolved: SilencesUntilResolved;
  readonly #keptBack = new KeptBackAlerts();
  readonly #switch: DeadMansSwitch;
  readonly #parts: NotificationParts;
  #prepared: PreparedNotification;
  #consumer: Subscription | null = null;
  #silenceChanges: Subscription | null = null;

  constructor(parts: NotificationParts, prepared: PreparedNotification) {
    this.#parts = parts;
    this.#prepared = prepared;
    parts.metrics.gaugeFamily(
      'omoi_receiver_not_built',
      '1 for each kind of integration of a receiver that is named and not built.',
      () => notBuiltOf(this.configuration),
    );
    this.log = new NotificationLog(parts.database);
    this.decisions = new DecisionLog(parts);
    const send = messageSender({
      ...parts,
      log: this.log,
      receiverLabelsOf: (receiver) => this.configuration.receivers.get(receiver)?.labels ?? emptyLabels(),
      routeLabelsOf: (message) => this.configuration.templates.routeLabels(message),
    });
    this.outbox = new Outbox({
      ...parts,
      log: this.log,
      decisions: this.decisions,
      send,
      mayBegin: (message) => this.escalations.mayBegin(message),
      integrationsAt: (receiver, wallMs) => this.#prepared.routing.integrationsOf(receiver, wallMs),
      onEnded: (message, outcome) => {
        this.dispatcher.settled(message, outcome);
        this.escalations.settled(message.groupId);
      },
      onWaits: ({ groupId }) => this.escalations.settled(groupId),
      isOrphan: ({ groupId, reason }) =>
        REASONS_OF_FIRING.has(reason) &&
        !this.dispatcher.hasGroup(groupId) &&
        !this.escalations.keepsGroup(groupId),
    });
    const { log, outbox, decisions } = this;
    this.holds = new RemediationHolds({ ...parts, decisions });
    const wasHeld = (alertId: string): boolean => (this.holds.get(alertId)?.steps.length ?? 0) > 0;
    this.dispatcher = new Dispatcher(
      {
        ...parts,
        log,
        outbox,
        decisions,
        keptBack: this.#keptBack,
        beside: [this.holds, this.#keptBack],
        wasHeld,
        keepsGroup: (groupId) => this.escalations.keepsGroup(groupId),
        onTold: (tx, told) => this.escalations.begin(tx, told),
      },
      this.#routing(prepared),
    );
    this.#lifted = new LiftedMutes({
      ...parts,
      dispatcher: this.dispatcher,
      isInhibited: (alert) => this.inhibitedBy(alert) !== null,
    });
    this.#untilResolved = new SilencesUntilResolved({ ...parts, firing: () => this.dispatcher.firing });
    this.#switch = new DeadMansSwitch({
      ...parts,
      signs: [parts.evaluatesRules, () => this.dispatcher.whatHasStopped() ?? this.outbox.whatHasStopped()],
    });
    this.escalations = new Escalations({
      ...parts,
      log,
      outbox,
      decisions,
      context: this.#escalationContext(),
    });
  }

  get configuration(): NotificationConfiguration {
    return this.#prepared.configuration;
  }

  /** Takes up what was left, and begins to tell. All that fires is known before anything is decided. */
  async start(): Promise<void> {
    await this.log.start();
    await this.holds.start();
    this.outbox.setIntegrations(this.#prepared.integrations);
    // Read first: what begins after it is told of by the log, and what ended before there was notification is no news.
    const [newest] = await this.#parts.bus.list({ limit: 1, newestFirst: true });
    await this.#takeUpAlerts();
    await this.escalations.start();
    await this.outbox.start();
    this.#consumer = this.#parts.bus.consume({
      name: CONSUMER,
      types: EVENT_TYPES,
      from: { behindId: newest?.id ?? 0 },
      select: (events) => this.holds.concerning(events),
      handle: (tx, events) => this.#onEvents(tx, events),
    });
    this.#silenceChanges = this.#parts.silences.onChanged((changed) => this.#lifted.silencesChanged(changed));
    this.dispatcher.start();
    this.escalations.release();
    this.outbox.release();
    this.#switch.aim(this.#prepared.heartbeat);
  }

  async stop(): Promise<void> {
    this.#consumer?.stop();
    this.#silenceChanges?.stop();
    this.#switch.stop();
    await this.#lifted.stop();
    await Promise.all([this.dispatcher.stop(), this.escalations.stop()]);
    await this.outbox.stop();
    await this.decisions.settled();
  }

  /** Puts another configuration in force. Nothing in it fails. */
  async take(prepared: PreparedNotification): Promise<void> {
    // Of groups that will be no more nothing is to go out on the way.
    this.outbox.hold();
    await this.dispatcher.hold();
    // What fires meanwhile is told to the new one.
    this.#prepared = prepared;
    const stretch = new Stretch(this.#parts.clock);
    for (const alert of this.dispatcher.firing) {
      prepared.inhibitor.add(alert);
      if (stretch.isOver) await stretch.pause();
    }
    this.outbox.setIntegrations(prepared.integrations);
    this.#switch.aim(prepared.heartbeat);
    await this.dispatcher.replace(this.#routing(prepared));
    this.outbox.release();
  }

  /** Who is on call, by the configuration in force. */
  get onCall(): OnCall {
    return this.#prepared.onCall;
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

  /** To whom an alert with these labels goes by the routes in force. */
  receiversOf(labels: Labels): readonly string[] {
    return this.#prepared.routing.router.routesOf(labels).map(({ route }) => route.receiver);
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

  /** @throws OmoiError `unknown_notification` */
  async message(notificationId: string): Promise<ListedMessage> {
    const message = await readMessage(this.#parts.database, notificationId);
    if (message) return message;
    throw new OmoiError('unknown_notification', `There is no message ${JSON.stringify(notificationId)}`);
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
  testReceiver(name: string, by: string): Promise<readonly ReceiverTest[]> {
    return testReceiver(name, by, {
      ...this.#parts,
      receivers: this.configuration.receivers,
      integrations: this.#prepared.integrations,
    });
  }

  async #takeUpAlerts(): Promise<void> {
    const { alerts, database } = this.#parts;
    await this.#keptBack.read(database);
    const rows = await database.reader.selectFrom('notification_alerts').select('alert_id').execute();
    const open = new Set(rows.map((row) => row.alert_id));
    const isTold = await this.#hasCursor();
    for await (const page of alerts.firing()) {
      const unknown = new Set(
        page.filter(({ alertId }) => !open.delete(alertId)).map(({ alertId }) => alertId),
      );
      if (unknown.size > 0 && !isTold) {
        await database.transaction((tx) => rememberAlerts(tx, [...unknown]));
      }
      for (const alert of page) {
        // The event log will tell of it, and with it whether it is held back; what it inhibits is known at once.
        if (isTold && unknown.has(alert.alertId)) this.#prepared.inhibitor.add(trackedAlert(alert));
        else this.#takeUp(alert);
      }
    }
    const ended = [...open];
    for (let at = 0; at < ended.length; at += maxAlertsPerRead) {
      const ids = ended.slice(at, at + maxAlertsPerRead);
      const found = await alerts.read(ids);
      for (const alert of found) this.#takeUp(alert);
      const kept = new Set(found.map(({ alertId }) => alertId));
      const forgotten = ids.filter((alertId) => !kept.has(alertId));
      if (forgotten.length === 0) continue;
      await database.transaction((tx) => forgetAlerts(tx, forgotten, [this.holds, this.#keptBack]));
    }
  }

  /** Whether the event log tells of all that has begun since the last run. */
  async #hasCursor(): Promise<boolean> {
    const row = await this.#parts.database.reader
      .selectFrom('event_cursors')
      .select('consumer')
      .where('consumer', '=', CONSUMER)
      .executeTakeFirst();
    return row !== undefined;
  }

  #takeUp(alert: StoredAlert): void {
    const tracked = trackedAlert(alert);
    if (tracked.endsAtMs === null) this.#prepared.inhibitor.add(tracked);
    this.dispatcher.take(tracked);
  }

  async #onEvents(tx: StateTransaction, events: readonly SystemEvent[]): Promise<void> {
    const begun = events.flatMap((event) =>
      event.event_type === 'monitor.alert.triggered' ? [event.payload.alert_id] : [],
    );
    if (begun.length > 0) await rememberAlerts(tx, begun);
    const judged = await this.holds.follow(tx, events, {
      routesOf: (event) => this.#holdingRoutesOf(event),
      isOver: (alertId) => (this.dispatcher.get(alertId)?.endsAtMs ?? null) !== null,
    });
    for (const event of events) await this.#followInTransaction(tx, event);
    tx.afterCommit(() => {
      this.#noteInhibited(events);
      const resolved = events.flatMap((event) => this.#follow(event) ?? []);
      if (resolved.length > 0) this.#untilResolved.resolved(resolved);
      for (const alertId of judged) this.dispatcher.look(alertId);
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
      const alert = alertThatBegins(event);
      this.#prepared.inhibitor.add(alert);
      this.dispatcher.take(alert);
    } else if (event.event_type === 'monitor.alert.acknowledged') {
      this.dispatcher.acknowledge(event.payload.alert_id, event.payload.acknowledged_by);
    } else if (event.event_type === 'monitor.alert.snoozed') {
      this.dispatcher.snooze(event.payload.alert_id, Date.parse(event.payload.until));
    } else if (event.event_type === 'monitor.alert.unsnoozed') {
      this.dispatcher.snooze(event.payload.alert_id, atMs);
      this.dispatcher.look(event.payload.alert_id);
    } else if (event.event_type === 'monitor.alert.resolved') {
      const alert = this.dispatcher.resolve(event.payload.alert_id, atMs);
      if (this.#prepared.inhibitor.remove(event.payload.alert_id)) this.#lifted.inhibitionEnded();
      this.escalations.ended(event.payload.alert_id, atMs);
      return alert;
    }
    return null;
  }

  async #tellEnding(tx: StateTransaction, silenceId: string): Promise<void> {
    const silence = this.#parts.silences.list().find(({ id }) => id === silenceId);
    // It may have ended meanwhile.
    if (!silence) return;
    await tellEndingSilence(tx, silence, {
      ...this.#parts,
      outbox: this.outbox,
      decisions: this.decisions,
      firing: () => this.dispatcher.firing,
      groupsOf: (alertId) => this.dispatcher.groupsOf(alertId),
      integrationsOf: (receiver) => this.#prepared.routing.integrationsOf(receiver),
    });
  }

  /** What is written together with an event: a ladder stops as soon as somebody looks after the alert. */
  async #followInTransaction(tx: StateTransaction, event: SystemEvent): Promise<void> {
    if (event.event_type === 'monitor.alert.acknowledged') {
      const { alert_id: alertId, acknowledged_by: by } = event.payload;
      await this.escalations.halt(tx, alertId, `acknowledged by ${by}`);
    } else if (event.event_type === 'monitor.alert.snoozed') {
      const { alert_id: alertId, snoozed_by: by, until } = event.payload;
      await this.escalations.halt(tx, alertId, `snoozed by ${by} until ${until}`);
    } else if (event.event_type === 'monitor.alert.unsnoozed') {
      await this.escalations.restart(tx, event.payload.alert_id);
    } else if (event.event_type === 'notification.silence.ending') {
      await this.#tellEnding(tx, event.payload.silence_id);
    }
  }

  #escalationContext(): EscalationContext {
    const stages = (): readonly MuteStage[] => this.#routing(this.#prepared).stages;
    return {
      escalationOf: (name) => this.configuration.omoi.escalations.get(name) ?? null,
      integrationsOf: (receiver) => this.#prepared.routing.integrationsOf(receiver),
      integrationByKey: (key) => this.#prepared.integrations.find((one) => one.key === key) ?? null,
      isWithin: (interval, wallMs) => this.#prepared.intervals.namesWithin([interval], wallMs).length > 0,
      alertOf: (alertId) => this.dispatcher.get(alertId),
      groupsOf: (alertId) => this.dispatcher.groupsOf(alertId),
      mutedBy: (alert, { route }, nowMs) => mutedBy(stages(), alert, { route, nowMs }),
    };
  }

  /** What is held back for a repair is asked last: what nobody hears of anyway needs no verdict. */
  #routing({ routing }: PreparedNotification): RoutingInForce {
    return { ...routing, stages: [...routing.stages, holdStage((alertId) => this.holds.get(alertId))] };
  }

  #holdingRoutesOf({ payload: { labels } }: AlertTriggered): readonly RoutedTo[] {
    const { router, holds } = this.#prepared.routing;
    return holds ? router.routesOf(labels) : [];
  }
}
