import { emptyLabels, matchesAll, OmoiError, Stretch, type Labels, type Subscription } from '#telemetry';
import type { NotificationConfiguration, Route } from './configuration/notification-configuration.ts';
import { DeadMansSwitch } from './dead-mans-switch/dead-mans-switch.ts';
import { EVENT_TYPES, EventFollower } from './event-follower.ts';
import { DecisionLog } from './explain/decision-log.ts';
import { deliveriesOf, explain, type Deliveries, type Explanation } from './explain/explanation.ts';
import { waitsOf, type Wait } from './explain/waits.ts';
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
import type { RoutingInForce } from './groups/routing-in-force.ts';
import type { TrackedAlert } from './groups/tracked-alert.ts';
import { ChangedPolicies } from './hold/changed-policies.ts';
import { RemediationHolds } from './hold/remediation-holds.ts';
import type { Inhibition } from './inhibition/inhibitor.ts';
import type { NotificationReason } from './message.ts';
import type { NotifiedAlert } from './notified-alert.ts';
import type {
  NotificationParts,
  PreparedNotification,
  ReceiverOverview,
  ReceiverTest,
} from './notification-parts.ts';
import type { OnCall } from './on-call/on-call.ts';
import { messageSender } from './outbox/message-writer.ts';
import { OpenedIncidents } from './outbox/opened-incidents.ts';
import { addressesOf, FormerIntegrations, type KnownAddress } from './outbox/former-integrations.ts';
import { NotificationLog } from './outbox/notification-log.ts';
import { Outbox } from './outbox/outbox.ts';
import type { Notification as Message } from './outbox/outbox-rows.ts';
import { integrationKey } from './outbox/running-integration.ts';
import { StoredAddresses } from './outbox/stored-addresses.ts';
import { notBuiltOf } from './receivers/not-built.ts';
import { testReceiver } from './receivers/test-receiver.ts';
import {
  routeOverviews,
  testRouting,
  type RouteOverview,
  type RoutingTest,
} from './routing/routing-overview.ts';
import type { SilentByTime } from './routing/time-intervals.ts';
import { endingGroupId, isOutdatedEnding } from './silences/ending-messages.ts';
import type { MatcherSet } from './silences/silence.ts';
import { SilencesUntilResolved } from './silences/silences-until-resolved.ts';
import { takeUpAlerts } from './take-up-alerts.ts';
import { LiftedMutes } from './stages/lifted-mutes.ts';
import { holdStage } from './stages/hold-stage.ts';
import { mutedBy, type MuteStage } from './stages/mute-stage.ts';

/** Its place in the event log goes by this name. */
const CONSUMER = 'notification';
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
  readonly #changedPolicies: ChangedPolicies;
  readonly #follower: EventFollower;
  readonly #keptBack = new KeptBackAlerts();
  readonly #former = new FormerIntegrations();
  readonly #addresses: StoredAddresses;
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
    this.#addresses = new StoredAddresses(parts);
    this.decisions = new DecisionLog(parts);
    const send = messageSender({
      ...parts,
      log: this.log,
      incidents: new OpenedIncidents(parts.database, this.log),
      hasGroup: (groupId) => this.dispatcher.hasGroup(groupId) || this.escalations.keepsGroup(groupId),
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
      onEnded: (message, ended) => {
        this.dispatcher.settled(message, ended);
        this.escalations.settled(message.groupId);
      },
      onWaits: ({ groupId }) => {
        this.dispatcher.waits(groupId);
        this.escalations.settled(groupId);
      },
      isOutdated: (message) =>
        isOutdatedEnding(message, (id) => parts.silences.live(id), parts.clock.wallMs()),
      isOrphan: (message) => this.#isOrphan(message),
    });
    const { log, outbox, decisions } = this;
    this.holds = new RemediationHolds({
      ...parts,
      decisions,
      onOutdated: () => this.#changedPolicies.look(),
    });
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
    this.#changedPolicies = new ChangedPolicies({
      ...parts,
      holds: this.holds,
      look: (alertId) => this.dispatcher.look(alertId),
    });
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
    this.#follower = new EventFollower({
      ...parts,
      log,
      outbox,
      decisions,
      dispatcher: this.dispatcher,
      holds: this.holds,
      escalations: this.escalations,
      untilResolved: new SilencesUntilResolved({ ...parts, firing: () => this.dispatcher.membership.firing }),
      lifted: this.#lifted,
      inForce: () => this.#prepared,
    });
  }

  get configuration(): NotificationConfiguration {
    return this.#prepared.configuration;
  }

  /** Takes up what was left, and begins to tell. All that fires is known before anything is decided. */
  async start(): Promise<void> {
    await this.log.start();
    await this.holds.start();
    this.#replaced(await this.#addresses.read(), this.#prepared);
    await this.outbox.setIntegrations(this.#prepared.integrations);
    // Read first: what begins after it is told of by the log, and what ended before there was notification is no news.
    const [newest] = await this.#parts.bus.list({ limit: 1, newestFirst: true });
    await takeUpAlerts({
      ...this.#parts,
      consumer: CONSUMER,
      keptBack: this.#keptBack,
      holds: this.holds,
      mayInhibit: (alert) => this.#prepared.inhibitor.add(alert),
      take: (alert) => this.dispatcher.take(alert),
    });
    await this.escalations.start();
    await this.outbox.start();
    this.#consumer = this.#parts.bus.consume({
      name: CONSUMER,
      types: EVENT_TYPES,
      from: { behindId: newest?.id ?? 0 },
      select: (events) => this.holds.concerning(events),
      handle: (tx, events) => this.#follower.follow(tx, events),
    });
    this.#silenceChanges = this.#parts.silences.onChanged((changed) => {
      this.#lifted.silencesChanged(changed);
      for (const { id } of changed) this.outbox.giveUpOutdated(endingGroupId(id));
    });
    await this.dispatcher.start();
    this.#changedPolicies.start();
    this.escalations.release();
    await this.outbox.release();
    this.#switch.aim(this.#prepared.heartbeat);
  }

  async stop(): Promise<void> {
    this.#consumer?.stop();
    this.#silenceChanges?.stop();
    this.#switch.stop();
    await Promise.all([this.#lifted.stop(), this.#changedPolicies.stop()]);
    await Promise.all([this.dispatcher.stop(), this.escalations.stop()]);
    await Promise.all([this.outbox.stop(), this.#addresses.stop()]);
    await this.decisions.settled();
  }

  /** Puts another configuration in force. Nothing in it fails. */
  async take(prepared: PreparedNotification): Promise<void> {
    // Of groups that will be no more nothing is to go out on the way.
    this.outbox.hold();
    await this.dispatcher.hold();
    // What fires meanwhile is told to the new one.
    this.#replaced(addressesOf(this.#prepared.integrations), prepared);
    this.#prepared = prepared;
    const stretch = new Stretch(this.#parts.clock);
    for (const alert of this.dispatcher.membership.firing) {
      prepared.inhibitor.add(alert);
      if (stretch.isOver) await stretch.pause();
    }
    await this.outbox.setIntegrations(prepared.integrations);
    this.#switch.aim(prepared.heartbeat);
    await this.dispatcher.replace(this.#routing(prepared));
    await this.outbox.release();
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
    for (const alert of this.dispatcher.membership.firing) {
      if (matchesAll(matchers, alert.labels)) found.push(alert);
      if (stretch.isOver) await stretch.pause();
    }
    return found;
  }

  /** The first and the newest messages that tell of an alert and have arrived, or were given up: their events, in order. */
  deliveriesOf(alertId: string): Promise<Deliveries> {
    return deliveriesOf(this.#parts, this.decisions, alertId);
  }

  /** What was decided about telling of an alert, and what became of the messages. */
  explain(alertId: string): Promise<Explanation> {
    return explain(this.#parts.database, this.decisions, alertId);
  }

  /** For what an alert waits now, in each of its groups, before it is told of. */
  waitsOf(alertId: string): readonly Wait[] {
    const { membership } = this.dispatcher;
    const alert = membership.get(alertId);
    if (!alert) return [];
    const { intervals, routing } = this.#prepared;
    return waitsOf(alert, membership.groupsOf(alertId), {
      log: this.log,
      holdOf: (id) => this.holds.get(id),
      intervals,
      integrationsOf: (receiver) => routing.integrationsOf(receiver),
      nowMs: this.#parts.clock.wallMs(),
    });
  }

  /** Messages, the newest first. */
  messages(query: MessageQuery): Promise<MessagePage> {
    return listMessages(this.#parts, query);
  }

  /** @throws OmoiError `unknown_notification` */
  async message(notificationId: string): Promise<ListedMessage> {
    const message = await readMessage(this.#parts, notificationId);
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
        const { outbox } = this;
        const delivery = { pending: outbox.pendingOf(key), refusing: outbox.refusingOf(key) };
        return { key, type, isBuilt: running.has(key), sendResolved, ...delivery };
      }),
    }));
  }

  /**
   * Sends a message that says that it is a test, by each integration of a receiver, and in the place of one that is not built to the
   * fallback receiver.
   * @throws OmoiError `unknown_receiver`
   */
  testReceiver(name: string, by: string): Promise<readonly ReceiverTest[]> {
    return testReceiver(name, by, {
      ...this.#parts,
      receivers: this.configuration.receivers,
      integrations: this.#prepared.integrations,
      integrationsOf: (receiver) => this.#prepared.routing.integrationsOf(receiver),
    });
  }

  /**
   * Of a group that is no more: that alerts fire is told by others, and so is an end of which the group has told no beginning, by whoever
   * holds the alert, under the key of its beginning.
   */
  #isOrphan({ groupId, reason }: Pick<Message, 'groupId' | 'reason'>): boolean {
    const isEnd = reason === 'all_resolved' || reason === 'new_resolved';
    if (!isEnd && !REASONS_OF_FIRING.has(reason)) return false;
    if (this.dispatcher.hasGroup(groupId) || this.escalations.keepsGroup(groupId)) return false;
    return !isEnd || this.log.entriesOf(groupId).length === 0;
  }

  /** Other integrations are in force. @param before those that were */
  #replaced(before: readonly KnownAddress[], { integrations }: PreparedNotification): void {
    this.#former.replace(before, integrations);
    this.#addresses.keep(addressesOf(integrations), this.#former.addresses());
  }

  #escalationContext(): EscalationContext {
    const stages = (): readonly MuteStage[] => this.#routing(this.#prepared).stages;
    return {
      escalationOf: (name) => this.configuration.omoi.escalations.get(name) ?? null,
      integrationsOf: (receiver) => this.#prepared.routing.integrationsOf(receiver),
      integrationByKey: (key) => this.#routing(this.#prepared).integrationByKey(key),
      isWithin: (interval, wallMs) => this.#prepared.intervals.namesWithin([interval], wallMs).length > 0,
      alertOf: (alertId) => this.dispatcher.membership.get(alertId),
      groupsOf: (alertId) => this.dispatcher.membership.groupsOf(alertId),
      mutedBy: (alert, { route }, nowMs) => mutedBy(stages(), alert, { route, nowMs }),
    };
  }

  /** What is held back for a repair is asked last: what nobody hears of anyway needs no verdict. */
  #routing({ routing }: PreparedNotification): RoutingInForce {
    return {
      ...routing,
      stages: [...routing.stages, holdStage((alertId) => this.holds.get(alertId))],
      integrationByKey: (key) => routing.integrationByKey(key) ?? this.#former.successorOf(key),
    };
  }
}
