import type { StateTransaction } from '#storage';
import type { EventType, SystemEvent } from '#telemetry';
import type { Escalations } from './escalation/escalations.ts';
import { alertKnowledge } from './groups/alert-knowledge.ts';
import type { Dispatcher } from './groups/dispatcher.ts';
import { rememberAlerts } from './groups/remembered-alerts.ts';
import { alertThatBegins, type TrackedAlert } from './groups/tracked-alert.ts';
import { HOLD_EVENTS } from './hold/hold.ts';
import type { RemediationHolds } from './hold/remediation-holds.ts';
import type { NotificationParts, PreparedNotification } from './notification-parts.ts';
import type { NotificationLog } from './outbox/notification-log.ts';
import type { AlertTriggered, RoutedTo } from './ports.ts';
import type { SilencesUntilResolved } from './silences/silences-until-resolved.ts';
import { tellEndingSilence, type EndingMessageParts } from './silences/ending-messages.ts';
import type { LiftedMutes } from './stages/lifted-mutes.ts';

/** What notification follows. */
export const EVENT_TYPES: readonly EventType[] = [
  'monitor.alert.triggered',
  'monitor.alert.acknowledged',
  'monitor.alert.snoozed',
  'monitor.alert.unsnoozed',
  'monitor.alert.resolved',
  'notification.silence.ending',
  ...HOLD_EVENTS,
];

export interface EventFollowerParts
  extends
    Pick<NotificationParts, 'silences' | 'logger'>,
    Pick<EndingMessageParts, 'clock' | 'random' | 'outbox' | 'decisions'> {
  readonly dispatcher: Dispatcher;
  readonly log: NotificationLog;
  readonly holds: Pick<RemediationHolds, 'follow'>;
  readonly escalations: Pick<Escalations, 'halt' | 'restart' | 'ended'>;
  readonly untilResolved: Pick<SilencesUntilResolved, 'resolved'>;
  readonly lifted: Pick<LiftedMutes, 'inhibitionEnded'>;
  /** The configuration that is in force. */
  readonly inForce: () => PreparedNotification;
}

/** Follows the events of alerts, of silences and of repairs: what each of them means to the groups, the holds and the ladders. */
export class EventFollower {
  readonly #parts: EventFollowerParts;

  constructor(parts: EventFollowerParts) {
    this.#parts = parts;
  }

  /** Follows events in the transaction in which they are read; what is in memory follows its commit. */
  async follow(tx: StateTransaction, events: readonly SystemEvent[]): Promise<void> {
    const { dispatcher, holds, log, untilResolved } = this.#parts;
    const begun = events.flatMap((event) =>
      event.event_type === 'monitor.alert.triggered' ? [event.payload.alert_id] : [],
    );
    if (begun.length > 0) await rememberAlerts(tx, begun);
    const judged = await holds.follow(tx, events, {
      routesOf: (event) => this.#holdingRoutesOf(event),
      ...alertKnowledge({ dispatcher, log }),
    });
    for (const event of events) await this.#followInTransaction(tx, event);
    tx.afterCommit(() => {
      this.#noteInhibited(events);
      const resolved = events.flatMap((event) => this.#follow(event) ?? []);
      if (resolved.length > 0) untilResolved.resolved(resolved);
      for (const alertId of judged) dispatcher.look(alertId);
    });
  }

  /** What ends together with what inhibits it was inhibited to its end. */
  #noteInhibited(events: readonly SystemEvent[]): void {
    const { dispatcher, inForce } = this.#parts;
    for (const event of events) {
      if (event.event_type !== 'monitor.alert.resolved') continue;
      const alert = dispatcher.membership.get(event.payload.alert_id);
      if (alert?.endsAtMs === null && inForce().inhibitor.inhibitedBy(alert)) alert.isInhibited = true;
    }
  }

  /** Groups are decided once the events that came together have been followed: what inhibits another is known then. */
  #follow(event: SystemEvent): TrackedAlert | null {
    const { dispatcher, escalations, lifted, inForce } = this.#parts;
    const atMs = Date.parse(event.at);
    if (event.event_type === 'monitor.alert.triggered') {
      const alert = alertThatBegins(event);
      inForce().inhibitor.add(alert);
      dispatcher.take(alert);
    } else if (event.event_type === 'monitor.alert.acknowledged') {
      dispatcher.membership.acknowledge(event.payload.alert_id, event.payload.acknowledged_by);
    } else if (event.event_type === 'monitor.alert.snoozed') {
      dispatcher.membership.snooze(event.payload.alert_id, Date.parse(event.payload.until));
    } else if (event.event_type === 'monitor.alert.unsnoozed') {
      dispatcher.membership.snooze(event.payload.alert_id, atMs);
      dispatcher.look(event.payload.alert_id);
    } else if (event.event_type === 'monitor.alert.resolved') {
      const alert = dispatcher.membership.resolve(event.payload.alert_id, atMs);
      if (inForce().inhibitor.remove(event.payload.alert_id)) lifted.inhibitionEnded();
      escalations.ended(event.payload.alert_id, atMs);
      return alert;
    }
    return null;
  }

  async #tellEnding(tx: StateTransaction, silenceId: string): Promise<void> {
    const { dispatcher, inForce } = this.#parts;
    const silence = this.#parts.silences.live(silenceId);
    // Meanwhile it may have ended, or its end may have been moved: that is told of when it comes.
    if (!silence || silence.warnedAtMs === null) return;
    await tellEndingSilence(tx, silence, {
      ...this.#parts,
      firing: () => dispatcher.membership.firing,
      groupsOf: (alertId) => dispatcher.membership.groupsOf(alertId),
      integrationsOf: (receiver) => inForce().routing.integrationsOf(receiver),
    });
  }

  /** What is written together with an event: a ladder stops as soon as somebody looks after the alert. */
  async #followInTransaction(tx: StateTransaction, event: SystemEvent): Promise<void> {
    const { escalations } = this.#parts;
    if (event.event_type === 'monitor.alert.acknowledged') {
      const { alert_id: alertId, acknowledged_by: by } = event.payload;
      await escalations.halt(tx, alertId, `acknowledged by ${by}`);
    } else if (event.event_type === 'monitor.alert.snoozed') {
      const { alert_id: alertId, snoozed_by: by, until } = event.payload;
      await escalations.halt(tx, alertId, `snoozed by ${by} until ${until}`);
    } else if (event.event_type === 'monitor.alert.unsnoozed') {
      await escalations.restart(tx, event.payload.alert_id);
    } else if (event.event_type === 'notification.silence.ending') {
      await this.#tellEnding(tx, event.payload.silence_id);
    }
  }

  #holdingRoutesOf({ payload: { labels } }: AlertTriggered): readonly RoutedTo[] {
    const { router, holds } = this.#parts.inForce().routing;
    return holds ? router.routesOf(labels) : [];
  }
}
